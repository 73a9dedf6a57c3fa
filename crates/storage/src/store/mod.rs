//! Blocks, head, finality, indexes and peg state over one [`Database`].
//!
//! Synchronous and single-threaded: [`Store`] is owned by the thread that uses it.
//!
//! # Key layout, format 1
//!
//! One flat space of keys; the first byte is the table. Numbers are big-endian, so that heights sort.
//! Values are SSZ unless a single number or hash; the database adds a checksum to each.
//!
//! | key | value |
//! |---|---|
//! | `00 "format"` | the version of this layout, u32 |
//! | `00 "chain"` | head, last final block, oldest whole height, finalization, notarization |
//! | `00 "peg"` | the peg state after the last final block |
//! | `00 "count"` | how many blocks there are, u64 |
//! | `01 height hash` | a block in its envelope |
//! | `02 hash` | the height of a block |
//! | `03 height` | the hash at that height on the chain of the head; stays when the block is pruned |
//! | `04 hash` | the height of the block that contains the transaction, on the chain of the head |
//! | `05 height hash` | what executing the block told |
//! | `06 height hash` | the peg state after a block that is applied and not final |
//!
//! Blocks lie by height, so that new ones are appended, ranges are read in one piece, and pruning
//! drops a range.
//!
//! # Commits
//!
//! [`Store::persist`] and [`Store::apply_head`] are one batch each. What is in memory (the chain's
//! record, the blocks that are not final, the cache) changes after the commit. When a commit fails the
//! store refuses everything until it is opened again: nobody knows what is on the disk.

mod apply;
mod checkpoint;
mod integrity;
mod keys;
mod pending;
mod persist;
mod prune;
mod records;
mod retrieve;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alys_bus::protocol::storage::{StorageError, StorageStatistics};
use alys_database::{Batch, Database, Entry, Order};

use self::keys::{CHAIN, COUNT, FORMAT, KeyRange, Table, from_height, height_in, place_of};
use self::pending::{Pending, PendingBlock};
use self::records::Chain;
use crate::cache::BlockCache;
use crate::error::{OpenError, from_database};

pub use self::checkpoint::Checkpoint;
pub use self::integrity::Integrity;
pub use self::prune::Prune;

/// The version of the key layout that this program writes.
pub const FORMAT_VERSION: u32 = 1;

/// Entries read at once where a whole table is read: bounds memory, not the result.
const PIECE: usize = 32;

/// A long piece of work, done step by step so that others have their turn between two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<T> {
    /// There is more to do.
    More,
    /// It is done.
    Done(T),
}

/// The blocks and what is known of them.
pub struct Store {
    db: Arc<dyn Database>,
    /// `None` before the first [`Store::apply_head`].
    chain: Option<Chain>,
    pending: Pending,
    /// How many blocks there are.
    blocks: u64,
    cache: BlockCache,
    /// Why an earlier commit failed.
    failed: Option<String>,
    /// How many readers need old blocks to stay.
    pins: Arc<AtomicUsize>,
}

impl Store {
    /// Opens the storage in `db`, and makes it where `db` is empty.
    ///
    /// `cache` is emptied: the disk may have gone back since it was filled.
    ///
    /// # Errors
    /// [`OpenError::NewerFormat`], [`OpenError::NotStorage`], [`OpenError::Damaged`] where the chain's
    /// record or a block that is not final cannot be read, [`OpenError::Database`].
    pub fn open(db: Arc<dyn Database>, cache: BlockCache) -> Result<Self, OpenError> {
        cache.clear();
        match db.get(FORMAT)? {
            None => create(db.as_ref())?,
            Some(bytes) => match <[u8; 4]>::try_from(bytes.as_slice()).map(u32::from_be_bytes) {
                Ok(FORMAT_VERSION) => {}
                Ok(found) if found > FORMAT_VERSION => {
                    return Err(OpenError::NewerFormat { found, known: FORMAT_VERSION });
                }
                _ => return Err(OpenError::NotStorage),
            },
        }
        let chain = db.get(CHAIN)?.map(|bytes| Chain::decode(&bytes)).transpose()?;
        let blocks = db.get(COUNT)?.and_then(|bytes| height_in(&bytes));
        let blocks = blocks.ok_or_else(|| corrupt("the number of blocks cannot be read"))?;
        let pins = Arc::default();
        let mut store = Self { db, chain, pending: Pending::default(), blocks, cache, failed: None, pins };
        store.pending = store.read_pending()?;
        Ok(store)
    }

    /// The cache, to read it from another thread.
    #[must_use]
    pub fn cache(&self) -> &BlockCache {
        &self.cache
    }

    /// Why nothing works any more, if an earlier commit failed: open the store again.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Counts and sizes.
    ///
    /// # Errors
    /// [`StorageError::Io`].
    pub fn statistics(&self) -> Result<StorageStatistics, StorageError> {
        self.usable()?;
        let counts = self.cache.counts();
        let chain = self.chain.clone().unwrap_or_default();
        Ok(StorageStatistics {
            backend: self.db.backend().to_owned(),
            blocks: self.blocks,
            oldest: chain.oldest,
            head: chain.head.height,
            finalized: chain.finalized.height,
            disk_bytes: self.db.size_on_disk().map_err(from_database)?,
            cached_blocks: counts.blocks,
            cache_hits: counts.hits,
            cache_misses: counts.misses,
        })
    }

    /// Every block above the last final one, as the disk has it.
    fn read_pending(&self) -> Result<Pending, StorageError> {
        let mut pending = Pending::default();
        let above = self.chain.as_ref().map_or(0, |chain| chain.finalized.height + 1);
        self.each(from_height(Table::Blocks, above), |key, value| {
            let (height, hash) = place_of(&key).ok_or_else(|| corrupt("a block's key is malformed"))?;
            let proposal = retrieve::decode_block(height, &hash, &value)?;
            let canonical = self.canonical_hash(height)? == Some(hash);
            let changed = self.get(&keys::at(Table::Changes, height, &hash))?.is_some();
            let header = &proposal.block.header;
            let block = PendingBlock { parent: header.parent, slot: header.slot, canonical, changed };
            pending.insert((height, hash), block);
            Ok(())
        })?;
        Ok(pending)
    }

    fn usable(&self) -> Result<(), StorageError> {
        match &self.failed {
            None => Ok(()),
            Some(why) => Err(StorageError::Io(format!("an earlier write failed: {why}"))),
        }
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.db.get(key).map_err(from_database)
    }

    /// At most `limit` entries of a range, upwards.
    fn scan(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, StorageError> {
        let range = (range.0.as_ref().map(Vec::as_slice), range.1.as_ref().map(Vec::as_slice));
        self.db.scan(range, Order::Ascending, limit).map_err(from_database)
    }

    /// Hands all entries of a range to `visit`, reading them piece by piece.
    fn each(
        &self,
        mut range: KeyRange,
        mut visit: impl FnMut(Vec<u8>, Vec<u8>) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        loop {
            let piece = self.scan(&range, PIECE)?;
            let complete = piece.len() < PIECE;
            for (key, value) in piece {
                range.0 = std::ops::Bound::Excluded(key.clone());
                visit(key, value)?;
            }
            if complete {
                return Ok(());
            }
        }
    }

    /// Commits, or fails for good.
    fn commit(&mut self, batch: Batch) -> Result<(), StorageError> {
        self.db.commit(batch).map_err(|error| {
            let error = from_database(error);
            // A value that is too long was refused before anything was written.
            if !matches!(error, StorageError::Refused(_)) {
                self.failed = Some(error.to_string());
            }
            error
        })
    }

    /// Keeps old blocks from being pruned for as long as the result lives.
    fn pin(&self) -> Pin {
        self.pins.fetch_add(1, Ordering::SeqCst);
        Pin(Arc::clone(&self.pins))
    }

    fn is_pinned(&self) -> bool {
        self.pins.load(Ordering::SeqCst) > 0
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let backend = self.db.backend();
        f.debug_struct("Store").field("backend", &backend).field("chain", &self.chain).finish_non_exhaustive()
    }
}

/// See [`Store::pin`].
#[derive(Debug)]
struct Pin(Arc<AtomicUsize>);

impl Drop for Pin {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn corrupt(what: impl Into<String>) -> StorageError {
    StorageError::Corrupt(what.into())
}

/// Writes the format into an empty database; refuses one that holds something else.
fn create(db: &dyn Database) -> Result<(), OpenError> {
    use std::ops::Bound::Unbounded;
    if !db.scan((Unbounded, Unbounded), Order::Ascending, 1)?.is_empty() {
        return Err(OpenError::NotStorage);
    }
    let mut batch = Batch::new();
    batch.put(FORMAT, FORMAT_VERSION.to_be_bytes());
    batch.put(COUNT, 0u64.to_be_bytes());
    db.commit(batch)?;
    Ok(())
}
