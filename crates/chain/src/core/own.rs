//! What this member has promised, and what it may still sign (protocol, section 3).
//!
//! A vote is first signed and then promised: [`Own::may_vote`] is asked when the signature is wanted
//! and again when it is there, and only then does the promise come into being, durable before it
//! leaves. One signature is under way at a time, so no two decisions can cross.

use std::sync::Arc;

use alys_bus::protocol::storage::Promises;
use alys_primitives::{SignedProposal, SignedVote, Slot, SlotClock, VoteKind, vote::VoteData};

use super::backoff::Retry;

/// What a vote is weighed against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Unix ms.
    pub(crate) now_ms: u64,
    /// The slot that has begun.
    pub(crate) slot: Slot,
    /// The stride.
    pub(crate) stride: u64,
    /// The slot arithmetic.
    pub(crate) clock: SlotClock,
}

/// A signature that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signing {
    /// For what.
    pub(crate) data: VoteData,
    /// The slot of the block's parent, which the lock is compared with; for Notarize.
    pub(crate) parent: Slot,
}

/// This member's record.
#[derive(Debug, Default)]
pub(crate) struct Own {
    /// As it is, or is about to be, on the disk.
    pub(crate) promises: Promises,
    /// The block of the last promised proposal.
    pub(crate) proposal: Option<Arc<SignedProposal>>,
    /// The signature under way.
    pub(crate) signing: Option<Signing>,
    /// When to ask the signer again.
    pub(crate) retry: Retry,
    /// What the signer will not sign.
    pub(crate) refused: Option<VoteData>,
    #[cfg(feature = "weakened")]
    pub(crate) ignores_lock: bool,
}

impl Own {
    pub(crate) fn new(promises: Promises) -> Self {
        Self { promises, ..Self::default() }
    }

    fn slot_of(vote: Option<&SignedVote>) -> Option<Slot> {
        vote.map(|vote| vote.vote.data.slot)
    }

    /// The highest slot voted in; 0 before the first vote.
    pub(crate) fn last_voted(&self) -> Slot {
        let notarized = Self::slot_of(self.promises.notarize.as_ref());
        let finalized = Self::slot_of(self.promises.finalize.as_ref());
        notarized.max(finalized).unwrap_or(0)
    }

    /// The slot of the last proposal; 0 before the first.
    pub(crate) fn last_proposed(&self) -> Slot {
        self.promises.proposal.as_ref().map_or(0, |proposal| proposal.header.slot)
    }

    /// The slot of the last Finalize: no vote for a block whose parent lies below it.
    pub(crate) fn lock(&self) -> Slot {
        #[cfg(feature = "weakened")]
        if self.ignores_lock {
            return 0;
        }
        self.promises.lock
    }

    /// The one rule of voting, asked before a signature is made and before it becomes a promise.
    pub(crate) fn may_vote(&self, moment: &Moment, signing: &Signing) -> bool {
        let data = &signing.data;
        let begun = data.slot <= moment.slot && data.slot.is_multiple_of(moment.stride.max(1));
        begun
            && match data.kind {
                VoteKind::Notarize => data.slot > self.last_voted() && signing.parent >= self.lock(),
                VoteKind::Finalize => {
                    let first = Self::slot_of(self.promises.finalize.as_ref()).is_none_or(|s| s < data.slot);
                    let cutoff = moment.clock.finalize_cutoff_ms(data.slot, moment.stride);
                    first && data.slot >= self.last_voted() && cutoff.is_some_and(|t| moment.now_ms < t)
                }
            }
    }

    /// Makes the promise. The record must be durable before the vote leaves.
    pub(crate) fn promise_vote(&mut self, vote: SignedVote) {
        match vote.vote.data.kind {
            VoteKind::Notarize => self.promises.notarize = Some(vote),
            VoteKind::Finalize => {
                self.promises.lock = self.promises.lock.max(vote.vote.data.slot);
                self.promises.finalize = Some(vote);
            }
        }
    }

    /// Makes the promise of a proposal. Its block is durable already.
    pub(crate) fn promise_proposal(&mut self, proposal: Arc<SignedProposal>) {
        self.promises.proposal = Some(proposal.signed_header());
        self.proposal = Some(proposal);
    }
}

#[cfg(test)]
mod tests {
    use alys_primitives::{B256, Vote};
    use proptest::prelude::*;

    use super::*;

    fn data(kind: VoteKind, slot: Slot, block: u8) -> VoteData {
        VoteData { epoch: 0, kind, slot, height: slot, block: B256::repeat_byte(block) }
    }

    fn vote(data: VoteData) -> SignedVote {
        SignedVote {
            vote: Vote { data, member: 0, share: Default::default() },
            signature: Default::default(),
        }
    }

    fn moment(slot: Slot, into_slot_ms: u64, stride: u64) -> Moment {
        let clock = SlotClock { genesis_ms: 0, slot_ms: 2000 };
        Moment { now_ms: slot * 2000 + into_slot_ms, slot, stride, clock }
    }

    proptest! {
        /// Whatever is asked in whatever order: what is promised is one vote a kind and slot, Notarize in
        /// rising slots and above every vote, Finalize never below one, and never against the lock.
        #[test]
        fn promises_keep_the_vote_rule_whatever_is_asked(
            asks in prop::collection::vec((any::<bool>(), 0u64..12, 0u64..12, 0u64..12, 0u64..2000, 1u64..4), 1..60),
        ) {
            let mut own = Own::default();
            let mut made: Vec<(VoteData, Slot)> = Vec::new();
            for (finalize, slot, parent, now_slot, into, stride) in asks {
                let kind = if finalize { VoteKind::Finalize } else { VoteKind::Notarize };
                let signing = Signing { data: data(kind, slot, parent as u8), parent };
                let at = moment(now_slot, into, stride);
                if !own.may_vote(&at, &signing) {
                    continue;
                }
                for (before, _) in &made {
                    prop_assert!(slot >= before.slot);
                    prop_assert!(slot > before.slot || (kind == VoteKind::Finalize && before.kind == VoteKind::Notarize));
                }
                if kind == VoteKind::Notarize {
                    let lock = made.iter().filter(|(d, _)| d.kind == VoteKind::Finalize).map(|(d, _)| d.slot).max();
                    prop_assert!(parent >= lock.unwrap_or(0));
                } else {
                    prop_assert!(at.now_ms < slot * 2000 + stride * 1500);
                }
                prop_assert!(slot <= now_slot && slot % stride == 0);
                own.promise_vote(vote(signing.data));
                made.push((signing.data, parent));
            }
        }
    }

    #[test]
    fn far_future_proposal_no_vote_before_its_slot_begins() {
        let own = Own::default();
        let signing = Signing { data: data(VoteKind::Notarize, 9, 1), parent: 1 };
        assert!(!own.may_vote(&moment(8, 1999, 1), &signing));
        assert!(own.may_vote(&moment(9, 0, 1), &signing));
    }

    #[test]
    fn finalize_ends_at_three_quarters_of_the_strided_slot() {
        let own = Own::default();
        let signing = Signing { data: data(VoteKind::Finalize, 9, 1), parent: 0 };
        assert!(own.may_vote(&moment(9, 1499, 1), &signing));
        assert!(!own.may_vote(&moment(9, 1500, 1), &signing));
        assert!(own.may_vote(&moment(9, 4499, 3), &signing));
        assert!(!own.may_vote(&moment(9, 4500, 3), &signing));
        assert!(!own.may_vote(&moment(9, 0, 2), &signing), "slot 9 is not used at stride 2");
    }
}
