//! The folders of a move, what a cut move leaves of them, and what is done with them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::MoveError;
use crate::config::StorageConfig;
use crate::promises::FileSlots;

/// Where the database is, and what is beside it.
#[derive(Debug, Clone)]
pub(super) struct Places {
    pub(super) database: PathBuf,
    pub(super) new: PathBuf,
    pub(super) old: PathBuf,
}

impl Places {
    pub(super) fn of(config: &StorageConfig) -> Self {
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

/// Keeps nodes from starting: each needs the promise record for itself. A storage without one is no node's.
pub(super) fn hold(promises: &Path) -> Result<Option<FileSlots>, MoveError> {
    match FileSlots::open(promises) {
        Ok(held) => Ok(Some(held)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("use the promise record", promises)(error)),
    }
}

/// Renames a folder; the new name is on the disk when it returns.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), MoveError> {
    fs::rename(from, to).map_err(failed("rename", from))?;
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) {
        fs::File::open(parent).and_then(|folder| folder.sync_all()).map_err(failed("sync", parent))?;
    }
    Ok(())
}

/// Removes a folder, if it is there.
pub(super) fn remove(folder: &Path) -> Result<(), MoveError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", folder)(error)),
        _ => Ok(()),
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> MoveError {
    let path = path.to_owned();
    move |source| MoveError::Io { action, path, source }
}
