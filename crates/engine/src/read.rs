//! Reading the chain and its states, from any thread.

use std::sync::Arc;

use alloy_primitives::B256;
use parking_lot::RwLock;

use crate::build::{self, BuildAttributes, BuiltPayload, TransactionSource};
use crate::call::{self, CallError, CallRequest, CallSite, CallSuccess, Stop, Touched};
use crate::chain::{BlockRef, BlockSummary, ExecutedBlock, ImportError, StoredTransaction, World};
use crate::config::{EngineLimits, Rules};
use crate::error::StateError;
use crate::execute::SenderCache;
use crate::state::StateView;

/// A block, as a question names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockId {
    /// By its hash, canonical or not.
    Hash(B256),
    /// The canonical block at a height.
    Number(u64),
    /// The canonical chain's end.
    Head,
    /// Final by the federation.
    Safe,
    /// Anchored in Bitcoin.
    Finalized,
    /// The chain's first block whose state can be read.
    Earliest,
}

/// Reads from the engine while its owner writes. Cheap to clone.
///
/// Each method looks at one moment: the world published last. A [`StateView`] keeps its moment for
/// as long as it lives; several questions about one moment go to one view.
#[derive(Debug, Clone)]
pub struct ReadHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Held only to copy the pointer, or to put another one in its place.
    world: RwLock<Arc<World>>,
    rules: Rules,
    limits: EngineLimits,
    senders: Arc<SenderCache>,
}

impl ReadHandle {
    pub(crate) fn new(world: World, rules: Rules, limits: EngineLimits) -> Self {
        let senders = Arc::new(SenderCache::new(limits.senders));
        let world = RwLock::new(Arc::new(world));
        Self { shared: Arc::new(Shared { world, rules, limits, senders }) }
    }

    pub(crate) fn world(&self) -> Arc<World> {
        self.shared.world.read().clone()
    }

    pub(crate) fn publish(&self, world: World) {
        // The old world may be the last that holds a snapshot: let it go outside the lock.
        let old = std::mem::replace(&mut *self.shared.world.write(), Arc::new(world));
        drop(old);
    }

    /// The chain's rules.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.shared.rules
    }

    /// What is kept and allowed.
    #[must_use]
    pub fn limits(&self) -> &EngineLimits {
        &self.shared.limits
    }

    /// The senders that have been recovered.
    #[must_use]
    pub fn senders(&self) -> Arc<SenderCache> {
        self.shared.senders.clone()
    }

    /// The canonical chain's end.
    #[must_use]
    pub fn head(&self) -> BlockRef {
        self.world().head
    }

    /// The last block that the federation has finalized.
    #[must_use]
    pub fn safe(&self) -> BlockRef {
        self.world().safe
    }

    /// The last block that is anchored in Bitcoin.
    #[must_use]
    pub fn finalized(&self) -> BlockRef {
        self.world().finalized
    }

    /// The last block whose state is on disk.
    #[must_use]
    pub fn base(&self) -> BlockRef {
        self.world().base_ref()
    }

    /// The oldest height whose state can be read.
    #[must_use]
    pub fn oldest_state(&self) -> u64 {
        self.world().oldest
    }

    /// A block with its receipts, or `None` where there is none.
    ///
    /// # Errors
    /// [`StateError`] where the database fails or holds damage; so for all readers here.
    pub fn block(&self, id: BlockId) -> Result<Option<Arc<ExecutedBlock>>, StateError> {
        let world = self.world();
        match hash_of(&world, id)? {
            Some(hash) => world.block(&hash),
            None => Ok(None),
        }
    }

    /// The canonical hash at a height.
    ///
    /// # Errors
    /// As [`ReadHandle::block`].
    pub fn canonical_hash(&self, height: u64) -> Result<Option<B256>, StateError> {
        self.world().canonical_hash(height)
    }

    /// The canonical blocks from `from` to `to` in short, lowest first and without gaps; not all of them where there are
    /// many: ask again from the one after the last. Empty where there is none.
    ///
    /// # Errors
    /// As [`ReadHandle::block`].
    pub fn summaries(&self, from: u64, to: u64) -> Result<Vec<BlockSummary>, StateError> {
        self.world().summaries(from, to)
    }

    /// The canonical block that holds a transaction, and its place there.
    ///
    /// # Errors
    /// As [`ReadHandle::block`].
    pub fn transaction(&self, hash: &B256) -> Result<Option<(Arc<ExecutedBlock>, usize)>, StateError> {
        let world = self.world();
        let Some(StoredTransaction { block, index }) = world.transaction(hash)? else {
            return Ok(None);
        };
        let Some(block) = world.canonical_hash(block)? else {
            return Ok(None);
        };
        let found = world.block(&block)?;
        let index = usize::try_from(index).ok();
        Ok(found.zip(index).filter(|(block, index)| *index < block.transactions.len()))
    }

    /// The state after a block.
    ///
    /// # Errors
    /// [`StateError::Pruned`], [`StateError::UnknownBlock`], [`StateError::NoSuchHeight`]; as
    /// [`ReadHandle::block`].
    pub fn state(&self, id: BlockId) -> Result<StateView, StateError> {
        let world = self.world();
        world.state(&known(&world, id)?)
    }

    /// Calls a contract on the state after a block.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn call(&self, id: BlockId, request: &CallRequest) -> Result<CallSuccess, CallError> {
        self.call_until(id, request, &|| false)
    }

    /// The same, ended where `stop` says so: it is asked every some thousand steps.
    ///
    /// # Errors
    /// [`CallError::Stopped`], and every other [`CallError`].
    pub fn call_until(
        &self,
        id: BlockId,
        request: &CallRequest,
        stop: &dyn Fn() -> bool,
    ) -> Result<CallSuccess, CallError> {
        self.at(id, request, stop, |site| site.call(request))
    }

    /// The gas limit with which a transaction succeeds after a block.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn estimate_gas(&self, id: BlockId, request: &CallRequest) -> Result<u64, CallError> {
        self.estimate_gas_until(id, request, &|| false)
    }

    /// The same, ended where `stop` says so.
    ///
    /// # Errors
    /// As [`ReadHandle::call_until`].
    pub fn estimate_gas_until(
        &self,
        id: BlockId,
        request: &CallRequest,
        stop: &dyn Fn() -> bool,
    ) -> Result<u64, CallError> {
        self.at(id, request, stop, |site| call::estimate(site, request))
    }

    /// What a transaction after a block would touch, ended where `stop` says so.
    ///
    /// # Errors
    /// As [`ReadHandle::call_until`]; a transaction that fails is none.
    pub fn access_list_until(
        &self,
        id: BlockId,
        request: &CallRequest,
        stop: &dyn Fn() -> bool,
    ) -> Result<Touched, CallError> {
        self.at(id, request, stop, |site| call::access_list(site, request))
    }

    /// Builds a payload; see [`BuildAttributes`]. `stop` is asked before each transaction.
    ///
    /// # Errors
    /// [`ImportError`]: an unknown parent, attributes that no valid block has, an unreadable state.
    pub fn build(
        &self,
        attributes: BuildAttributes,
        source: &mut dyn TransactionSource,
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<BuiltPayload, ImportError> {
        build::build(self.rules(), &self.world(), attributes, source, stop)
    }

    fn at<T>(
        &self,
        id: BlockId,
        request: &CallRequest,
        stop: Stop<'_>,
        run: impl FnOnce(&CallSite<'_>) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        request.check()?;
        let world = self.world();
        let hash = known(&world, id)?;
        let block = world.block(&hash)?.ok_or(StateError::UnknownBlock(hash))?;
        let gas_cap = self.limits().call_gas;
        run(&CallSite { rules: self.rules(), world: &world, block: &block, gas_cap, stop })
    }
}

fn hash_of(world: &World, id: BlockId) -> Result<Option<B256>, StateError> {
    match id {
        BlockId::Hash(hash) => Ok(Some(hash)),
        BlockId::Number(height) => world.canonical_hash(height),
        BlockId::Head => Ok(Some(world.head.hash)),
        BlockId::Safe => Ok(Some(world.safe.hash)),
        BlockId::Finalized => Ok(Some(world.finalized.hash)),
        BlockId::Earliest => world.canonical_hash(world.oldest),
    }
}

fn known(world: &World, id: BlockId) -> Result<B256, StateError> {
    let missing = match id {
        BlockId::Number(height) => StateError::NoSuchHeight { height, head: world.head.number },
        _ => StateError::NoSuchHeight { height: world.oldest, head: world.head.number },
    };
    hash_of(world, id)?.ok_or(missing)
}
