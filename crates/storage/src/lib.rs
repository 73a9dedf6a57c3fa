//! Blocks, indexes and peg state, and what this member has promised.
//!
//! [`Store`] is a synchronous library over [`alys_database`]: it can be embedded without the actor.
//! [`StorageActor`] gives it a thread and a mailbox.
//!
//! | module | what |
//! |---|---|
//! | [`store`] | blocks, head, finality, indexes, pruning, checkpoints, integrity; its documentation has the key layout |
//! | [`cache`] | the blocks used last, never newer than the disk |
//! | [`promises`] | the promise record: a file of two slots |
//! | [`moving`] | moves the blocks of a stopped node to the other backend |
//! | [`setup`] | opens both, each on its own thread |
//! | [`actor`] | [`StorageActor`], which routes and answers from the cache |
//!
//! # Invariants
//!
//! - Nothing is acknowledged before it is synced. A block is durable before anyone executes it; a
//!   promise before anyone sees it.
//! - Head, finality, indexes and peg state move in one batch: after a crash all of them are old, or
//!   all new.
//! - The peg state on the disk is the final one. Blocks that are not final keep their change sets by
//!   hash; undoing a block is dropping it from the indexes.
//! - What is read is checked: the checksum of every value, the hash of every block. Damage is named
//!   and never served.
//! - Promises never wait behind blocks: they have a file and a thread of their own.
//!
//! # Failure
//!
//! Questions that cannot be met are values ([`StorageError`]). When the disk refuses a write nobody
//! knows what is on it: the asker gets the error, and the thread ends as by a panic. Its owner, the
//! actor, fails with it; the supervisor starts the actor again, which opens the database anew.
//!
//! ```
//! use alys_database::{DatabaseConfig, open};
//! use alys_storage::{BlockCache, BlockQuery, Store};
//!
//! let store = Store::open(open(&DatabaseConfig::memory())?, BlockCache::new(1 << 20))?;
//! assert!(store.load_chain()?.is_none());
//! assert!(store.retrieve(BlockQuery::Height(1))?.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod actor;
pub mod cache;
pub mod config;
pub mod error;
pub mod messages;
mod metrics;
pub mod moving;
pub mod promises;
pub mod setup;
pub mod store;
mod threads;

pub use actor::{StorageActor, StorageArgs, spawn};
pub use cache::BlockCache;
pub use config::StorageConfig;
pub use error::OpenError;
pub use messages::{
    BlockChange, BlockQuery, BlockRef, BlockStatus, ChainRecord, CheckpointReport, HeadUpdate,
    IntegrityReport, MAX_RANGE, Promises, PruneReport, StorageError, StorageMessage, StorageStatistics,
    StoredBlock,
};
pub use promises::{PromiseError, PromiseRecord};
pub use setup::StorageSetup;
pub use store::Store;
