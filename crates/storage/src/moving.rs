//! Moving the blocks of a stopped node from one backend to the other.
//!
//! The database is copied entry by entry into a folder beside it, the copy is opened anew and compared with the original entry by
//! entry, and then takes its place by two renames. The promise record beside it is neither read nor written, only held,
//! so that no node starts meanwhile: there is one, before, during and after.
//!
//! | folder in the storage | what a kill leaves | what to do |
//! |---|---|---|
//! | `database.new` beside `database` | a copy that is not whole | nothing: the next move begins it anew |
//! | `database.new`, `database.old`, no `database` | the moment between the renames | [`unfinished`] says which to rename |
//! | `database.old` beside `database` | a move that is done | remove it |

use std::fs;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alys_database::{Backend, Batch, Database, DatabaseConfig, DatabaseError, Entry, Order, open};
use serde::Serialize;

use crate::cache::BlockCache;
use crate::config::StorageConfig;
use crate::error::OpenError;
use crate::promises::FileSlots;
use crate::store::{Step, Store};

/// Entries read at once; the largest are bodies and payloads.
const PIECE: usize = 32;

/// The copy's batches are cut at this size (4 MiB).
const BATCH_BYTES: usize = 4 << 20;

/// Why a database was not moved. Unless it says otherwise the old one is where it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MoveError {
    /// There is nothing to move, or not to there.
    #[error("{0}")]
    Refused(String),
    /// The database cannot be opened, or holds no storage.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The copy is not what was copied.
    #[error(
        "the copy differs from the original at {0}; the original is untouched: move again, or onto another disk"
    )]
    Differs(String),
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// What was moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct MoveReport {
    /// Entries copied, and found again in the copy.
    pub entries: u64,
    /// The bytes of their keys and values.
    pub bytes: u64,
}

/// The two databases while one is compared with the other.
type Pair = (Arc<dyn Database>, Arc<dyn Database>);

enum Phase {
    /// Entries above this key.
    Copy(Pair, Option<Vec<u8>>),
    /// Entries of both above this key.
    Compare(Pair, Option<Vec<u8>>),
    /// The old one goes.
    First,
    /// The new one comes.
    Second,
    /// Done or failed.
    Over,
}

/// A move under way. Dropping it leaves what a kill would leave.
pub struct Move {
    places: Places,
    target: DatabaseConfig,
    phase: Phase,
    copied: MoveReport,
    compared: MoveReport,
    /// Held for its lock.
    _promises: Option<FileSlots>,
}

/// Where the database is, and what is beside it.
#[derive(Debug, Clone)]
struct Places {
    database: PathBuf,
    new: PathBuf,
    old: PathBuf,
}

impl Places {
    fn of(config: &StorageConfig) -> Self {
        let database = config.database_path();
        let beside = |ending| database.with_extension(ending);
        Self { new: beside("new"), old: beside("old"), database }
    }
}

/// What to say of a move that was cut between its renames; `None` where the database is in its place, or was never there.
///
/// To be asked before the storage is opened: it would be made anew and empty.
#[must_use]
pub fn unfinished(config: &StorageConfig) -> Option<String> {
    let Places { database, new, old } = Places::of(config);
    (!database.exists() && old.exists()).then(|| {
        let (database, new, old) = (database.display(), new.display(), old.display());
        format!(
            "a move of the database to another backend was interrupted, and {database} has no folder. Rename {old} to \
             {database}: it is the database as it was. ({new} is a copy of it in the other backend.)"
        )
    })
}

impl Move {
    /// Begins to move the database of `config` to the backend `to`. Nobody may use the storage.
    ///
    /// # Errors
    /// [`MoveError`], before anything was changed.
    pub fn new(config: &StorageConfig, to: Backend) -> Result<Self, MoveError> {
        let refused = |why: String| Err(MoveError::Refused(why));
        let places = Places::of(config);
        if let Some(interrupted) = unfinished(config) {
            return refused(interrupted);
        }
        if config.backend == Backend::Memory || to == Backend::Memory {
            return refused("a storage in memory cannot be moved, and none into memory".to_owned());
        }
        if config.backend == to {
            return refused(format!("{} is a {} database already", places.database.display(), to.name()));
        }
        if !places.database.exists() {
            return refused(format!("{} is not there: there is nothing to move", places.database.display()));
        }
        if places.old.exists() {
            return refused(format!(
                "{old} is left of an earlier move: see that {new} is sound, then remove {old}",
                old = places.old.display(),
                new = places.database.display()
            ));
        }
        let promises = hold(&config.promises_path())?;
        let source = open(&config.database())?;
        // Of another program's database nothing is known.
        drop(Store::open(Arc::clone(&source), BlockCache::new(0))?);
        remove(&places.new)?;
        let target = DatabaseConfig { backend: to, path: places.new.clone(), ..config.database() };
        let copy = open(&target)?;
        Ok(Self {
            places,
            target,
            phase: Phase::Copy((source, copy), None),
            copied: MoveReport::default(),
            compared: MoveReport::default(),
            _promises: promises,
        })
    }

    /// How much has been copied, and how much of that compared.
    #[must_use]
    pub fn progress(&self) -> (MoveReport, MoveReport) {
        (self.copied, self.compared)
    }

    /// One step.
    ///
    /// # Errors
    /// [`MoveError`]; the move is over then.
    pub fn step(&mut self) -> Result<Step<MoveReport>, MoveError> {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Copy(pair, after) => self.copy(pair, after)?,
            Phase::Compare(pair, after) => self.compare(pair, after)?,
            Phase::First => {
                rename(&self.places.database, &self.places.old)?;
                Phase::Second
            }
            Phase::Second => {
                rename(&self.places.new, &self.places.database)?;
                remove(&self.places.old)?;
                return Ok(Step::Done(self.copied));
            }
            Phase::Over => return Err(MoveError::Refused("the move is over".to_owned())),
        };
        Ok(Step::More)
    }

    fn copy(&mut self, pair: Pair, mut after: Option<Vec<u8>>) -> Result<Phase, MoveError> {
        let mut batch = Batch::new();
        let mut bytes = 0;
        let mut complete = false;
        while bytes < BATCH_BYTES && !complete {
            let piece = piece(pair.0.as_ref(), after.as_deref())?;
            complete = piece.len() < PIECE;
            for (key, value) in piece {
                bytes += key.len() + value.len();
                self.copied.entries += 1;
                after = Some(key.clone());
                batch.put(key, value);
            }
        }
        self.copied.bytes += bytes as u64;
        if !batch.is_empty() {
            pair.1.commit(batch)?;
        }
        if !complete {
            return Ok(Phase::Copy(pair, after));
        }
        // Opened anew, as a node would.
        let (source, copy) = pair;
        drop(copy);
        Ok(Phase::Compare((source, open(&self.target)?), None))
    }

    fn compare(&mut self, pair: Pair, after: Option<Vec<u8>>) -> Result<Phase, MoveError> {
        let (ours, theirs) =
            (piece(pair.0.as_ref(), after.as_deref())?, piece(pair.1.as_ref(), after.as_deref())?);
        if ours != theirs {
            return Err(MoveError::Differs(first_difference(&ours, &theirs)));
        }
        self.compared.entries += ours.len() as u64;
        self.compared.bytes += ours.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum::<u64>();
        if ours.len() == PIECE {
            return Ok(Phase::Compare(pair, ours.into_iter().last().map(|(key, _)| key)));
        }
        if self.compared != self.copied {
            return Err(MoveError::Differs("the number of entries".to_owned()));
        }
        // Closed, both: sled and redb write while closing.
        drop(pair);
        Ok(Phase::First)
    }
}

impl std::fmt::Debug for Move {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Move")
            .field("places", &self.places)
            .field("copied", &self.copied)
            .finish_non_exhaustive()
    }
}

/// The next entries above `after`.
fn piece(database: &dyn Database, after: Option<&[u8]>) -> Result<Vec<Entry>, DatabaseError> {
    database.scan(
        (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded),
        Order::Ascending,
        PIECE,
    )
}

fn first_difference(ours: &[Entry], theirs: &[Entry]) -> String {
    let at = ours.iter().zip(theirs).take_while(|(ours, theirs)| ours == theirs).count();
    let key = ours.get(at).or_else(|| theirs.get(at)).map(|(key, _)| key.as_slice()).unwrap_or_default();
    format!("key {}", alloy_primitives::hex::encode(key))
}

/// Keeps nodes from starting: each needs the promise record for itself. A storage without one is no node's.
fn hold(promises: &Path) -> Result<Option<FileSlots>, MoveError> {
    match FileSlots::open(promises) {
        Ok(held) => Ok(Some(held)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("use the promise record", promises)(error)),
    }
}

/// Renames a folder; the new name is on the disk when it returns.
fn rename(from: &Path, to: &Path) -> Result<(), MoveError> {
    fs::rename(from, to).map_err(failed("rename", from))?;
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) {
        fs::File::open(parent).and_then(|folder| folder.sync_all()).map_err(failed("sync", parent))?;
    }
    Ok(())
}

/// Removes a folder, if it is there.
fn remove(folder: &Path) -> Result<(), MoveError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", folder)(error)),
        _ => Ok(()),
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> MoveError {
    let path = path.to_owned();
    move |source| MoveError::Io { action, path, source }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may end by a panic")]
mod tests {
    use super::*;
    use crate::promises::PromiseRecord;

    /// A storage of `backend` with entries of many sizes.
    fn filled(folder: &Path, backend: Backend) -> StorageConfig {
        let mut config = StorageConfig::new(backend, folder.join("storage"));
        config.database_cache_bytes = alys_database::MIN_CACHE_BYTES;
        fs::create_dir_all(&config.path).unwrap();
        PromiseRecord::create_file(&config.promises_path()).unwrap();
        let database = open(&config.database()).unwrap();
        drop(Store::open(Arc::clone(&database), BlockCache::new(0)).unwrap());
        let mut batch = Batch::new();
        for number in 0..150u32 {
            let length = if number % 50 == 0 { 300_000 } else { number as usize };
            batch.put([[5].as_slice(), &number.to_be_bytes()].concat(), vec![number as u8; length]);
        }
        database.commit(batch).unwrap();
        config
    }

    fn contents(config: &StorageConfig) -> Vec<Entry> {
        let database = open(&config.database()).unwrap();
        database.scan((Bound::Unbounded, Bound::Unbounded), Order::Ascending, 1000).unwrap()
    }

    fn to_the_end(mut work: Move) -> MoveReport {
        loop {
            if let Step::Done(report) = work.step().unwrap() {
                return report;
            }
        }
    }

    #[test]
    fn a_move_there_and_back_keeps_every_entry_and_leaves_the_promise_record_alone() {
        let folder = tempfile::tempdir().unwrap();
        let sled = filled(folder.path(), Backend::Sled);
        let redb = StorageConfig { backend: Backend::Redb, ..sled.clone() };
        let (before, promises) = (contents(&sled), fs::read(sled.promises_path()).unwrap());
        let report = to_the_end(Move::new(&sled, Backend::Redb).unwrap());
        assert_eq!(report.entries, before.len() as u64);
        assert!(matches!(open(&sled.database()), Err(DatabaseError::OtherBackend { .. })));
        assert!(contents(&redb) == before);
        to_the_end(Move::new(&redb, Backend::Sled).unwrap());
        assert!(contents(&sled) == before);
        assert_eq!(fs::read(sled.promises_path()).unwrap(), promises);
        let mut names: Vec<_> =
            fs::read_dir(&sled.path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["database", "promises"], "nothing else is left");
    }

    #[test]
    fn a_move_that_is_cut_at_any_step_leaves_the_old_database_the_new_one_or_says_what_to_rename() {
        let mut between = 0;
        for cut in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let sled = filled(folder.path(), Backend::Sled);
            let redb = StorageConfig { backend: Backend::Redb, ..sled.clone() };
            let before = contents(&sled);
            let mut work = Move::new(&sled, Backend::Redb).unwrap();
            let done = (0..cut).any(|_| matches!(work.step().unwrap(), Step::Done(_)));
            drop(work);
            if done {
                assert!(contents(&redb) == before);
                break;
            }
            if let Some(said) = unfinished(&sled) {
                between += 1;
                let Places { database, old, .. } = Places::of(&sled);
                assert!(
                    said.contains(&format!("Rename {} to {}", old.display(), database.display())),
                    "{said}"
                );
                assert!(Move::new(&sled, Backend::Redb).unwrap_err().to_string().contains("Rename"));
                fs::rename(old, database).unwrap();
            }
            assert!(contents(&sled) == before, "cut {cut}");
            to_the_end(Move::new(&sled, Backend::Redb).unwrap());
            assert!(contents(&redb) == before, "cut {cut}");
        }
        assert_eq!(between, 1, "one moment between the two renames");
    }

    #[test]
    fn what_a_node_uses_or_what_is_not_there_is_not_moved() {
        let folder = tempfile::tempdir().unwrap();
        let config = filled(folder.path(), Backend::Redb);
        let said = |config: &StorageConfig, to| Move::new(config, to).unwrap_err().to_string();
        let record = PromiseRecord::open_file(&config.promises_path()).unwrap();
        assert!(said(&config, Backend::Sled).contains("in use by another process"));
        drop(record);
        let database = open(&config.database()).unwrap();
        assert!(said(&config, Backend::Sled).contains("in use by another process"));
        drop(database);
        assert!(said(&config, Backend::Redb).contains("redb database already"));
        assert!(said(&config, Backend::Memory).contains("in memory"));
        let nowhere = StorageConfig { path: folder.path().join("nowhere"), ..config };
        assert!(said(&nowhere, Backend::Sled).contains("nothing to move"));
        assert!(!nowhere.path.exists());
    }

    #[test]
    fn a_copy_that_differs_never_takes_the_place_of_the_original() {
        let folder = tempfile::tempdir().unwrap();
        let sled = filled(folder.path(), Backend::Sled);
        let before = contents(&sled);
        let mut work = Move::new(&sled, Backend::Redb).unwrap();
        while !matches!(work.phase, Phase::Compare(..)) {
            work.step().unwrap();
        }
        if let Phase::Compare((_, copy), _) = &work.phase {
            let mut batch = Batch::new();
            batch.delete([5, 0, 0, 0, 7]);
            copy.commit(batch).unwrap();
        }
        let failed = loop {
            match work.step() {
                Ok(Step::More) => {}
                Ok(Step::Done(_)) => panic!("it was moved"),
                Err(error) => break error.to_string(),
            }
        };
        assert!(
            failed.contains("key 0500000007") && failed.contains("the original is untouched"),
            "{failed}"
        );
        drop(work);
        assert!(contents(&sled) == before);
    }
}
