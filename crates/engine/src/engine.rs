//! The embedded engine's front: one writer, and handles to read by.

use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use alloy_rpc_types_engine::ExecutionPayloadV3;
use alys_database::Snapshots;

use crate::build::BuiltPayload;
use crate::chain::{self, BlockRef, Candidate, ExecutedBlock, ImportError, World};
use crate::config::{EngineLimits, Rules};
use crate::error::StateError;
use crate::execute::{ExecutionFacts, PayloadBlock, SenderCache, block_from_payload};
use crate::genesis::GenesisBlock;
use crate::read::ReadHandle;

/// A block that is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// Which block.
    pub block: BlockRef,
    /// What executing it showed.
    pub facts: ExecutionFacts,
    /// Whether it had been executed before.
    pub known: bool,
}

/// Which blocks are head, safe and finalized.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forkchoice {
    /// The chain's new end.
    pub head: B256,
    /// Final by the federation, never to be reorganised; zero leaves the tag where it is.
    pub safe: B256,
    /// Anchored in Bitcoin; zero leaves the tag where it is.
    pub finalized: B256,
}

/// Why a forkchoice was not followed. Nothing has moved, unless the database failed while the base was moved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForkchoiceError {
    /// The head is not here: hand in its payload, then ask again.
    #[error("head {0} is not known")]
    UnknownHead(B256),
    /// The head does not descend from the base: roll back first.
    #[error("head {head} does not descend from the base, block {base}; roll back first")]
    BelowBase {
        /// The head asked for.
        head: B256,
        /// The base's height.
        base: u64,
    },
    /// A tag is no ancestor of the head.
    #[error("the {tag} block {hash} is no ancestor of the head")]
    NotAnAncestor {
        /// `safe` or `finalized`.
        tag: &'static str,
        /// The tag's block.
        hash: B256,
    },
    /// The database failed.
    #[error(transparent)]
    State(#[from] StateError),
}

/// The execution client that lives inside the node: one EVM, one database.
///
/// Synchronous, and written to by one owner. [`EmbeddedEngine::reads`] gives handles that read from
/// any thread meanwhile.
#[derive(Debug)]
pub struct EmbeddedEngine<D> {
    database: D,
    reads: ReadHandle,
}

impl<D: Snapshots> EmbeddedEngine<D> {
    /// Opens the engine's database, or makes it from the genesis where it is empty.
    ///
    /// The head is then the base, the last block whose state is on disk: blocks above it have to be
    /// imported again. A base that is not on the caller's chain can be left by
    /// [`EmbeddedEngine::rollback_to`].
    ///
    /// # Errors
    /// [`StateError::OtherChain`] and [`StateError::OtherLayout`] for a database that is not this
    /// chain's or not this program's; else what the database reports.
    pub fn open(
        database: D,
        genesis: &GenesisBlock,
        rules: Rules,
        limits: EngineLimits,
    ) -> Result<Self, StateError> {
        let world = chain::open(&database, genesis)?;
        Ok(Self { database, reads: ReadHandle::new(world, rules, limits) })
    }

    /// A handle to read by.
    #[must_use]
    pub fn reads(&self) -> ReadHandle {
        self.reads.clone()
    }

    /// The canonical chain's end.
    #[must_use]
    pub fn head(&self) -> BlockRef {
        self.reads.head()
    }

    /// The senders that have been recovered; for the pool to share.
    #[must_use]
    pub fn senders(&self) -> Arc<SenderCache> {
        self.reads.senders()
    }

    /// Judges a payload (Engine API V4: the beacon root and the requests beside it) and keeps it as
    /// a candidate. Idempotent.
    ///
    /// # Errors
    /// [`ImportError::Invalid`] is a verdict; all others say nothing about the block.
    pub fn import(
        &mut self,
        payload: &ExecutionPayloadV3,
        parent_beacon_block_root: B256,
        execution_requests: &[Bytes],
    ) -> Result<Imported, ImportError> {
        let block = block_from_payload(payload, parent_beacon_block_root, execution_requests)?;
        self.import_block(block)
    }

    /// [`EmbeddedEngine::import`] for a block that has been taken apart already.
    ///
    /// # Errors
    /// As [`EmbeddedEngine::import`].
    pub fn import_block(&mut self, block: PayloadBlock) -> Result<Imported, ImportError> {
        let world = self.reads.world();
        if let Some(known) = world.block(&block.hash)? {
            return Ok(imported(&known, true));
        }
        self.check_room(&world)?;
        let (rules, senders) = (self.reads.rules(), self.reads.senders());
        let candidate = chain::execute(rules, &world, &senders, block)?;
        Ok(self.keep(&world, Arc::new(candidate)))
    }

    /// Keeps a payload that was built here as a candidate, without executing it again.
    ///
    /// # Errors
    /// As [`EmbeddedEngine::import`], where its parent has gone meanwhile.
    pub fn adopt(&mut self, built: &BuiltPayload) -> Result<Imported, ImportError> {
        let world = self.reads.world();
        if let Some(known) = world.block(&built.block().hash)? {
            return Ok(imported(&known, true));
        }
        self.check_room(&world)?;
        chain::parent(&world, &built.block().header.parent_hash)?;
        Ok(self.keep(&world, built.candidate.clone()))
    }

    /// Moves head and tags, then the base: [`EmbeddedEngine::follow`] and [`EmbeddedEngine::settle`].
    ///
    /// # Errors
    /// [`ForkchoiceError`]; where it is the database's, head and tags have moved and the base has
    /// not.
    pub fn forkchoice(&mut self, choice: Forkchoice) -> Result<BlockRef, ForkchoiceError> {
        let head = self.follow(choice)?;
        self.settle()?;
        Ok(head)
    }

    /// Moves head and tags, in memory: this takes microseconds. Tags never move back. The base stays until
    /// [`EmbeddedEngine::settle`].
    ///
    /// # Errors
    /// [`ForkchoiceError`]; nothing has moved.
    pub fn follow(&mut self, choice: Forkchoice) -> Result<BlockRef, ForkchoiceError> {
        let mut world = World::clone(&self.reads.world());
        if world.set_head(&choice.head).is_none() {
            let base = world.base_block.header.number;
            return Err(match world.block(&choice.head)? {
                Some(_) => ForkchoiceError::BelowBase { head: choice.head, base },
                None => ForkchoiceError::UnknownHead(choice.head),
            });
        }
        let safe = tag(&world, "safe", choice.safe)?;
        let finalized = tag(&world, "finalized", choice.finalized)?;
        world.finalized = later(world.finalized, finalized);
        world.safe = later(later(world.safe, safe), world.finalized.into());
        let head = world.head;
        self.reads.publish(world);
        Ok(head)
    }

    /// Moves the base to where head and tags say that it belongs, if it lags far enough: one durable commit, which costs by the
    /// pages that the blocks have changed (tens of milliseconds at 10^5 accounts). Readers see the old base until it is
    /// done, and whatever is lost by not calling this is imported again after a restart.
    ///
    /// # Errors
    /// [`StateError`] where the database fails; head and tags stay, and so does the base.
    pub fn settle(&mut self) -> Result<(), StateError> {
        let world = self.reads.world();
        if chain::is_due(&world, self.reads.limits()) {
            self.advance(World::clone(&world))?;
        }
        Ok(())
    }

    /// Moves the base to where it belongs now, however little it lags: before the engine is closed,
    /// so that nothing final has to be imported again.
    ///
    /// # Errors
    /// [`StateError`] where the database fails.
    pub fn flush(&mut self) -> Result<(), StateError> {
        self.advance(World::clone(&self.reads.world()))
    }

    /// Goes back to a stored block below the base, taking the blocks above it off, one durable step
    /// each. Candidates are dropped. At the base nothing happens but that.
    ///
    /// # Errors
    /// [`StateError::UnknownBlock`], [`StateError::Pruned`]: then the database has to be made anew.
    pub fn rollback_to(&mut self, target: B256) -> Result<BlockRef, StateError> {
        let mut world = World::clone(&self.reads.world());
        world.candidates.clear();
        world.canonical.clear();
        world.head = world.base_ref();
        world.safe = earlier(world.safe, world.head);
        world.finalized = earlier(world.finalized, world.head);
        self.reads.publish(world.clone());
        let reads = &self.reads;
        chain::rollback(&self.database, world, &target, |world| reads.publish(world))?;
        Ok(self.reads.head())
    }

    /// The database, for its size and the like.
    pub fn database(&self) -> &D {
        &self.database
    }

    fn advance(&self, world: World) -> Result<(), StateError> {
        let reads = &self.reads;
        chain::advance(&self.database, reads.limits(), world, |world| reads.publish(world))
    }

    fn check_room(&self, world: &World) -> Result<(), ImportError> {
        if world.candidates.len() >= self.reads.limits().candidates {
            return Err(ImportError::TooManyCandidates(world.candidates.len()));
        }
        Ok(())
    }

    fn keep(&self, world: &World, candidate: Arc<Candidate>) -> Imported {
        let done = imported(&candidate.block, false);
        let mut world = world.clone();
        world.candidates.insert(candidate.block.hash, candidate);
        self.reads.publish(world);
        done
    }
}

fn imported(block: &ExecutedBlock, known: bool) -> Imported {
    Imported { block: block.reference(), facts: block.facts, known }
}

/// The block of a tag, which must be on the head's chain.
fn tag(world: &World, tag: &'static str, hash: B256) -> Result<Option<BlockRef>, ForkchoiceError> {
    if hash.is_zero() {
        return Ok(None);
    }
    let wrong = ForkchoiceError::NotAnAncestor { tag, hash };
    let Some(block) = world.block(&hash)? else {
        return Err(wrong);
    };
    if world.canonical_hash(block.header.number)? != Some(hash) {
        return Err(wrong);
    }
    Ok(Some(block.reference()))
}

fn later(old: BlockRef, new: Option<BlockRef>) -> BlockRef {
    new.filter(|new| new.number > old.number).unwrap_or(old)
}

fn earlier(tag: BlockRef, head: BlockRef) -> BlockRef {
    if tag.number > head.number { head } else { tag }
}
