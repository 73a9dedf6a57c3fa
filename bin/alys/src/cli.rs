//! The command line: what can be asked of the program, with its help.

use std::{net::SocketAddr, path::PathBuf};

use alys_database::Backend;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::accounts;

/// A node of an Alys chain: a Bitcoin sidechain with smart contracts.
#[derive(Debug, Parser)]
#[command(name = "alys", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a development chain of one member, with funded accounts: for trying things out.
    Dev(DevArgs),
    /// Make the files of a development chain: chain spec, keys, configuration.
    Init(InitArgs),
    /// Run a node by its configuration.
    Run(RunArgs),
    /// Print the execution genesis of a chain: what an execution client of your own is initialised with.
    Genesis(GenesisArgs),
    /// Ask a running node where its chain stands.
    Status(StatusArgs),
    /// Show or reset the record of what this member has promised: its last proposal and votes.
    #[command(subcommand)]
    Promises(PromisesCommand),
    /// Look after the blocks of a node that is stopped: measure, check, copy, move them.
    #[command(subcommand)]
    Db(DbCommand),
    /// Try an execution client before a validator relies on it.
    #[command(subcommand)]
    Engine(EngineCommand),
    /// Print completions for a shell, to be sourced by it.
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

/// Options of `alys dev`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DevArgs {
    /// Keep the chain in this folder and go on with it next time. Without it everything is in memory, and
    /// gone when the program ends.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Where wallets reach the node: HTTP and WebSocket. Overrides `rpc.listen` (127.0.0.1:8545).
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) http: Option<SocketAddr>,
    /// Names, with commas between, under which the node may be addressed, or `*` for any. Overrides
    /// `rpc.allowed_hosts`: localhost, and any where the node listens beyond this machine. Addresses in numbers
    /// are always taken.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) allowed_hosts: Option<Vec<String>>,
    /// The execution client: the EVM of this process, or a Geth that is started and managed for you
    /// (`cargo xtask peers geth` installs one). Default: what the folder's configuration says, else
    /// the EVM of this process.
    #[arg(long, value_name = "CLIENT", value_enum)]
    pub(crate) engine: Option<DevEngine>,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    #[command(flatten)]
    pub(crate) fund: FundArgs,
    /// How much to log: error, warn, info, debug, trace, or a filter such as `info,alys_chain=debug`.
    /// Overrides `log.filter` (info).
    #[arg(long, value_name = "FILTER")]
    pub(crate) log: Option<String>,
}

/// An execution client that `alys dev` can bring along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DevEngine {
    /// The EVM of this process.
    Embedded,
    /// Geth, as a process of its own.
    Geth,
}

/// What a new development chain is made with.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ChainArgs {
    /// The EVM chain id of a new chain.
    #[arg(long, value_name = "ID")]
    pub(crate) chain_id: Option<u64>,
    /// Seconds from one block of a new chain to the next.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) slot_seconds: Option<u64>,
    /// The gas limit of each block of a new chain.
    #[arg(long, value_name = "GAS")]
    pub(crate) gas_limit: Option<u64>,
}

/// Who has coins on a new development chain.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct FundArgs {
    /// How many accounts of a new chain have coins: 10, unless you say otherwise.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=i64::from(accounts::MOST)))]
    pub(crate) accounts: Option<u8>,
    /// How many coins each of them has: 10000, unless you say otherwise.
    #[arg(long, value_name = "COINS")]
    pub(crate) balance: Option<u64>,
    /// From which words (BIP-39) the accounts' keys are derived: those of anvil and Hardhat, unless you say
    /// otherwise. A chain that is there already does not know them: name them again to see the accounts.
    #[arg(long, value_name = "WORDS")]
    pub(crate) mnemonic: Option<String>,
}

impl FundArgs {
    /// The words that were named, or those that every wallet knows.
    pub(crate) fn words(&self) -> &str {
        self.mnemonic.as_deref().unwrap_or(accounts::MNEMONIC)
    }
}

/// Options of `alys init`.
#[derive(Debug, Clone, Args)]
pub(crate) struct InitArgs {
    /// The folder to make the files in: it must not hold a chain yet.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
    /// The chain's name: letters, digits and hyphens.
    #[arg(long, value_name = "NAME", default_value = "alys-dev")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    #[command(flatten)]
    pub(crate) fund: FundArgs,
    /// A file whose first line is the password that shall encrypt the keys, readable by its owner alone.
    /// Without it a random one is written beside the keys.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

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

/// Options of `alys genesis`.
#[derive(Debug, Clone, Args)]
pub(crate) struct GenesisArgs {
    /// The chain spec.
    #[arg(long, value_name = "FILE", default_value = "chain.json")]
    pub(crate) spec: PathBuf,
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_and_completions_know_it() {
        let mut script = Vec::new();
        clap_complete::generate(Shell::Bash, &mut Cli::command(), "alys", &mut script);
        let script = String::from_utf8_lossy(&script).into_owned();
        for command in Cli::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
            assert!(script.contains(command.get_name()));
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
        }
    }
}
