//! Why a managed Geth cannot work.

use std::{io, path::PathBuf, process::ExitStatus};

use thiserror::Error;

use crate::JwtKeyError;

/// Why a managed Geth cannot work, and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ManagedError {
    /// A file, folder or process could not be made.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The system's word.
        source: io::Error,
    },
    /// The secret cannot be read or made.
    #[error(transparent)]
    Secret(JwtKeyError),
    /// Two nodes with one folder would destroy it.
    #[error(
        "{} is used by another node that runs: stop it, or give this one a folder of its own",
        folder.display()
    )]
    FolderInUse {
        /// The folder.
        folder: PathBuf,
    },
    /// A Geth that nobody owns holds the folder, and does not end.
    #[error("process {pid}, a Geth left over by a node that was killed, holds {} and cannot be ended: {why}", folder.display())]
    Orphan {
        /// The process.
        pid: u32,
        /// The folder.
        folder: PathBuf,
        /// Why not.
        why: String,
    },
    /// The folder's chain is another one.
    #[error(
        "{} holds the chain of another genesis: use the chain spec that it was made with, another folder, or remove \
         the folder to begin anew. Geth says: {said}",
        folder.display()
    )]
    ForeignGenesis {
        /// The folder.
        folder: PathBuf,
        /// Geth's own words.
        said: String,
    },
    /// Somebody else listens where Geth shall.
    #[error(
        "port {port} of 127.0.0.1, which Geth needs for {purpose}, is used by another program: stop that program, or \
         choose another port (0 takes a free one)"
    )]
    PortInUse {
        /// Which port.
        port: u16,
        /// What it is for.
        purpose: &'static str,
    },
    /// Geth refuses the genesis.
    #[error("geth init failed ({status}): {said}")]
    Init {
        /// How it ended.
        status: ExitStatus,
        /// The last lines it printed.
        said: String,
    },
    /// It did what it had to do, but not in time.
    #[error("Geth does not {what} within {seconds} s; it said last: {said}")]
    Late {
        /// What was waited for.
        what: &'static str,
        /// For how long.
        seconds: u64,
        /// The last lines it printed.
        said: String,
    },
    /// It ended before it was ready.
    #[error("Geth ended before it answered ({status}); it said last: {said}")]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// The last lines it printed.
        said: String,
    },
    /// Several starts in a row failed.
    #[error("Geth is given up after {starts} starts in a row that failed; the last: {last}")]
    GivenUp {
        /// How many.
        starts: u32,
        /// Why the last one did.
        last: Box<ManagedError>,
    },
    /// Nobody runs it, so nobody does what was asked.
    #[error("Geth is not being run by this node")]
    NotRunning,
}

impl ManagedError {
    /// Whether another start could go better.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Late { .. } | Self::Ended { .. } | Self::PortInUse { .. } | Self::Io { .. } => true,
            Self::Secret(_)
            | Self::FolderInUse { .. }
            | Self::Orphan { .. }
            | Self::ForeignGenesis { .. }
            | Self::Init { .. }
            | Self::GivenUp { .. }
            | Self::NotRunning => false,
        }
    }
}

/// Names what was tried, for an error.
pub(super) fn tried<T>(what: impl FnOnce() -> String, result: io::Result<T>) -> Result<T, ManagedError> {
    result.map_err(|source| ManagedError::Io { what: what(), source })
}
