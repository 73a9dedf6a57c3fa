//! The pool on its way with the chain.

use std::collections::BTreeSet;
use std::sync::Arc;

use alloy_primitives::B256;

use crate::chain::{ExecutedBlock, World};
use crate::error::StateError;
use crate::execute::{RecoveredTransaction, next_base_fee};
use crate::pool::{Dropped, HeadInfo, NewHead, Pool, PoolConfig, Touched};
use crate::state::StateView;

/// So many blocks are looked at between two heads. Beyond it the pool checks every account instead, and
/// reorged-out transactions are left to their senders.
const MAX_STEPS: usize = 256;

/// A pool with the world whose head it stands at.
#[derive(Debug)]
pub(crate) struct FollowingPool {
    pub(crate) pool: Pool<StateView>,
    pub(crate) world: Arc<World>,
}

impl FollowingPool {
    /// An empty pool at the world's head.
    pub(crate) fn new(config: PoolConfig, world: Arc<World>) -> Result<Self, StateError> {
        let (info, state) = head_of(&world)?;
        Ok(Self { pool: Pool::new(config, info, state), world })
    }

    /// Goes on to another world; what left the pool.
    ///
    /// # Errors
    /// [`StateError`] where a state cannot be read; the pool stays where it is.
    pub(crate) fn follow(&mut self, world: Arc<World>) -> Result<Vec<Dropped>, StateError> {
        if self.world.head == world.head {
            self.world = world;
            return Ok(Vec::new());
        }
        let (info, state) = head_of(&world)?;
        let path = Path::between(&self.world, &world)?;
        let touched = if path.complete { Touched::Accounts(path.touched) } else { Touched::All };
        let head = NewHead { info, state, touched, mined: path.mined, reverted: path.reverted };
        let dropped = self.pool.on_head(head)?;
        self.world = world;
        Ok(dropped)
    }
}

fn head_of(world: &World) -> Result<(HeadInfo, StateView), StateError> {
    let hash = world.head.hash;
    let block = world.block(&hash)?.ok_or(StateError::UnknownBlock(hash))?;
    let info = HeadInfo { timestamp: block.header.timestamp, next_base_fee: next_base_fee(&block.header) };
    Ok((info, world.state(&hash)?))
}

/// The way from one head to another: off one branch, onto the other.
#[derive(Debug, Default)]
struct Path {
    /// Whether every block on the way was seen with its changes.
    complete: bool,
    touched: BTreeSet<B256>,
    mined: BTreeSet<B256>,
    /// In chain order.
    reverted: Vec<RecoveredTransaction>,
}

impl Path {
    fn between(old: &World, new: &World) -> Result<Self, StateError> {
        let mut path = Self { complete: true, ..Self::default() };
        let (mut left, mut right) = (old.head, new.head);
        let mut left_blocks = Vec::new();
        for _ in 0..MAX_STEPS {
            if left.hash == right.hash {
                return Ok(path.with_reverted(left_blocks));
            }
            let leave = left.number >= right.number;
            let at = if leave { left.hash } else { right.hash };
            let Some(block) = path.step(old, new, &at)? else { break };
            let Some(number) = block.header.number.checked_sub(1) else { break };
            let parent = crate::chain::BlockRef { number, hash: block.header.parent_hash };
            if leave {
                left = parent;
                left_blocks.push(block);
            } else {
                path.mined.extend(block.transactions.iter().map(|tx| *tx.inner().tx_hash()));
                right = parent;
            }
        }
        path.complete = false;
        Ok(path.with_reverted(left_blocks))
    }

    /// The block with this hash, in one world or the other, and what it touched.
    fn step(
        &mut self,
        old: &World,
        new: &World,
        hash: &B256,
    ) -> Result<Option<Arc<ExecutedBlock>>, StateError> {
        if let Some(candidate) = new.candidates.get(hash).or_else(|| old.candidates.get(hash)) {
            self.touched.extend(candidate.overlay.accounts.keys());
            return Ok(Some(candidate.block.clone()));
        }
        // In the base its changes are no longer at hand.
        self.complete = false;
        match new.block(hash)? {
            Some(block) => Ok(Some(block)),
            None => old.block(hash),
        }
    }

    fn with_reverted(mut self, blocks: Vec<Arc<ExecutedBlock>>) -> Self {
        for block in blocks.into_iter().rev() {
            self.reverted.extend(block.transactions.iter().cloned());
        }
        self
    }
}
