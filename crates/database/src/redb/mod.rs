//! The redb backend: one table in one copy-on-write file, one view for all readers.
//!
//! A commit is redb's own, with immediate durability: it returns after an `fdatasync` of the file.
//! After each commit a read transaction is opened, and all readers use it until the next commit:
//! a read then costs one descent of the tree and no transaction, and a snapshot is a reference to
//! the view. (The pages that a commit frees are used again one commit later for it.)
//!
//! redb checks its page checksums when it repairs a file after a crash, not at each read, and
//! panics on some damage: values carry a checksum of ours, and panics become errors. A damaged key
//! can still hide its entry from a read; [`Database::verify`] finds it.

use std::fmt;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use redb::{
    Durability, ReadOnlyTable, ReadableDatabase, ReadableTableMetadata, StorageBackend, StorageError,
    TableDefinition,
};

use crate::folder::{Folder, sync_folder};
use crate::guard::{Health, close, guarded, opening};
use crate::{
    Batch, Database, DatabaseError, Entry, Order, Reader, Snapshots, Verified, Verifying, checksum,
    is_empty_range,
};

const BACKEND: &str = "redb";

/// All entries. A value is its checksum (4 bytes, big-endian), then itself.
const TABLE: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("entries");

type Table = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// A database in redb.
pub struct RedbDatabase {
    shared: Arc<Shared>,
    /// The state after the last commit.
    view: RwLock<Arc<Table>>,
    /// `None` only while dropping; one commit at a time.
    db: Mutex<Option<redb::Database>>,
}

/// What a snapshot needs of its database.
struct Shared {
    health: Health,
    folder: Folder,
}

impl RedbDatabase {
    /// Opens the database in `folder`, and makes it where it is missing.
    ///
    /// After a crash this reads the whole file, to check it.
    ///
    /// # Errors
    /// [`DatabaseError::InUse`], [`DatabaseError::OtherBackend`], [`DatabaseError::Corrupt`] where
    /// the file is damaged and cannot be repaired, [`DatabaseError::Io`].
    pub fn open(folder: &Path, cache_bytes: u64) -> Result<Self, DatabaseError> {
        let folder = Folder::open(folder, BACKEND)?;
        let path = folder.data();
        let db = opening(&folder, map_open, || builder(cache_bytes).create(&path))?;
        Self::finish(folder, db)
    }

    /// As [`RedbDatabase::open`], with the bytes in `backend` instead of a file: for tests that let
    /// writes fail or tear. The folder still holds the lock.
    ///
    /// # Errors
    /// As [`RedbDatabase::open`].
    #[doc(hidden)]
    pub fn open_over(
        folder: &Path,
        cache_bytes: u64,
        backend: impl StorageBackend,
    ) -> Result<Self, DatabaseError> {
        let folder = Folder::open(folder, BACKEND)?;
        let db = opening(&folder, map_open, || builder(cache_bytes).create_with_backend(backend))?;
        Self::finish(folder, db)
    }

    fn finish(folder: Folder, db: redb::Database) -> Result<Self, DatabaseError> {
        let view = opening(&folder, map, || first_view(&db))?;
        // The name of the file, where it is new.
        if let Some(parent) = folder.data().parent() {
            sync_folder(parent).map_err(|e| folder.io(&e))?;
        }
        Ok(Self {
            shared: Arc::new(Shared { health: Health::default(), folder }),
            view: RwLock::new(Arc::new(view)),
            db: Mutex::new(Some(db)),
        })
    }

    fn view(&self) -> View {
        View { shared: Arc::clone(&self.shared), table: Arc::clone(&self.view.read()) }
    }
}

fn builder(cache_bytes: u64) -> redb::Builder {
    let mut builder = redb::Database::builder();
    builder.set_cache_size(usize::try_from(cache_bytes).unwrap_or(usize::MAX));
    builder
}

/// A view of the table, which is made where it is missing.
fn first_view(db: &redb::Database) -> Result<Table, redb::Error> {
    match db.begin_read()?.open_table(TABLE) {
        Ok(table) => return Ok(table),
        Err(redb::TableError::TableDoesNotExist(_)) => {}
        Err(e) => return Err(e.into()),
    }
    write(db, [])?;
    Ok(db.begin_read()?.open_table(TABLE)?)
}

/// One durable transaction.
fn write(
    db: &redb::Database,
    writes: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>,
) -> Result<(), redb::Error> {
    let mut transaction = db.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    {
        let mut table = transaction.open_table(TABLE)?;
        for (key, value) in writes {
            match value {
                Some(value) => {
                    let mut stored = Vec::with_capacity(checksum::LEN + value.len());
                    stored.extend_from_slice(&checksum::of(&key, &value).to_be_bytes());
                    stored.extend_from_slice(&value);
                    table.insert(key.as_slice(), stored.as_slice())?;
                }
                None => {
                    table.remove(key.as_slice())?;
                }
            }
        }
    }
    Ok(transaction.commit()?)
}

/// One moment of the database.
struct View {
    shared: Arc<Shared>,
    table: Arc<Table>,
}

impl View {
    fn with<T>(&self, work: impl FnOnce(&Table) -> Result<T, DatabaseError>) -> Result<T, DatabaseError> {
        guarded(|| work(&self.table)).unwrap_or_else(|panic| {
            self.shared.health.poison();
            Err(self.shared.folder.corrupt(panic))
        })
    }

    fn storage(&self, error: StorageError) -> DatabaseError {
        map(&self.shared.folder, &error.into())
    }

    fn check(&self, key: &[u8], stored: &[u8]) -> Result<Vec<u8>, DatabaseError> {
        match stored.split_first_chunk::<{ checksum::LEN }>() {
            Some((sum, value)) if *sum == checksum::of(key, value).to_be_bytes() => Ok(value.to_vec()),
            _ => Err(self
                .shared
                .folder
                .corrupt(format!("key {}: the checksum does not match", checksum::show(key)))),
        }
    }
}

impl Reader for View {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, DatabaseError> {
        self.with(|table| {
            let stored = table.get(key).map_err(|e| self.storage(e))?;
            stored.map(|stored| self.check(key, stored.value())).transpose()
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
        self.with(|table| {
            let mut found = table.range::<&[u8]>(range).map_err(|e| self.storage(e))?;
            let mut entries = Vec::new();
            while entries.len() < limit {
                let next = match order {
                    Order::Ascending => found.next(),
                    Order::Descending => found.next_back(),
                };
                let Some(next) = next else { break };
                let (key, stored) = next.map_err(|e| self.storage(e))?;
                let value = self.check(key.value(), stored.value())?;
                entries.push((key.value().to_vec(), value));
            }
            Ok(entries)
        })
    }
}

impl Reader for RedbDatabase {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, DatabaseError> {
        self.view().get(key)
    }

    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        order: Order,
        limit: usize,
    ) -> Result<Vec<Entry>, DatabaseError> {
        self.view().scan(range, order, limit)
    }
}

impl Database for RedbDatabase {
    fn commit(&self, batch: Batch) -> Result<(), DatabaseError> {
        let writes = batch.into_latest()?;
        let db = self.db.lock();
        let shared = &self.shared;
        let Some(db) = db.as_ref().filter(|_| !shared.health.is_poisoned()) else {
            return Err(DatabaseError::Poisoned { backend: BACKEND });
        };
        let done = guarded(|| {
            write(db, writes)?;
            Ok(db.begin_read()?.open_table(TABLE)?)
        });
        match done {
            Ok(Ok(table)) => {
                *self.view.write() = Arc::new(table);
                Ok(())
            }
            Ok(Err(e)) => {
                shared.health.poison();
                Err(map(&shared.folder, &e))
            }
            Err(panic) => {
                shared.health.poison();
                Err(shared.folder.corrupt(panic))
            }
        }
    }

    fn size_on_disk(&self) -> Result<u64, DatabaseError> {
        self.shared.folder.size()
    }

    fn backend(&self) -> &'static str {
        BACKEND
    }

    fn verify_some(&self, progress: &mut Verifying, limit: usize) -> Result<Option<Verified>, DatabaseError> {
        let begin = || {
            let view = self.view();
            let written = view.with(|table| table.len().map_err(|e| view.storage(e)))?;
            Ok((Box::new(view) as Box<dyn Reader>, Some(written)))
        };
        // A damaged page in the middle of the tree leads a search astray, and a scan not.
        let check = |view: &dyn Reader, key: &[u8]| match view.get(key)? {
            Some(_) => Ok(()),
            None => {
                let key = checksum::show(key);
                Err(self.shared.folder.corrupt(format!("key {key} cannot be found by a search")))
            }
        };
        match progress.of_moment(limit, begin, check)? {
            Some((Verified { entries, .. }, Some(written))) if entries != written => {
                let what = format!("{entries} entries can be reached and {written} were written");
                Err(self.shared.folder.corrupt(what))
            }
            done => Ok(done.map(|(read, _)| read)),
        }
    }
}

impl Snapshots for RedbDatabase {
    fn snapshot(&self) -> Result<Box<dyn Reader>, DatabaseError> {
        Ok(Box::new(self.view()))
    }
}

impl Drop for RedbDatabase {
    fn drop(&mut self) {
        close(BACKEND, self.db.lock().take());
    }
}

impl fmt::Debug for RedbDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbDatabase").field("folder", &self.shared.folder).finish_non_exhaustive()
    }
}

fn map_open(folder: &Folder, error: &redb::DatabaseError) -> DatabaseError {
    match error {
        redb::DatabaseError::RepairAborted => folder.corrupt("its repair was given up"),
        redb::DatabaseError::UpgradeRequired(version) => folder.io(&format!(
            "it was written by an older redb (file format {version}); export it with that version"
        )),
        // What is no redb file at all is reported as an I/O error.
        redb::DatabaseError::Storage(StorageError::Io(e))
            if matches!(e.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof) =>
        {
            folder.corrupt(e.to_string())
        }
        redb::DatabaseError::Storage(StorageError::Corrupted(what)) => folder.corrupt(what.clone()),
        redb::DatabaseError::Storage(StorageError::PreviousIo) => {
            DatabaseError::Poisoned { backend: BACKEND }
        }
        other => folder.io(other),
    }
}

fn map(folder: &Folder, error: &redb::Error) -> DatabaseError {
    match error {
        redb::Error::Corrupted(what) => folder.corrupt(what.clone()),
        redb::Error::PreviousIo => DatabaseError::Poisoned { backend: BACKEND },
        other => folder.io(other),
    }
}
