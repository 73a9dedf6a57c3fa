//! The blocks used last.
//!
//! The store puts a block in only after the commit that made it durable, so the cache is never newer
//! than the disk; and changes it only after the commit that changed the disk, before that commit is
//! acknowledged. The actor reads it without going through the store's thread.

use std::collections::BTreeMap;
use std::sync::Arc;

use alys_bus::protocol::storage::{BlockStatus, StoredBlock};
use alys_primitives::{B256, ExecutionFacts};
use parking_lot::Mutex;

/// A bounded cache of decoded blocks. Clones share it.
#[derive(Debug, Clone)]
pub struct BlockCache {
    inner: Arc<Mutex<Lru>>,
}

/// What the cache did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Blocks in it.
    pub blocks: u64,
    /// Bytes of their encodings.
    pub bytes: u64,
    /// Lookups it answered.
    pub hits: u64,
    /// Lookups it could not answer.
    pub misses: u64,
}

#[derive(Debug)]
struct Lru {
    capacity: u64,
    /// Rises with each use.
    clock: u64,
    entries: BTreeMap<B256, Entry>,
    /// Who was used when: the first goes first.
    by_use: BTreeMap<u64, B256>,
    counts: CacheCounts,
}

#[derive(Debug)]
struct Entry {
    block: Arc<StoredBlock>,
    bytes: u64,
    used: u64,
}

impl BlockCache {
    /// An empty cache that holds at most `capacity` bytes of encoded blocks.
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        let lru = Lru {
            capacity,
            clock: 0,
            entries: BTreeMap::new(),
            by_use: BTreeMap::new(),
            counts: CacheCounts::default(),
        };
        Self { inner: Arc::new(Mutex::new(lru)) }
    }

    /// The block, if it is there.
    #[must_use]
    pub fn get(&self, hash: &B256) -> Option<Arc<StoredBlock>> {
        let mut lru = self.inner.lock();
        let found = lru.touch(hash);
        match found {
            Some(_) => lru.counts.hits += 1,
            None => lru.counts.misses += 1,
        }
        found
    }

    /// What it did so far.
    #[must_use]
    pub fn counts(&self) -> CacheCounts {
        let lru = self.inner.lock();
        CacheCounts { blocks: lru.entries.len() as u64, ..lru.counts }
    }

    /// Puts in a durable block whose encoding has `bytes` bytes.
    pub(crate) fn insert(&self, hash: B256, block: Arc<StoredBlock>, bytes: u64) {
        self.inner.lock().insert(hash, block, bytes);
    }

    /// Changes a block that is there: its way is as durable as its new state.
    pub(crate) fn update(&self, hash: &B256, status: BlockStatus, facts: Option<&ExecutionFacts>) {
        let mut lru = self.inner.lock();
        if let Some(entry) = lru.entries.get_mut(hash) {
            // Readers who hold the old one keep it; otherwise nothing is copied.
            let block = Arc::make_mut(&mut entry.block);
            block.status = status;
            if let Some(facts) = facts {
                block.facts = Some(facts.clone());
            }
        }
    }

    /// Forgets a block.
    pub(crate) fn remove(&self, hash: &B256) {
        self.inner.lock().remove(hash);
    }

    /// Forgets everything: the disk may have gone back.
    pub(crate) fn clear(&self) {
        let mut lru = self.inner.lock();
        lru.entries.clear();
        lru.by_use.clear();
        lru.counts.bytes = 0;
    }
}

impl Lru {
    fn touch(&mut self, hash: &B256) -> Option<Arc<StoredBlock>> {
        let entry = self.entries.get_mut(hash)?;
        self.clock += 1;
        self.by_use.remove(&entry.used);
        entry.used = self.clock;
        self.by_use.insert(self.clock, *hash);
        Some(Arc::clone(&entry.block))
    }

    fn insert(&mut self, hash: B256, block: Arc<StoredBlock>, bytes: u64) {
        self.remove(&hash);
        if bytes > self.capacity {
            return;
        }
        self.clock += 1;
        self.by_use.insert(self.clock, hash);
        self.entries.insert(hash, Entry { block, bytes, used: self.clock });
        self.counts.bytes += bytes;
        while self.counts.bytes > self.capacity {
            let Some((_, oldest)) = self.by_use.pop_first() else { return };
            if let Some(entry) = self.entries.remove(&oldest) {
                self.counts.bytes -= entry.bytes;
            }
        }
    }

    fn remove(&mut self, hash: &B256) {
        if let Some(entry) = self.entries.remove(hash) {
            self.by_use.remove(&entry.used);
            self.counts.bytes -= entry.bytes;
        }
    }
}
