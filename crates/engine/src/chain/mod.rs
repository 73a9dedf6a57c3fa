//! Blocks: the base, the candidates above it, the canonical chain, and what of it is on disk.
//!
//! [`World`] is everything a reader may see at one moment, and never changes: whoever changes
//! anything publishes a new one. Candidates, head and tags live in memory. The database holds the
//! blocks up to the base and the base's state, and moves from one base to the next in one batch
//! ([`advance`]), back in one batch for each block ([`rollback`]). So between any two writes the
//! database holds one block's height, hash and state, all of the same block.

mod advance;
mod block;
mod import;
mod records;
mod rollback;
mod summary;
mod world;

pub(crate) use advance::{advance, is_due};
pub use block::{BlockRef, ExecutedBlock};
pub(crate) use block::{BuiltBlock, Candidate};
pub use import::ImportError;
pub(crate) use import::{execute, parent, seal};
pub(crate) use records::StoredTransaction;
pub(crate) use records::open;
pub(crate) use rollback::rollback;
pub use summary::{BlockSummary, PaidTip};
pub(crate) use world::World;
