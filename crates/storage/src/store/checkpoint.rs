//! A consistent, verified copy in a new folder.
//!
//! Final blocks do not change, nor do the hashes of pruned heights, so they are copied a few at a time
//! while the chain goes on. The last step copies what is not final and the single records, all at once: the copy is the storage of that
//! moment. It is then opened and checked, and only then gets its name.
//!
//! The promise record is not copied: a member that was restored from yesterday must not believe that
//! it promised nothing since.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alys_bus::protocol::storage::{BlockRef, CheckpointReport, IntegrityReport, StorageError};
use alys_database::{Backend, Batch, Database, DatabaseConfig, MIN_CACHE_BYTES, open};

use super::apply::transactions;
use super::integrity::Integrity;
use super::keys::{CHAIN, COUNT, FORMAT, PEG, Table, at, canonical, height_of, transaction};
use super::{FORMAT_VERSION, Pin, Step, Store, corrupt};
use crate::cache::BlockCache;
use crate::config::database_in;
use crate::error::from_database;

/// Blocks copied in one step and so in one batch.
const BLOCKS_A_STEP: u64 = 64;

/// Pruned heights copied in one step: about as many bytes as one small block has.
const HEIGHTS_A_STEP: u64 = 256;

/// The copy's batches are cut at this size (4 MiB).
const BATCH_BYTES: usize = 4 << 20;

enum Phase {
    /// The hashes of pruned heights, upwards from this height.
    Pruned(u64),
    /// Final blocks, upwards from this height.
    Copy(u64),
    /// The copy, opened.
    Check(Box<Store>, Integrity),
    /// Done or failed.
    Over,
}

/// Writes a checkpoint.
pub struct Checkpoint {
    path: PathBuf,
    /// Where it is written until it is whole.
    partial: PathBuf,
    config: DatabaseConfig,
    target: Option<Arc<dyn Database>>,
    phase: Phase,
    head: BlockRef,
    /// Old blocks stay until the copy is over.
    _pin: Pin,
}

impl Checkpoint {
    /// Begins a checkpoint of `store` in the folder `path`, which must not exist. A storage in memory is
    /// copied into redb.
    ///
    /// # Errors
    /// [`StorageError::Refused`] where the folder exists or nothing is there to copy,
    /// [`StorageError::Io`].
    pub fn new(store: &Store, path: &Path) -> Result<Self, StorageError> {
        store.usable()?;
        let Some(chain) = &store.chain else {
            return Err(StorageError::Refused("the storage is empty; there is nothing to copy".to_owned()));
        };
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let partial = path.with_file_name(name);
        for taken in [path, &partial] {
            if taken.exists() {
                return Err(StorageError::Refused(format!(
                    "{} exists; remove it, or choose another folder",
                    taken.display()
                )));
            }
        }
        let backend = if store.db.backend() == "sled" { Backend::Sled } else { Backend::Redb };
        let mut config = DatabaseConfig::new(backend, database_in(&partial));
        config.cache_bytes = 16 * MIN_CACHE_BYTES;
        Ok(Self {
            path: path.to_path_buf(),
            target: Some(open(&config).map_err(from_database)?),
            partial,
            config,
            phase: if chain.oldest > 0 { Phase::Pruned(0) } else { Phase::Copy(0) },
            head: chain.head,
            _pin: store.pin(),
        })
    }

    /// One step.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] where something to be copied is damaged, [`StorageError::Io`] where the
    /// copy cannot be written. What was written of it is removed.
    pub fn step(&mut self, store: &Store) -> Result<Step<CheckpointReport>, StorageError> {
        store.usable()?;
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Pruned(height) => self.copy_pruned(store, height)?,
            Phase::Copy(height) => self.copy(store, height)?,
            Phase::Check(copy, mut check) => match check.step(&copy)? {
                Step::More => self.phase = Phase::Check(copy, check),
                Step::Done(report) => {
                    drop(copy);
                    return self.finish(report).map(Step::Done);
                }
            },
            Phase::Over => return Err(StorageError::Refused("the checkpoint is over".to_owned())),
        }
        Ok(Step::More)
    }

    /// Of pruned blocks the hashes by height. The pin keeps the oldest whole block where it is.
    fn copy_pruned(&mut self, store: &Store, from: u64) -> Result<(), StorageError> {
        let Some(chain) = &store.chain else { return Err(corrupt("the record of the chain is gone")) };
        let Some(target) = self.target.clone() else { return Err(corrupt("the copy is closed")) };
        let mut writer = Writer::new(target.as_ref());
        let end = chain.oldest.min(from.saturating_add(HEIGHTS_A_STEP));
        for height in from..end {
            if let Some(hash) = store.canonical_hash(height)? {
                writer.put(canonical(height), hash.to_vec())?;
            }
        }
        writer.flush()?;
        self.phase = if end < chain.oldest { Phase::Pruned(end) } else { Phase::Copy(end) };
        Ok(())
    }

    fn copy(&mut self, store: &Store, from: u64) -> Result<(), StorageError> {
        let Some(chain) = &store.chain else { return Err(corrupt("the record of the chain is gone")) };
        let Some(target) = self.target.clone() else { return Err(corrupt("the copy is closed")) };
        let mut writer = Writer::new(target.as_ref());
        let end = chain.finalized.height.min(from.saturating_add(BLOCKS_A_STEP - 1));
        for height in from..=end {
            let hash = store.canonical_hash(height)?;
            let hash = hash.ok_or_else(|| corrupt(format!("height {height} has no block")))?;
            copy_block(store, &mut writer, height, &hash, true)?;
        }
        if end < chain.finalized.height {
            writer.flush()?;
            self.phase = Phase::Copy(end + 1);
            return Ok(());
        }
        // The moment of the copy: no other step comes between these.
        for ((height, hash), known) in store.pending.iter() {
            copy_block(store, &mut writer, *height, hash, known.canonical)?;
            if known.changed {
                writer.copy(store, at(Table::Changes, *height, hash))?;
            }
        }
        writer.put(FORMAT.to_vec(), FORMAT_VERSION.to_be_bytes().to_vec())?;
        for key in [CHAIN, PEG, COUNT] {
            writer.copy(store, key.to_vec())?;
        }
        writer.flush()?;
        self.head = chain.head;
        self.check(target)
    }

    /// Opens the copy anew, as a restored node would.
    fn check(&mut self, target: Arc<dyn Database>) -> Result<(), StorageError> {
        self.target = None;
        drop(target);
        let copy = open(&self.config).map_err(from_database)?;
        let copy = Store::open(copy, BlockCache::new(0)).map_err(|e| corrupt(e.to_string()))?;
        let check = Integrity::new(&copy);
        self.phase = Phase::Check(Box::new(copy), check);
        Ok(())
    }

    fn finish(&mut self, report: IntegrityReport) -> Result<CheckpointReport, StorageError> {
        if let Some(damage) = report.damage.first() {
            return Err(corrupt(format!("the copy does not agree with itself: {damage}")));
        }
        let named = fs::rename(&self.partial, &self.path).and_then(|()| sync_parent(&self.path));
        named.map_err(|e| StorageError::Io(format!("{}: {e}", self.path.display())))?;
        Ok(CheckpointReport { path: self.path.clone(), head: self.head, entries: report.entries })
    }
}

impl Drop for Checkpoint {
    fn drop(&mut self) {
        // Closed first: sled and redb write while closing.
        self.phase = Phase::Over;
        self.target = None;
        // Not there after success. What cannot be removed is in the way of the next one, which says so.
        let _ = fs::remove_dir_all(&self.partial);
    }
}

impl std::fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checkpoint").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A block with its facts and all index entries.
fn copy_block(
    store: &Store,
    writer: &mut Writer<'_>,
    height: u64,
    hash: &alys_primitives::B256,
    on_chain: bool,
) -> Result<(), StorageError> {
    let (stored, _) = store.read(height, hash)?;
    writer.copy(store, at(Table::Blocks, height, hash))?;
    writer.put(height_of(hash), height.to_be_bytes().to_vec())?;
    if stored.facts.is_some() {
        writer.copy(store, at(Table::Facts, height, hash))?;
    }
    if on_chain {
        writer.put(canonical(height), hash.to_vec())?;
        for id in transactions(&stored.block.block) {
            writer.put(transaction(&id), height.to_be_bytes().to_vec())?;
        }
    }
    Ok(())
}

/// Collects entries into batches.
struct Writer<'a> {
    target: &'a dyn Database,
    batch: Batch,
    bytes: usize,
}

impl<'a> Writer<'a> {
    fn new(target: &'a dyn Database) -> Self {
        Self { target, batch: Batch::new(), bytes: 0 }
    }

    /// An entry as the store has it; absence is damage.
    fn copy(&mut self, store: &Store, key: Vec<u8>) -> Result<(), StorageError> {
        let value = store.get(&key)?.ok_or_else(|| corrupt("an entry vanished while it was copied"))?;
        self.put(key, value)
    }

    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<(), StorageError> {
        self.bytes += key.len() + value.len();
        self.batch.put(key, value);
        if self.bytes >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), StorageError> {
        self.bytes = 0;
        self.target.commit(std::mem::take(&mut self.batch)).map_err(from_database)
    }
}

/// Brings the new name to the disk.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    if cfg!(unix) { fs::File::open(parent)?.sync_all() } else { Ok(()) }
}

impl Store {
    /// Writes a checkpoint, all steps at once: for programs without the actor.
    ///
    /// # Errors
    /// As [`Checkpoint::new`] and [`Checkpoint::step`].
    pub fn checkpoint(&self, path: &Path) -> Result<CheckpointReport, StorageError> {
        let mut work = Checkpoint::new(self, path)?;
        loop {
            if let Step::Done(report) = work.step(self)? {
                return Ok(report);
            }
        }
    }
}
