//! The own block under construction, and the policy for what is optional in it.

use std::sync::Arc;

use alys_bus::protocol::engine::PayloadId;
use alys_primitives::{B256, Block, Body, SignedProposal, Slot};

use super::{backoff::Retry, effect::DraftId, rules::Expected};

/// How far the own block has come.
#[derive(Debug, Clone)]
pub(crate) enum Stage {
    /// The engine was asked to build.
    Asked,
    /// It could not, for this reason; ask again.
    Failed(Retry, String),
    /// It is building.
    Building(PayloadId),
    /// It was asked for the payload.
    Sealing,
    /// The envelope is being signed.
    Signing(Box<Block>),
    /// The signed block is being checked and stored, as any other is.
    Storing {
        /// Its hash.
        hash: B256,
        /// The block in its envelope.
        proposal: Arc<SignedProposal>,
    },
    /// Promised and published.
    Published,
    /// Given up, and why.
    Dropped(String),
}

/// The own block for one slot, on one parent.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) id: DraftId,
    pub(crate) slot: Slot,
    pub(crate) parent: B256,
    pub(crate) body: Body,
    /// What the rules make of it; `None` where they allow no such block.
    pub(crate) expected: Option<Box<Expected>>,
    pub(crate) stage: Stage,
    pub(crate) failures: u32,
}

impl Draft {
    /// Whether another parent may still be chosen: nothing is signed yet.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(
            self.stage,
            Stage::Asked | Stage::Failed(..) | Stage::Building(_) | Stage::Sealing | Stage::Dropped(_)
        )
    }

    /// Why there is no block, for people, if the slot ended now.
    pub(crate) fn shortfall(&self) -> String {
        match &self.stage {
            Stage::Published => "the block was published too late".to_owned(),
            Stage::Asked => "the execution client began no payload in time".to_owned(),
            Stage::Failed(_, why) => format!("the execution client built no payload: {why}"),
            Stage::Building(_) | Stage::Sealing => "the payload was not ready in time".to_owned(),
            Stage::Signing(_) => "the signer did not answer in time".to_owned(),
            Stage::Storing { .. } => "the block was not durable in time".to_owned(),
            Stage::Dropped(reason) => reason.clone(),
        }
    }
}

/// Optional items must not cost blocks (`proof-without-signatures`, `tip-race`): after an own block with
/// optional items that was not notarized they are left out of the next own block, then of the next
/// two, and so on doubling; success resets.
#[derive(Debug, Default)]
pub(crate) struct OptionalItems {
    /// The last own block that carried some, until it is notarized.
    last: Option<B256>,
    pause: u32,
    skip: u32,
    /// What was decided for the own slot at hand.
    decided: Option<(Slot, bool)>,
}

impl OptionalItems {
    /// Whether the own block of `slot` may carry them; the same answer however often a slot is asked for.
    pub(crate) fn may_carry(&mut self, slot: Slot) -> bool {
        if let Some((decided, carries)) = self.decided
            && decided == slot
        {
            return carries;
        }
        if self.last.take().is_some() {
            self.pause = self.pause.saturating_mul(2).max(1);
            self.skip = self.pause;
        }
        let carries = self.skip == 0;
        self.skip = self.skip.saturating_sub(1);
        self.decided = Some((slot, carries));
        carries
    }

    /// An own block with optional items was published.
    pub(crate) const fn published(&mut self, hash: B256) {
        self.last = Some(hash);
    }

    /// A block was notarized.
    pub(crate) fn notarized(&mut self, hash: B256) {
        if self.last == Some(hash) {
            *self = Self { decided: self.decided, ..Self::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proof_without_signatures_optional_items_pause_one_two_four_blocks_and_success_resets() {
        let mut items = OptionalItems::default();
        let mut carried = String::new();
        for slot in 0..11 {
            let carries = items.may_carry(slot);
            assert_eq!(items.may_carry(slot), carries);
            carried.push(if carries { 'x' } else { '.' });
            if carries {
                items.published(B256::repeat_byte(1));
            }
        }
        assert_eq!(carried, "x.x..x....x");
        items.published(B256::repeat_byte(3));
        items.notarized(B256::repeat_byte(3));
        assert!(items.may_carry(11));
    }
}
