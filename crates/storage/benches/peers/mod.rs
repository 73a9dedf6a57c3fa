//! What storage is measured against: sled and redb doing the same bytes, and a bare `fdatasync`.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::ops::Bound;
use std::path::Path;
use std::time::Instant;

use alys_database::{Backend, Batch, Database, DatabaseError, Entry, MemoryDatabase, MemoryDisk, Order};
use alys_database::{Reader, Verified, Verifying, Write};
use alys_primitives::B256;
use parking_lot::Mutex;
use redb::{ReadableDatabase as _, TableDefinition};

const TABLE: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("entries");

/// A database in memory that remembers its commits.
pub(crate) struct Recorder {
    memory: MemoryDatabase,
    commits: Mutex<Vec<Vec<Write>>>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self { memory: MemoryDisk::new().open().unwrap(), commits: Mutex::default() }
    }
}

impl Recorder {
    pub(crate) fn recording(&self) -> Recording {
        let commits = self.commits.lock().clone();
        let mut live = BTreeMap::new();
        for write in commits.iter().flatten() {
            match write {
                Write::Put(key, value) => live.insert(key.clone(), value.len()),
                Write::Delete(key) => live.remove(key),
            };
        }
        Recording { commits, live }
    }
}

impl Reader for Recorder {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, DatabaseError> {
        self.memory.get(key)
    }

    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        order: Order,
        limit: usize,
    ) -> Result<Vec<Entry>, DatabaseError> {
        self.memory.scan(range, order, limit)
    }
}

impl Database for Recorder {
    fn commit(&self, batch: Batch) -> Result<(), DatabaseError> {
        self.commits.lock().push(batch.writes().to_vec());
        self.memory.commit(batch)
    }

    fn size_on_disk(&self) -> Result<u64, DatabaseError> {
        self.memory.size_on_disk()
    }

    fn backend(&self) -> &'static str {
        self.memory.backend()
    }

    fn verify_some(&self, progress: &mut Verifying, limit: usize) -> Result<Option<Verified>, DatabaseError> {
        self.memory.verify_some(progress, limit)
    }
}

/// The commits of a store, in order.
pub(crate) struct Recording {
    commits: Vec<Vec<Write>>,
    /// Keys that are left, and the lengths of their values.
    live: BTreeMap<Vec<u8>, usize>,
}

impl Recording {
    /// The keys under which blocks lie (table 1: height and hash), by hash.
    pub(crate) fn block_keys(&self) -> BTreeMap<B256, Vec<u8>> {
        let blocks = self.live.keys().filter(|key| key[0] == 1);
        blocks.map(|key| (B256::from_slice(&key[9..]), key.clone())).collect()
    }

    pub(crate) fn live_bytes(&self) -> u64 {
        self.live.iter().map(|(key, value)| (key.len() + value) as u64).sum()
    }
}

/// A raw database after a replay.
pub(crate) enum Raw {
    Sled(sled::Db),
    Redb(redb::Database),
}

impl Raw {
    /// The length of the value of `key`.
    pub(crate) fn get(&self, key: &[u8]) -> usize {
        match self {
            Self::Sled(db) => db.get(key).unwrap().map_or(0, |value| value.to_vec().len()),
            Self::Redb(db) => {
                let table = db.begin_read().unwrap().open_table(TABLE).unwrap();
                table.get(key).unwrap().map_or(0, |value| value.value().to_vec().len())
            }
        }
    }

    pub(crate) fn close_and_measure(self, folder: &Path) -> u64 {
        drop(self);
        size(folder)
    }
}

fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|e| if e.path().is_dir() { size(&e.path()) } else { e.metadata().unwrap().len() }).sum()
}

/// Every commit as one durable commit of the raw database, with nothing around it.
pub(crate) fn replay(backend: Backend, folder: &Path, cache: u64, recording: &Recording) -> Raw {
    match backend {
        Backend::Sled => Raw::Sled(replay_sled(folder, cache, recording)),
        _ => Raw::Redb(replay_redb(folder, cache, recording)),
    }
}

fn replay_sled(folder: &Path, cache: u64, recording: &Recording) -> sled::Db {
    let path = folder.join("raw");
    let db = sled::Config::new().path(&path).cache_capacity(cache).open().unwrap();
    let log = File::open(path.join("db")).unwrap();
    for commit in &recording.commits {
        let mut batch = sled::Batch::default();
        for write in commit {
            match write {
                Write::Put(key, value) => batch.insert(key.as_slice(), value.as_slice()),
                Write::Delete(key) => batch.remove(key.as_slice()),
            }
        }
        db.apply_batch(batch).unwrap();
        // sled's flush alone is not durable; that would be another race.
        db.flush().unwrap();
        log.sync_data().unwrap();
    }
    db
}

fn replay_redb(folder: &Path, cache: u64, recording: &Recording) -> redb::Database {
    let mut builder = redb::Database::builder();
    builder.set_cache_size(cache as usize);
    let db = builder.create(folder.join("raw.redb")).unwrap();
    for commit in &recording.commits {
        let transaction = db.begin_write().unwrap();
        {
            let mut table = transaction.open_table(TABLE).unwrap();
            for write in commit {
                match write {
                    Write::Put(key, value) => drop(table.insert(key.as_slice(), value.as_slice()).unwrap()),
                    Write::Delete(key) => drop(table.remove(key.as_slice()).unwrap()),
                }
            }
        }
        transaction.commit().unwrap();
    }
    db
}

/// How many times a second 2 KB can be appended and synced.
pub(crate) fn fdatasync(times: u32) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let mut file = OpenOptions::new().append(true).create(true).open(folder.path().join("log")).unwrap();
    let started = Instant::now();
    for _ in 0..times {
        file.write_all(&[7; 2048]).unwrap();
        file.sync_data().unwrap();
    }
    f64::from(times) / started.elapsed().as_secs_f64()
}
