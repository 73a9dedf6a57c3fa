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
    /// Another process, or another handle in this one, has the database open.
    #[error("{backend} database at {path} is in use by another process; stop it, or choose another folder")]
    InUse {
        /// The backend's name.
        backend: &'static str,
        /// Where its files are.
        path: String,
    },
    /// The folder holds the files of another backend than the one asked for.
    #[error(
        "{path} holds a {found} database, but the configuration says {wanted}; \
         set the backend to {found}, or choose another folder"
    )]
    OtherBackend {
        /// The folder.
        path: String,
        /// The backend whose files are there.
        found: &'static str,
        /// The backend that was asked for.
        wanted: &'static str,
    },
    /// A key or a value is longer than every backend can store safely. Nothing was written.
    #[error("a {what} of {bytes} bytes is longer than the limit of {limit}")]
    TooLarge {
        /// `key` or `value`.
        what: &'static str,
        /// Its length in bytes.
        bytes: usize,
        /// The most that is taken, in bytes.
        limit: usize,
    },
    /// The backend cannot do what was asked for.
    #[error("the {backend} backend has no {what}; choose another backend")]
    Unsupported {
        /// The backend's name.
        backend: &'static str,
        /// What it lacks.
        what: &'static str,
    },
    /// The configuration cannot work.
    #[error("database configuration: {message}")]
    Config {
        /// What is wrong, and what to write instead.
        message: String,
    },
}
