//! Trying execution clients.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with an execution client.
#[derive(Debug, Subcommand)]
pub(crate) enum EngineCommand {
    /// Print the genesis file of the chain on which clients are examined.
    Genesis(EngineGenesisArgs),
    /// Examine a client that was started with that genesis, and has nothing in it yet.
    Check(EngineCheckArgs),
}

/// Options of `alys engine genesis`.
#[derive(Debug, Clone, Args)]
pub(crate) struct EngineGenesisArgs {
    /// Write it to this file, and print how a client is started with it.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// Options of `alys engine check`.
#[derive(Debug, Clone, Args)]
pub(crate) struct EngineCheckArgs {
    /// Where the client's Engine API is.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8551")]
    pub(crate) url: String,
    /// The file with the secret that the client was started with: 32 bytes in hex.
    #[arg(long, value_name = "FILE")]
    pub(crate) jwt: PathBuf,
    /// Where the client's public JSON-RPC is; without it all goes over the Engine API's port.
    #[arg(long, value_name = "URL")]
    pub(crate) http: Option<String>,
    /// How much to log.
    #[arg(long, value_name = "FILTER", default_value = "error")]
    pub(crate) log: String,
}
