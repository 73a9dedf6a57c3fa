//! Why a database is not moved.

use std::io;
use std::path::PathBuf;

use alys_database::DatabaseError;

use crate::error::OpenError;

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
