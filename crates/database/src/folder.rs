//! The folder of a database on the disk: made durable, locked, of one backend only.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::DatabaseError;

/// The file whose lock says that a process has the database open.
const LOCK: &str = "lock";

/// What each backend leaves in the folder, by which it is recognised.
const MARKS: [(&str, &str); 2] = [("sled", "sled"), ("redb", "data.redb")];

/// An open, locked folder. The lock goes with the value, or with the process.
#[derive(Debug)]
pub(crate) struct Folder {
    backend: &'static str,
    path: PathBuf,
    /// Held for its lock.
    lock: File,
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Closing it is not enough: a process that another thread is just starting holds a copy until its exec.
        // What cannot be unlocked is unlocked by then.
        let _ = self.lock.unlock();
    }
}

impl Folder {
    /// Makes the folder where it is missing, and locks it for `backend`.
    pub(crate) fn open(path: &Path, backend: &'static str) -> Result<Self, DatabaseError> {
        let io = |e: io::Error| io_error(backend, path, &e);
        create_durably(path).map_err(io)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(path.join(LOCK)).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DatabaseError::InUse { backend, path: path.display().to_string() });
            }
            Err(TryLockError::Error(e)) => return Err(io(e)),
        }
        for (found, mark) in MARKS {
            if found != backend && path.join(mark).exists() {
                return Err(DatabaseError::OtherBackend {
                    path: path.display().to_string(),
                    found,
                    wanted: backend,
                });
            }
        }
        Ok(Self { backend, path: path.to_path_buf(), lock })
    }

    /// Where the backend keeps its file or files.
    pub(crate) fn data(&self) -> PathBuf {
        let mark = MARKS.iter().find(|(name, _)| *name == self.backend).map_or("data", |m| m.1);
        self.path.join(mark)
    }

    /// Brings all files and folders below to the disk: contents and names.
    pub(crate) fn sync_all(&self) -> Result<(), DatabaseError> {
        sync_tree(&self.path).map_err(|e| self.io(&e))
    }

    /// The bytes of all files.
    pub(crate) fn size(&self) -> Result<u64, DatabaseError> {
        size_of_tree(&self.path).map_err(|e| self.io(&e))
    }

    /// An error of the operating system or the backend, as this crate's.
    pub(crate) fn io(&self, error: &dyn std::fmt::Display) -> DatabaseError {
        io_error(self.backend, &self.path, error)
    }

    /// Somebody else has the files open.
    pub(crate) fn in_use(&self) -> DatabaseError {
        DatabaseError::InUse { backend: self.backend, path: self.path.display().to_string() }
    }

    /// Damage, as an error.
    pub(crate) fn corrupt(&self, message: impl Into<String>) -> DatabaseError {
        DatabaseError::Corrupt {
            backend: self.backend,
            path: self.path.display().to_string(),
            message: message.into(),
        }
    }
}

/// Renames the folder at `path`, if there is one. Its lock goes with it.
pub(crate) fn set_aside(path: &Path, backend: &'static str) -> Result<Option<PathBuf>, DatabaseError> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".aside");
    let aside = PathBuf::from(aside);
    let moved = || -> io::Result<Option<PathBuf>> {
        if !path.try_exists()? {
            return Ok(None);
        }
        match fs::remove_dir_all(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::rename(path, &aside)?;
        sync_folder(&parent_of(path))?;
        Ok(Some(aside))
    };
    moved().map_err(|error| io_error(backend, path, &error))
}

fn io_error(backend: &'static str, path: &Path, error: &dyn std::fmt::Display) -> DatabaseError {
    DatabaseError::Io { backend, path: path.display().to_string(), message: error.to_string() }
}

/// Creates `path` and what is missing above it; each new name is on the disk when it returns.
fn create_durably(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = parent_of(path);
    create_durably(&parent)?;
    match fs::create_dir(path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    sync_folder(&parent)
}

/// The folder a path is in; a bare name is in the working folder.
fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Brings the names in a folder to the disk. Elsewhere than on Unix folders cannot be synced.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

fn sync_tree(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            OpenOptions::new().read(true).open(entry.path())?.sync_all()?;
        }
    }
    sync_folder(folder)
}

fn size_of_tree(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0u64;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let size = match entry.metadata() {
            Ok(meta) if meta.is_dir() => size_of_tree(&entry.path())?,
            Ok(meta) => meta.len(),
            // A backend may drop a file of its own between the listing and here.
            Err(e) if e.kind() == io::ErrorKind::NotFound => 0,
            Err(e) => return Err(e),
        };
        bytes = bytes.saturating_add(size);
    }
    Ok(bytes)
}
