//! Storage: blocks, indexes, peg state, and what this member promised.

use std::{path::PathBuf, sync::Arc};

use alys_primitives::{
    B256, Certificate, ExecutionFacts, PegState, SignedProposal, SignedVote, Slot, envelope::SignedHeader,
};
use serde::{Deserialize, Serialize};

use crate::{Reply, protocol_kinds};

/// What storage can be asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum StorageMessage {
    /// Store a candidate block by its hash, before it is executed.
    ///
    /// Answered when it is on the disk (fsynced). Idempotent: the same block again is `Ok`. Blocks that
    /// wait together become one batch. Sent by chain before the execution client hears of the block.
    PersistBlock {
        /// The block in its proposer's envelope; storage does not judge either.
        block: Arc<SignedProposal>,
        /// Answered when durable.
        reply: Reply<(), StorageError>,
    },
    /// Move head, finality, indexes (height, transaction) and peg state, in one batch.
    ///
    /// Answered when durable. Idempotent. Refused with [`StorageError::NotAnAncestor`] unless final is an
    /// ancestor of head and the old final one of the new, which goes before all else: nothing but the
    /// old final block can be named up to its height; and with [`StorageError::UnknownBlock`] unless
    /// head and final were persisted. Sent by chain.
    ApplyHead {
        /// Where to, and the change sets of the blocks on the way that storage does not have.
        update: Box<HeadUpdate>,
        /// Answered when durable.
        reply: Reply<(), StorageError>,
    },
    /// Blocks by hash, height, range or transaction. Sent by anyone.
    ///
    /// Empty where nothing matches. By height, range and transaction only the chain of the head is
    /// searched; by hash, candidates too. Never served from damage: [`StorageError::Corrupt`].
    RetrieveBlock {
        /// Which.
        query: BlockQuery,
        /// The blocks, lowest first.
        reply: Reply<Vec<Arc<StoredBlock>>, StorageError>,
    },
    /// What a chain needs to go on after a restart. Sent by chain at start.
    LoadChain {
        /// Head, finality, peg state and what is not final yet; `None` in an empty storage.
        reply: Reply<Option<Box<ChainRecord>>, StorageError>,
    },
    /// Make promises durable before anyone can see them. Sent by chain by the control lane.
    ///
    /// Has a file and a thread of its own, and never waits behind imports. Replaces the record before.
    PersistPromises {
        /// All that this member has promised.
        promises: Box<Promises>,
        /// Answered when fsynced.
        reply: Reply<(), StorageError>,
    },
    /// The promises as last made durable; all empty in a new storage. Sent by chain at start.
    LoadPromises {
        /// The record. Damage to both copies is an error, never an empty record.
        reply: Reply<Box<Promises>, StorageError>,
    },
    /// Drop the bodies and payloads of final blocks below a height; headers' hashes by height remain.
    ///
    /// Never touches what is not final. Idempotent. Sent by the operator through rpc, or by schedule.
    PruneOldBlocks {
        /// The lowest height to keep.
        below: u64,
        /// What was dropped.
        reply: Reply<PruneReport, StorageError>,
    },
    /// Write a consistent, verified copy into a new folder. Sent by the operator.
    Checkpoint {
        /// The folder, which must not exist.
        path: PathBuf,
        /// What the copy holds.
        reply: Reply<CheckpointReport, StorageError>,
    },
    /// Counts and sizes. Sent by anyone.
    Statistics {
        /// The figures.
        reply: Reply<StorageStatistics, StorageError>,
    },
    /// Read everything, compare every checksum and every index with the blocks. Takes long.
    CheckIntegrity {
        /// What was read and what is wrong.
        reply: Reply<IntegrityReport, StorageError>,
    },
}

protocol_kinds!(
    StorageMessage,
    "storage",
    [
        PersistBlock,
        ApplyHead,
        RetrieveBlock,
        LoadChain,
        PersistPromises,
        LoadPromises,
        PruneOldBlocks,
        Checkpoint,
        Statistics,
        CheckIntegrity,
    ]
);

/// A block by its place: what most talk about blocks needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlockRef {
    /// Height; 0 for genesis.
    pub height: u64,
    /// Slot; 0 for genesis.
    pub slot: Slot,
    /// Hash.
    pub hash: B256,
}

/// Where the chain stands after an [`ApplyHead`](StorageMessage::ApplyHead).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadUpdate {
    /// The new head.
    pub head: BlockRef,
    /// The last final block: the head or an ancestor of it.
    pub finalized: BlockRef,
    /// Change sets of blocks from final to head that storage does not have, lowest first.
    pub changes: Vec<BlockChange>,
    /// The finalization of `finalized`, where it is not known yet.
    pub finalization: Option<Certificate>,
    /// The notarization of `head`, where it is not known yet.
    pub notarization: Option<Certificate>,
}

/// What one block changed, kept by its hash until the block is final; dropping it is the undo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockChange {
    /// The block.
    pub block: B256,
    /// What executing its payload told.
    pub facts: ExecutionFacts,
    /// The peg state after it.
    pub peg: PegState,
}

/// Which blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockQuery {
    /// By hash, candidates included.
    Hash(B256),
    /// By height on the chain of the head.
    Height(u64),
    /// Rising heights on the chain of the head.
    Range {
        /// The first height.
        from: u64,
        /// How many at most; storage may return fewer ([`MAX_RANGE`]).
        count: u32,
    },
    /// The block on the chain of the head that contains an EVM transaction.
    Transaction(B256),
}

/// Blocks that one [`BlockQuery::Range`] returns at most.
pub const MAX_RANGE: u32 = 1024;

/// How far a stored block has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockStatus {
    /// Persisted, not on the chain of the head.
    Candidate,
    /// On the chain of the head, above the last final block.
    Canonical,
    /// Final.
    Final,
}

/// A block as storage keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBlock {
    /// The block in its envelope. Genesis has an empty signature.
    pub block: SignedProposal,
    /// What executing it told, once known.
    pub facts: Option<ExecutionFacts>,
    /// How far it has come.
    pub status: BlockStatus,
}

/// What a chain goes on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainRecord {
    /// The hash of the block at height 0, which tells which chain this is; kept when the block is pruned.
    pub genesis: B256,
    /// The head.
    pub head: BlockRef,
    /// The last final block.
    pub finalized: BlockRef,
    /// The peg state after the last final block.
    pub peg: PegState,
    /// The facts of the last final block.
    pub facts: ExecutionFacts,
    /// The finalization of the last final block; `None` for genesis.
    pub finalization: Option<Certificate>,
    /// The notarization of the head, where it is known.
    pub notarization: Option<Certificate>,
    /// Every block above the last final one, candidates included, lowest first.
    pub pending: Vec<Arc<StoredBlock>>,
    /// The change sets of those that have been applied.
    pub changes: Vec<BlockChange>,
}

/// All that a member must remember across a crash: fsynced before it leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Promises {
    /// The last proposal; its block was persisted before.
    pub proposal: Option<SignedHeader>,
    /// The last Notarize.
    pub notarize: Option<SignedVote>,
    /// The last Finalize.
    pub finalize: Option<SignedVote>,
    /// The lock: the slot of the last Finalize.
    pub lock: Slot,
}

/// What pruning dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PruneReport {
    /// Blocks dropped.
    pub blocks: u64,
    /// The lowest height that is still whole.
    pub oldest: u64,
}

/// What a checkpoint holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointReport {
    /// Where it is.
    pub path: PathBuf,
    /// The head at that moment.
    pub head: BlockRef,
    /// Entries copied and verified.
    pub entries: u64,
}

/// Counts and sizes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageStatistics {
    /// The database backend.
    pub backend: String,
    /// Blocks stored, candidates included.
    pub blocks: u64,
    /// The lowest height whose block is whole.
    pub oldest: u64,
    /// The head's height.
    pub head: u64,
    /// The last final height.
    pub finalized: u64,
    /// Bytes on the disk.
    pub disk_bytes: u64,
    /// Blocks in the cache.
    pub cached_blocks: u64,
    /// Reads the cache answered.
    pub cache_hits: u64,
    /// Reads that went to the database.
    pub cache_misses: u64,
}

/// What an integrity check read and found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegrityReport {
    /// Entries read.
    pub entries: u64,
    /// Each damage: which entry, and what is wrong with it. Empty when all is well.
    pub damage: Vec<String>,
}

/// Why storage could not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// A block that must be there is not.
    #[error("block {0} is not in storage; persist it first")]
    UnknownBlock(B256),
    /// The blocks named are not on one line.
    #[error("block {ancestor} is not an ancestor of {block}")]
    NotAnAncestor {
        /// The one that should be below.
        ancestor: B256,
        /// The one above.
        block: B256,
    },
    /// The disk refused. The actor ends and attaches anew; nothing unacknowledged is counted on.
    #[error("{0}")]
    Io(String),
    /// Damage was found; nothing is served from it.
    #[error("storage is damaged: {0}")]
    Corrupt(String),
    /// The request cannot be met as asked.
    #[error("{0}")]
    Refused(String),
}
