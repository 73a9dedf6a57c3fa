//! The sled backend: one tree, values in parts, and an fsync that sled's own `flush` is not.
//!
//! What sled 0.34 does, and what is done about it here:
//!
//! - `flush` waits for `sync_file_range`, which leaves the drive's cache and the file's length
//!   behind. After it, [`Database::commit`] calls `fdatasync` on a descriptor of its own.
//! - Messages above 128 KiB go to files that are never synced: see [`parts`].
//! - At creation neither the small configuration file nor the names in the folder are synced:
//!   opening does it.
//! - A multi-part value is several entries, and a reader could meet a commit between two of them:
//!   readers share a lock that a commit takes alone while it applies its batch in memory (not while
//!   it waits for the disk).
//! - A log that is damaged is taken for one that was cut there, and silently loses its end; or one
//!   segment of it is skipped, and silently the entries in it are missing or old. Against the first
//!   see [`acknowledged`], against the second [`ledger`].
//! - After a failed write the tree in memory shows what the disk does not have, so after a failed
//!   commit reads are refused too.

mod acknowledged;
mod ledger;
mod parts;

use std::fmt;
use std::fs::File;
use std::ops::Bound;
use std::path::Path;
use std::sync::Weak;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use self::acknowledged::Acknowledged;
pub(crate) use self::ledger::Ledger;
use self::parts::{Head, PARTS, head_key, part_key, split};
use crate::folder::Folder;
use crate::guard::{Health, close, guarded, opening};
use crate::verify::Running;
use crate::{
    Batch, Database, DatabaseError, Entry, Order, Reader, Verified, Verifying, checksum, is_empty_range,
};

const BACKEND: &str = "sled";

/// A database in sled.
pub struct SledDatabase {
    /// `None` only while dropping.
    db: Option<::sled::Db>,
    /// Readers against the moment in which a batch is applied.
    applying: RwLock<()>,
    /// One commit at a time; holds what a commit needs.
    writer: Mutex<Writer>,
    health: Health,
    /// After `db`, so that the lock goes last.
    folder: Folder,
}

struct Writer {
    /// Our own descriptor of the log, to sync it.
    log: File,
    ledger: Ledger,
    acknowledged: Acknowledged,
    /// The verifications under way, whose sums each commit corrects.
    verifying: Vec<Weak<Mutex<Running>>>,
}

impl Writer {
    /// Corrects the sums of the verifications that have read `key` already.
    fn correct(&mut self, key: &[u8], correct: impl Fn(&mut Ledger)) {
        self.verifying.retain(|running| {
            let Some(running) = running.upgrade() else { return false };
            let mut running = running.lock();
            if running.covers(key) {
                correct(&mut running.found);
            }
            true
        });
    }
}

impl SledDatabase {
    /// Opens the database in `folder`, and makes it where it is missing.
    ///
    /// # Errors
    /// [`DatabaseError::InUse`], [`DatabaseError::OtherBackend`], [`DatabaseError::Corrupt`] where
    /// sled cannot make sense of its files or has lost acknowledged commits, [`DatabaseError::Io`].
    pub fn open(folder: &Path, cache_bytes: u64) -> Result<Self, DatabaseError> {
        let folder = Folder::open(folder, BACKEND)?;
        let data = folder.data();
        wait_for_old_handle(&data.join("db"));
        let config = ::sled::Config::new().path(&data).cache_capacity(cache_bytes);
        let db = opening(&folder, map, || config.open())?;
        let ledger = match opening(&folder, map, || db.get(ledger::KEY))? {
            None => Ledger::default(),
            Some(bytes) => Ledger::decode(&bytes)
                .ok_or_else(|| folder.corrupt("the record of commits cannot be read"))?,
        };
        let acknowledged = Acknowledged::open(&folder, ledger.commits)?;
        let log = File::open(data.join("db")).map_err(|e| folder.io(&e))?;
        folder.sync_all()?;
        Ok(Self {
            db: Some(db),
            applying: RwLock::new(()),
            writer: Mutex::new(Writer { log, ledger, acknowledged, verifying: Vec::new() }),
            health: Health::default(),
            folder,
        })
    }

    /// Runs `work` on the tree unless an earlier commit failed.
    fn with<T>(
        &self,
        work: impl FnOnce(&::sled::Db) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        if self.health.is_poisoned() {
            return Err(DatabaseError::Poisoned { backend: BACKEND });
        }
        // Gone only in `drop`, after which nobody can call.
        let Some(db) = &self.db else {
            return Err(DatabaseError::Poisoned { backend: BACKEND });
        };
        guarded(|| work(db)).unwrap_or_else(|panic| {
            self.health.poison();
            Err(self.folder.corrupt(panic))
        })
    }

    /// The value whose head is `head`.
    fn value(&self, db: &::sled::Db, key: &[u8], head: &[u8]) -> Result<Vec<u8>, DatabaseError> {
        let damaged = |what: &str| self.folder.corrupt(format!("key {}: {what}", checksum::show(key)));
        let head = Head::parse(head).ok_or_else(|| damaged("its head cannot be read"))?;
        head.assemble(key, |n| db.get(part_key(key, n)).map_err(|e| map(&self.folder, &e)))?
            .map_err(|what| damaged(&what))
    }

    /// The batch as sled's, with what must go because a value became shorter, and with the ledger
    /// as it is after it.
    fn translate(
        &self,
        db: &::sled::Db,
        batch: Batch,
        writer: &mut Writer,
    ) -> Result<(::sled::Batch, Ledger), DatabaseError> {
        let mut ledger = writer.ledger;
        let mut out = ::sled::Batch::default();
        for (key, value) in batch.into_latest()? {
            let head_key = head_key(&key);
            let old = db.get(&head_key).map_err(|e| map(&self.folder, &e))?;
            // A head that cannot be read is about to be replaced; at worst parts that nobody reads
            // stay behind.
            let old = old.as_deref().and_then(Head::parse);
            if let Some(old) = &old {
                ledger.remove(&key, old);
                writer.correct(&key, |found| found.remove(&key, old));
            }
            let old_parts = old.map_or(0, |old| old.parts());
            let mut new_parts = 0u32;
            match value {
                Some(value) => {
                    let (head, parts) = split(&key, &value);
                    if let Some(head) = Head::parse(&head) {
                        ledger.add(&key, &head);
                        writer.correct(&key, |found| found.add(&key, &head));
                    }
                    out.insert(head_key, head);
                    for part in parts {
                        out.insert(part_key(&key, new_parts), part);
                        new_parts += 1;
                    }
                }
                None => out.remove(head_key),
            }
            for gone in new_parts..old_parts {
                out.remove(part_key(&key, gone));
            }
        }
        ledger.commits = ledger.commits.saturating_add(1);
        out.insert(&ledger::KEY[..], &ledger.encode()[..]);
        Ok((out, ledger))
    }
}

impl Reader for SledDatabase {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, DatabaseError> {
        self.with(|db| {
            let _shared = self.applying.read();
            let head = db.get(head_key(key)).map_err(|e| map(&self.folder, &e))?;
            head.map(|head| self.value(db, key, &head)).transpose()
        })
    }

    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        order: Order,
        limit: usize,
    ) -> Result<Vec<Entry>, DatabaseError> {
        if is_empty_range(range) {
            return Ok(Vec::new());
        }
        let low = match range.0 {
            Bound::Unbounded => Bound::Included(head_key(&[])),
            bound => bound.map(head_key),
        };
        let high = match range.1 {
            Bound::Unbounded => Bound::Excluded(vec![PARTS]),
            bound => bound.map(head_key),
        };
        self.with(|db| {
            let _shared = self.applying.read();
            let mut found = db.range((low, high));
            let mut entries = Vec::new();
            while entries.len() < limit {
                let next = match order {
                    Order::Ascending => found.next(),
                    Order::Descending => found.next_back(),
                };
                let Some(next) = next else { break };
                let (key, head) = next.map_err(|e| map(&self.folder, &e))?;
                let key = key.get(1..).unwrap_or_default().to_vec();
                let value = self.value(db, &key, &head)?;
                entries.push((key, value));
            }
            Ok(entries)
        })
    }
}

impl Database for SledDatabase {
    fn commit(&self, batch: Batch) -> Result<(), DatabaseError> {
        let mut writer = self.writer.lock();
        self.with(|db| {
            let (writes, ledger) = self.translate(db, batch, &mut writer)?;
            let done = (|| {
                {
                    let _alone = self.applying.write();
                    db.apply_batch(writes).map_err(|e| map(&self.folder, &e))?;
                }
                db.flush().map_err(|e| map(&self.folder, &e))?;
                writer.log.sync_data().map_err(|e| self.folder.io(&e))?;
                writer.acknowledged.set(ledger.commits).map_err(|e| self.folder.io(&e))
            })();
            match done {
                Ok(()) => writer.ledger = ledger,
                Err(_) => self.health.poison(),
            }
            done
        })
    }

    fn size_on_disk(&self) -> Result<u64, DatabaseError> {
        self.folder.size()
    }

    fn backend(&self) -> &'static str {
        BACKEND
    }

    fn verify_some(&self, progress: &mut Verifying, limit: usize) -> Result<Option<Verified>, DatabaseError> {
        // No commit within a step.
        let mut writer = self.writer.lock();
        let running = progress.running(|running| writer.verifying.push(running));
        let mut running = running.lock();
        let low = match &running.up_to {
            None => Bound::Included(head_key(&[])),
            Some(last) => Bound::Excluded(head_key(last)),
        };
        self.with(|db| {
            let mut read = 0;
            for entry in db.range((low, Bound::Excluded(vec![PARTS]))).take(limit.max(1)) {
                let (key, head) = entry.map_err(|e| map(&self.folder, &e))?;
                let key = key.get(1..).unwrap_or_default().to_vec();
                let value = self.value(db, &key, &head)?;
                if let Some(head) = Head::parse(&head) {
                    running.found.add(&key, &head);
                }
                progress.count(key.clone(), &value);
                running.up_to = Some(key);
                read += 1;
            }
            if read == limit.max(1) {
                return Ok(None);
            }
            let mut found = running.found;
            found.commits = writer.ledger.commits;
            if found != writer.ledger {
                return Err(self.folder.corrupt(format!(
                    "{} entries are there and {} were written, or some are older than the last \
                     write; a part of the log was lost. Restore a backup, or move the folder away \
                     and sync again",
                    found.entries, writer.ledger.entries
                )));
            }
            Ok(Some(Verified { entries: found.entries, bytes: progress.bytes() }))
        })
    }
}

impl Drop for SledDatabase {
    fn drop(&mut self) {
        close(BACKEND, self.db.take());
    }
}

impl fmt::Debug for SledDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledDatabase").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Waits for the lock of an earlier handle of this process, whose last tasks outlive its `drop` in
/// sled's thread pool by a moment.
///
/// Our own lock is held here, so no other process of ours has the file open; a foreign one is
/// waited for in vain, and sled's own open then fails.
fn wait_for_old_handle(log: &Path) {
    /// 400 times 5 ms: far longer than any such task takes.
    const TRIES: u32 = 400;
    const PAUSE: Duration = Duration::from_millis(5);
    let Ok(file) = File::open(log) else { return };
    for _ in 0..TRIES {
        // The lock that is tried here goes with `file`.
        if file.try_lock().is_ok() {
            return;
        }
        // There is nothing to be woken by: the lock is between descriptors.
        std::thread::park_timeout(PAUSE);
    }
}

/// sled's errors as ours.
fn map(folder: &Folder, error: &::sled::Error) -> DatabaseError {
    match error {
        ::sled::Error::Io(e) if e.to_string().contains("could not acquire lock") => folder.in_use(),
        ::sled::Error::Io(e) => folder.io(e),
        other => folder.corrupt(other.to_string()),
    }
}
