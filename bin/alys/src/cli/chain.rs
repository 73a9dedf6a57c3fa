//! Making chains, and running those of one member.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use crate::accounts;

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
    /// Encrypt the keys so that they open at once, and a password is guessed as quickly: for tests alone. Without it
    /// each try takes 256 MiB of memory.
    #[arg(long)]
    pub(crate) light_kdf: bool,
}

/// Options of `alys genesis`.
#[derive(Debug, Clone, Args)]
pub(crate) struct GenesisArgs {
    /// The chain spec.
    #[arg(long, value_name = "FILE", default_value = "chain.json")]
    pub(crate) spec: PathBuf,
    /// Write it to this file, and print how a Geth of your own is started with it.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}
