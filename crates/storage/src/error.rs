//! Why storage cannot be opened, and database errors as storage's.

use alys_bus::WorkerError;
use alys_bus::protocol::storage::StorageError;
use alys_database::DatabaseError;

use crate::config::ConfigError;
use crate::promises::PromiseError;

/// Why storage cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The configuration cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The promise record cannot be read.
    #[error(transparent)]
    Promises(#[from] PromiseError),
    /// The database was written by a newer program.
    #[error(
        "the storage has format {found} and this program knows {known}; \
         use a newer version of the program, or move the folder away and sync again"
    )]
    NewerFormat {
        /// The format of the database.
        found: u32,
        /// The newest format this program knows.
        known: u32,
    },
    /// The database holds something else.
    #[error("the database holds no Alys storage; choose another folder")]
    NotStorage,
    /// What must be readable to begin with is damaged.
    #[error("{0}; restore a checkpoint, or move the folder away and sync again")]
    Damaged(StorageError),
    /// A move to another backend was cut off between its renames; the text says which folder to rename.
    #[error("{0}")]
    InterruptedMove(String),
    /// The operating system gave no thread.
    #[error(transparent)]
    Thread(#[from] WorkerError),
}

impl From<StorageError> for OpenError {
    fn from(error: StorageError) -> Self {
        Self::Damaged(error)
    }
}

/// A database's error as storage's.
pub(crate) fn from_database(error: DatabaseError) -> StorageError {
    match error {
        damage @ DatabaseError::Corrupt { .. } => StorageError::Corrupt(damage.to_string()),
        refusal @ DatabaseError::TooLarge { .. } => StorageError::Refused(refusal.to_string()),
        other => StorageError::Io(other.to_string()),
    }
}
