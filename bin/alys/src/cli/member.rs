//! A validator's node: running it, asking it, and its promise record.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand};

/// Options of `alys run`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
    /// The configuration file, as `alys init` writes it.
    #[arg(long, value_name = "FILE", default_value = "alys.toml")]
    pub(crate) config: PathBuf,
    /// Overrides `rpc.listen`.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) http: Option<SocketAddr>,
    /// Overrides `log.filter`.
    #[arg(long, value_name = "FILTER")]
    pub(crate) log: Option<String>,
    /// Names, with commas between, under which the node may be addressed, or `*` for any. Overrides
    /// `rpc.allowed_hosts`.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) allowed_hosts: Option<Vec<String>>,
    /// This member has never run before, on any machine: begin with an empty promise record though the chain
    /// has begun. With keys that have voted it could make them vote twice; `alys promises reset` is for those.
    #[arg(long)]
    pub(crate) first_start: bool,
    /// Check the configuration, the chain spec and the keys, print what would be used, and end.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Options of `alys status`.
#[derive(Debug, Clone, Args)]
pub(crate) struct StatusArgs {
    /// Where the node is reached.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8545")]
    pub(crate) url: String,
    /// Print JSON, for programs.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to do with the promise record.
#[derive(Debug, Subcommand)]
pub(crate) enum PromisesCommand {
    /// Print the record of a node that is stopped.
    Show(PromisesArgs),
    /// Write a new record for a member that was restored: from a backup, or with nothing but its keys.
    Reset(ResetArgs),
}

/// Whose record.
#[derive(Debug, Clone, Args)]
pub(crate) struct PromisesArgs {
    /// The member's configuration file.
    #[arg(long, value_name = "FILE", default_value = "alys.toml")]
    pub(crate) config: PathBuf,
}

/// Options of `alys promises reset`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ResetArgs {
    #[command(flatten)]
    pub(crate) of: PromisesArgs,
    /// The slot to lock on: one in which this member has surely not voted yet. Default: the present one
    /// and a minute more, for clocks that run apart.
    #[arg(long, value_name = "SLOT")]
    pub(crate) slot: Option<u64>,
    /// Confirms that no other process runs with this member's keys, now or ever again. Without it the
    /// command says what it would do, and changes nothing.
    #[arg(long)]
    pub(crate) old_process_is_stopped: bool,
}
