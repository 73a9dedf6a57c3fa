//! Looking after the blocks of a node that is stopped.

use std::path::PathBuf;

use alys_database::Backend;
use clap::{Args, Subcommand};

/// What to do with the blocks.
#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Print how many blocks there are, from which height to which, and how much room they take.
    Stats(DbArgs),
    /// Read everything, and compare every checksum and every index with the blocks. Exit code 1 where something
    /// is damaged.
    Check(DbArgs),
    /// Write a copy of the blocks into a new folder, and check it. The promise record is not copied.
    Checkpoint {
        /// The folder, which must not exist.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        #[command(flatten)]
        of: DbArgs,
    },
    /// Drop old final blocks. Their hashes stay; the execution state is not touched.
    Prune {
        /// The lowest height to keep.
        #[arg(long, value_name = "HEIGHT")]
        below: u64,
        #[command(flatten)]
        of: DbArgs,
    },
    /// Move the blocks to the other backend, compare them with the original, and let the configuration say so.
    Move {
        /// The backend to move to.
        #[arg(long, value_name = "BACKEND", value_parser = backend)]
        to: Backend,
        #[command(flatten)]
        of: DbArgs,
    },
}

/// Whose blocks, and how to answer.
#[derive(Debug, Clone, Args)]
pub(crate) struct DbArgs {
    /// The node's configuration file.
    #[arg(long, value_name = "FILE", default_value = "alys.toml")]
    pub(crate) config: PathBuf,
    /// The node's folder, with a configuration file as `alys init` and `alys dev` make it.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Print JSON, for programs.
    #[arg(long)]
    pub(crate) json: bool,
}

impl DbArgs {
    /// The configuration file.
    pub(crate) fn file(&self) -> PathBuf {
        self.data_dir.as_ref().map_or_else(|| self.config.clone(), |folder| folder.join(crate::init::CONFIG))
    }
}

/// A backend that keeps something.
fn backend(name: &str) -> Result<Backend, String> {
    [Backend::Sled, Backend::Redb]
        .into_iter()
        .find(|backend| backend.name() == name)
        .ok_or_else(|| "there are sled and redb".to_owned())
}
