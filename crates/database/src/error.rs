//! What can go wrong in a database.

/// An error of a database, the same for every backend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The operating system or the backend refused.
    #[error("{backend} database at {path}: {message}")]
    Io {
        /// The backend's name.
        backend: &'static str,
        /// Where its files are.
        path: String,
        /// What the backend or the operating system said.
        message: String,
    },
    /// Damage was found; nothing was served from it.
    #[error("{backend} database at {path} is damaged: {message}")]
    Corrupt {
        /// The backend's name.
        backend: &'static str,
        /// Where its files are.
        path: String,
        /// What was found, and where.
        message: String,
    },
    /// An earlier commit failed; open the database again before writing.
    #[error("{backend} database: an earlier commit failed, open it again before writing")]
    Poisoned {
        /// The backend's name.
        backend: &'static str,
    },
}
