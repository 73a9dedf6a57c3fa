//! Storage's public protocol, which lives in the bus, and its private messages.

pub use alys_bus::protocol::storage::{
    BlockChange, BlockQuery, BlockRef, BlockStatus, ChainRecord, CheckpointReport, HeadUpdate,
    IntegrityReport, MAX_RANGE, Promises, PruneReport, StorageError, StorageMessage, StorageStatistics,
    StoredBlock,
};

use alys_bus::Context;

use crate::threads::LongJob;

/// What the actor tells itself.
#[doc(hidden)]
#[derive(Debug)]
pub enum Private {
    /// A long job has done one step and has more to do; others had their turn.
    Again(LongJob, Context),
}
