//! One key-value trait, three backends: sled, redb, and a memory that forgets what was not synced.
//!
//! Keys are flat bytes in lexicographic order; a caller gives each of its tables a prefix byte. All
//! writing goes through [`Database::commit`]: a [`Batch`] is applied whole or not at all, and is on
//! the disk (an `fsync` of every file written for it) when `commit` returns. There is no softer
//! commit: who wants speed puts more into one batch.
//!
//! A backend that reports an error from `commit` may have written the batch or not; it refuses
//! further commits with [`DatabaseError::Poisoned`] until it is opened again. (A key or value that
//! is too long is refused before anything is written, and poisons nothing.)
//!
//! Every value carries a checksum over its key and itself; what does not match is
//! [`DatabaseError::Corrupt`], which names the key, and is never served. A backend that panics on
//! its damaged files is turned into the same error.
//!
//! A reader may see a batch whose commit has not returned yet, but never a part of one: not in a
//! value, not in a scan. Only one handle has a database open at a time
//! ([`DatabaseError::InUse`]).
//!
//! ```
//! use alys_database::{Batch, DatabaseConfig, open};
//!
//! let database = open(&DatabaseConfig::memory())?;
//! let mut batch = Batch::new();
//! batch.put(b"height", 1u64.to_be_bytes());
//! database.commit(batch)?;
//! assert_eq!(database.get(b"height")?, Some(1u64.to_be_bytes().to_vec()));
//! # Ok::<(), alys_database::DatabaseError>(())
//! ```

mod batch;
mod checksum;
mod config;
mod error;
mod folder;
mod guard;
mod memory;
mod redb;
mod shared;
mod sled;
#[cfg(feature = "suite")]
pub mod suite;
mod verify;

pub use batch::{Batch, Write};
pub use config::{Backend, DatabaseConfig, MIN_CACHE_BYTES, open, open_with_snapshots, set_aside};
pub use error::DatabaseError;
pub use memory::{Fault, HeldDisk, Left, MemoryDatabase, MemoryDisk};
pub use redb::RedbDatabase;
pub use sled::SledDatabase;
pub use verify::Verifying;

/// The longest key that is taken, in bytes.
///
/// sled's index pages hold up to 256 keys, and a page above 128 KiB goes to a file that is never
/// synced; keys of this length stay at half of that.
pub const MAX_KEY_BYTES: usize = 256;

/// The longest value that is taken, in bytes (256 MiB).
pub const MAX_VALUE_BYTES: usize = 256 << 20;

use std::ops::Bound;

/// A key with its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// The direction of a [`Reader::scan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the least key of the range upwards.
    Ascending,
    /// From the greatest key of the range downwards.
    Descending,
}

/// What [`Database::verify`] has read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many entries.
    pub entries: u64,
    /// The bytes of their keys and values.
    pub bytes: u64,
}

/// What can be read from a database, or from one moment of it (see [`Snapshots`]).
pub trait Reader: Send + Sync {
    /// The value of `key`, or `None`.
    ///
    /// # Errors
    /// [`DatabaseError::Corrupt`] where the backend finds damage; never a wrong value.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, DatabaseError>;

    /// At most `limit` entries of `range`, in `order`.
    ///
    /// Bounded on purpose: a caller that wants more asks again from the last key it got.
    ///
    /// # Errors
    /// As [`Reader::get`].
    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        order: Order,
        limit: usize,
    ) -> Result<Vec<Entry>, DatabaseError>;
}

/// A key-value store with one kind of commit: atomic and durable.
pub trait Database: Reader + 'static {
    /// Applies `batch` whole or not at all; durable when it returns `Ok`.
    ///
    /// # Errors
    /// [`DatabaseError::Io`] where the disk refused (the batch may or may not be there after a
    /// restart), [`DatabaseError::Poisoned`] after an earlier failure.
    fn commit(&self, batch: Batch) -> Result<(), DatabaseError>;

    /// Bytes on the disk (or in memory, for the memory backend).
    ///
    /// # Errors
    /// [`DatabaseError::Io`] where the size cannot be read.
    fn size_on_disk(&self) -> Result<u64, DatabaseError>;

    /// The backend's name, as configuration spells it: `sled`, `redb`, `memory`.
    fn backend(&self) -> &'static str;

    /// Reads on in `progress`, at most `limit` entries: every value against its checksum, and at the end what the backend
    /// knows besides about what must be there. `None` as long as there is more to read.
    ///
    /// Finds what single reads cannot, such as an entry that has vanished. Commits go on between two steps.
    ///
    /// # Errors
    /// [`DatabaseError::Corrupt`] with the first damage that is found.
    fn verify_some(&self, progress: &mut Verifying, limit: usize) -> Result<Option<Verified>, DatabaseError>;

    /// Reads everything, all steps of [`verify_some`](Self::verify_some) at once: takes as long as reading the files does.
    ///
    /// # Errors
    /// As [`verify_some`](Self::verify_some).
    fn verify(&self) -> Result<Verified, DatabaseError> {
        /// Entries read at once.
        const PIECE: usize = 64;
        let mut progress = Verifying::new();
        loop {
            if let Some(verified) = self.verify_some(&mut progress, PIECE)? {
                return Ok(verified);
            }
        }
    }
}

/// A database that can be read as of one moment while commits go on (redb and memory; not sled).
pub trait Snapshots: Database {
    /// The state after the last commit that has returned. Later commits do not show in it.
    ///
    /// # Errors
    /// [`DatabaseError::Io`] where no read transaction can be opened.
    fn snapshot(&self) -> Result<Box<dyn Reader>, DatabaseError>;
}

/// The range of all keys that start with `prefix`: the pair to hand to [`Reader::scan`].
#[must_use]
pub fn prefix_range(prefix: &[u8]) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return (Bound::Included(prefix.to_vec()), Bound::Excluded(end));
        }
    }
    (Bound::Included(prefix.to_vec()), Bound::Unbounded)
}

/// Whether no key can lie in `range`; backends differ in what they do with an inverted one.
pub(crate) fn is_empty_range(range: (Bound<&[u8]>, Bound<&[u8]>)) -> bool {
    match range {
        (Bound::Included(low), Bound::Included(high)) => low > high,
        (Bound::Included(low) | Bound::Excluded(low), Bound::Excluded(high))
        | (Bound::Excluded(low), Bound::Included(high)) => low >= high,
        (Bound::Unbounded, Bound::Excluded(high)) => high.is_empty(),
        _ => false,
    }
}
