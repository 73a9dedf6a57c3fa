//! The memory backend: a disk in memory that forgets what was not synced.
//!
//! [`MemoryDisk`] is the medium and outlives a crash; [`MemoryDatabase`] is a handle on it, as a
//! process would have. A commit writes its batch to the disk's log as one record, then syncs it.
//! Tests say what happens to the n-th commit ([`MemoryDisk::inject`]): it fails, the disk is full,
//! or the power goes, and of the unsynced record everything, nothing or a part is left. What is left
//! is found by its checksum when the disk is opened again, exactly as the logs of real backends are.
//!
//! ```
//! use alys_database::{Batch, Database, Fault, Left, MemoryDisk, Reader};
//!
//! let disk = MemoryDisk::new();
//! let database = disk.open()?;
//! disk.inject(0, Fault::Crash(Left::Torn(7)));
//! let mut batch = Batch::new();
//! batch.put(b"key", b"value");
//! assert!(database.commit(batch).is_err());
//! assert_eq!(disk.open()?.get(b"key")?, None);
//! # Ok::<(), alys_database::DatabaseError>(())
//! ```

mod record;
mod versions;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard, RwLock};

use self::versions::{Stored, Versions};
use crate::guard::Health;
use crate::{
    Batch, Database, DatabaseError, Entry, Order, Reader, Snapshots, Verified, Verifying, checksum,
    is_empty_range,
};

const BACKEND: &str = "memory";

/// What is left on the disk of a batch that was written but not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nothing.
    Old,
    /// All of it: the write reached the disk, though nobody was told.
    New,
    /// This many bytes of its record, counted modulo the record's length.
    Torn(usize),
}

/// What happens to a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The disk reports an error; what it says is found after the next opening.
    Fail(Left),
    /// The disk has no room: an error, and nothing is written.
    DiskFull,
    /// The power goes: every handle is dead until the disk is opened again.
    Crash(Left),
}

/// A disk in memory. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk {
    state: Arc<RwLock<Disk>>,
    /// Taken by each commit, and by who holds commits back.
    busy: Arc<Mutex<()>>,
}

/// While it lives, no commit ends: a disk that is busy. See [`MemoryDisk::hold`].
#[must_use]
#[derive(Debug)]
pub struct HeldDisk<'a>(#[expect(dead_code, reason = "is the lock")] MutexGuard<'a, ()>);

#[derive(Debug, Default)]
struct Disk {
    /// What is synced.
    data: Versions,
    /// What was written and not synced, if a fault left it so.
    unsynced: Vec<u8>,
    /// Commits that were tried.
    commits: u64,
    faults: BTreeMap<u64, Fault>,
    capacity: Option<u64>,
    /// Rises with each opening and each crash; a handle of another generation is dead.
    generation: u64,
    open: bool,
}

impl MemoryDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the database: what was synced is there, and an unsynced batch that is whole.
    ///
    /// # Errors
    /// [`DatabaseError::InUse`] while another handle lives.
    pub fn open(&self) -> Result<MemoryDatabase, DatabaseError> {
        let mut disk = self.state.write();
        if disk.open {
            return Err(DatabaseError::InUse { backend: BACKEND, path: PATH.to_owned() });
        }
        let unsynced = std::mem::take(&mut disk.unsynced);
        if let Some(writes) = record::decode(&unsynced) {
            disk.data.apply(writes);
        }
        disk.open = true;
        disk.generation += 1;
        let generation = disk.generation;
        Ok(MemoryDatabase { disk: self.clone(), generation, health: Health::default() })
    }

    /// Lets `fault` happen to a commit: 0 is the next one, 1 the one after it.
    pub fn inject(&self, commit: u64, fault: Fault) {
        let mut disk = self.state.write();
        let at = disk.commits + commit;
        disk.faults.insert(at, fault);
    }

    /// Takes back all faults that have not happened.
    pub fn clear_faults(&self) {
        self.state.write().faults.clear();
    }

    /// Lets commits wait until what is returned is dropped; reads go on.
    pub fn hold(&self) -> HeldDisk<'_> {
        HeldDisk(self.busy.lock())
    }

    /// Cuts the power between two commits: every handle is dead, what was synced stays.
    pub fn crash(&self) {
        let mut disk = self.state.write();
        disk.open = false;
        disk.generation += 1;
    }

    /// How many commits were tried, failed ones included.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.state.read().commits
    }

    /// Limits the room for keys and values to `bytes`; commits beyond it fail. `None`: no limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state.write().capacity = bytes;
    }

    /// Changes a bit of the stored value of `key`; says whether there was one.
    pub fn damage(&self, key: &[u8]) -> bool {
        let mut disk = self.state.write();
        disk.data.newest_mut(key).map(Stored::damage).is_some()
    }
}

/// Where the files of a disk in memory are, for error messages.
const PATH: &str = "(memory)";

/// A database on a [`MemoryDisk`].
#[derive(Debug)]
pub struct MemoryDatabase {
    disk: MemoryDisk,
    generation: u64,
    health: Health,
}

impl MemoryDatabase {
    /// The disk, to open it again after a crash or to inject faults.
    #[must_use]
    pub fn disk(&self) -> MemoryDisk {
        self.disk.clone()
    }
}

fn io(message: &str) -> DatabaseError {
    DatabaseError::Io { backend: BACKEND, path: PATH.to_owned(), message: message.to_owned() }
}

fn check(key: &[u8], stored: &Stored) -> Result<Vec<u8>, DatabaseError> {
    if stored.is_sound(key) {
        return Ok(stored.bytes.to_vec());
    }
    Err(DatabaseError::Corrupt {
        backend: BACKEND,
        path: PATH.to_owned(),
        message: format!("key {}: the checksum does not match", checksum::show(key)),
    })
}

impl Disk {
    fn alive(&self, generation: u64) -> Result<(), DatabaseError> {
        if self.generation == generation { Ok(()) } else { Err(io("the power was cut")) }
    }

    fn get(&self, key: &[u8], moment: u64) -> Result<Option<Vec<u8>>, DatabaseError> {
        self.data.get(key, moment).map(|stored| check(key, stored)).transpose()
    }

    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        order: Order,
        limit: usize,
        moment: u64,
    ) -> Result<Vec<Entry>, DatabaseError> {
        if is_empty_range(range) {
            return Ok(Vec::new());
        }
        let found = self.data.scan(range, order, limit, moment);
        found.into_iter().map(|(key, stored)| Ok((key.to_vec(), check(key, stored)?))).collect()
    }

    /// Leaves on the disk what the fault says.
    fn leave(&mut self, left: Left, writes: &BTreeMap<Vec<u8>, Option<Vec<u8>>>) {
        let mut record = record::encode(writes);
        match left {
            Left::Old => record.clear(),
            Left::New => {}
            Left::Torn(at) => record.truncate(at % record.len()),
        }
        self.unsynced = record;
    }

    fn commit(&mut self, writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>) -> Result<(), DatabaseError> {
        let number = self.commits;
        self.commits += 1;
        match self.faults.remove(&number) {
            Some(Fault::Fail(left)) => {
                self.leave(left, &writes);
                return Err(io("input/output error (injected)"));
            }
            Some(Fault::Crash(left)) => {
                self.leave(left, &writes);
                self.open = false;
                self.generation += 1;
                return Err(io("the power was cut"));
            }
            Some(Fault::DiskFull) => return Err(io("no space left on device (injected)")),
            None => {}
        }
        let added: u64 = writes
            .iter()
            .map(|(key, value)| value.as_ref().map_or(0, |v| (key.len() + v.len()) as u64))
            .sum();
        // As on a real disk, what a batch replaces is freed only after it.
        if added > 0 && self.capacity.is_some_and(|most| self.data.bytes() + added > most) {
            return Err(io("no space left on device"));
        }
        self.data.apply(writes);
        Ok(())
    }
}

impl Reader for MemoryDatabase {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, DatabaseError> {
        let disk = self.disk.state.read();
        disk.alive(self.generation)?;
        disk.get(key, disk.data.now())
    }

    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        order: Order,
        limit: usize,
    ) -> Result<Vec<Entry>, DatabaseError> {
        let disk = self.disk.state.read();
        disk.alive(self.generation)?;
        disk.scan(range, order, limit, disk.data.now())
    }
}

impl Database for MemoryDatabase {
    fn commit(&self, batch: Batch) -> Result<(), DatabaseError> {
        let writes = batch.into_latest()?;
        let _turn = self.disk.busy.lock();
        let mut disk = self.disk.state.write();
        disk.alive(self.generation)?;
        if self.health.is_poisoned() {
            return Err(DatabaseError::Poisoned { backend: BACKEND });
        }
        let done = disk.commit(writes);
        if done.is_err() {
            self.health.poison();
        }
        done
    }

    fn size_on_disk(&self) -> Result<u64, DatabaseError> {
        let disk = self.disk.state.read();
        disk.alive(self.generation)?;
        Ok(disk.data.bytes())
    }

    fn backend(&self) -> &'static str {
        BACKEND
    }

    fn verify_some(&self, progress: &mut Verifying, limit: usize) -> Result<Option<Verified>, DatabaseError> {
        let done = progress.of_moment(limit, || Ok((self.snapshot()?, None)), |_, _| Ok(()))?;
        Ok(done.map(|(read, _)| read))
    }
}

impl Snapshots for MemoryDatabase {
    fn snapshot(&self) -> Result<Box<dyn Reader>, DatabaseError> {
        let mut disk = self.disk.state.write();
        disk.alive(self.generation)?;
        let moment = disk.data.hold();
        Ok(Box::new(Snapshot { disk: self.disk.clone(), generation: self.generation, moment }))
    }
}

impl Drop for MemoryDatabase {
    fn drop(&mut self) {
        let mut disk = self.disk.state.write();
        if disk.generation == self.generation {
            disk.open = false;
        }
    }
}

/// One moment of a disk, held until dropped.
#[derive(Debug)]
struct Snapshot {
    disk: MemoryDisk,
    generation: u64,
    moment: u64,
}

impl Reader for Snapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, DatabaseError> {
        let disk = self.disk.state.read();
        disk.alive(self.generation)?;
        disk.get(key, self.moment)
    }

    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        order: Order,
        limit: usize,
    ) -> Result<Vec<Entry>, DatabaseError> {
        let disk = self.disk.state.read();
        disk.alive(self.generation)?;
        disk.scan(range, order, limit, self.moment)
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        self.disk.state.write().data.release(self.moment);
    }
}
