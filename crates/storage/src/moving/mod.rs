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

mod error;
mod places;
#[cfg(test)]
mod tests;

use std::ops::Bound;
use std::sync::Arc;

use alys_database::{Backend, Batch, Database, DatabaseConfig, DatabaseError, Entry, Order, open};
use serde::Serialize;

use crate::cache::BlockCache;
use crate::config::StorageConfig;
use crate::promises::FileSlots;
use crate::store::{Step, Store};
pub use error::MoveError;
pub use places::unfinished;
use places::{Places, hold, remove, rename};

/// Entries read at once; the largest are bodies and payloads.
const PIECE: usize = 32;

/// The copy's batches are cut at this size (4 MiB).
const BATCH_BYTES: usize = 4 << 20;

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
