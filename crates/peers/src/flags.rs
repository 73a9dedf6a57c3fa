//! How Geth is run for an Alys chain: the flags of protocol.md 4, and what makes it a private process.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// The command line of a Geth that follows an Alys node and nobody else.
///
/// Paths should be absolute. Ports are on 127.0.0.1, and must differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GethFlags {
    /// The data folder. Geth's own files (chain data, node key) go into its folder `geth`.
    pub folder: PathBuf,
    /// Geth's network id: the chain's EVM chain id.
    pub network_id: u64,
    /// The gas limit of every block by the chain spec. Left to itself Geth moves towards a target of its own.
    pub gas_limit: u64,
    /// The file of the secret that both sides share: 64 hexadecimal digits.
    pub jwt: PathBuf,
    /// Port of the Engine API.
    pub engine_port: u16,
    /// Port of JSON-RPC without authentication.
    pub public_port: u16,
    /// Memory for Geth's caches in MB.
    pub cache_mb: u32,
}

impl GethFlags {
    /// The name of the settings file in the data folder, which must hold [`SETTINGS`](Self::SETTINGS).
    pub const SETTINGS_FILE: &str = "geth.toml";

    /// What no flag can say: do not listen for peers. `--maxpeers 0` alone keeps the port open to the world.
    pub const SETTINGS: &str = "[Node.P2P]\nListenAddr = \"\"\nNoDial = true\n";

    /// Where the settings file is.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.folder.join(Self::SETTINGS_FILE)
    }

    /// The arguments that write the genesis state. Needs no settings file.
    #[must_use]
    pub fn init(&self, genesis: &Path) -> Vec<OsString> {
        let mut arguments = Arguments::default();
        arguments.word("init");
        self.database(&mut arguments);
        arguments.0.push(genesis.into());
        arguments.0
    }

    /// The arguments that run it.
    #[must_use]
    pub fn run(&self) -> Vec<OsString> {
        let mut arguments = Arguments::default();
        arguments.flag("--config", self.settings());
        self.database(&mut arguments);
        arguments
            .flag("--networkid", self.network_id.to_string())
            .flag("--cache", self.cache_mb.to_string())
            .flag("--syncmode", "full")
            // With the hash scheme and every state kept, it recovers from kill -9.
            .flag("--gcmode", "archive")
            // A receipt is asked for by its transaction's hash, however old it is.
            .flag("--history.transactions", "0")
            .flag("--history.logs", "0")
            // The node rolls it back as far as its own record says, never by Geth's limit of 32 blocks.
            .flag("--engine.maxreorgdepth", "0")
            .flag("--miner.gaslimit", self.gas_limit.to_string())
            // Slots are one or two seconds long; by default a payload is built anew every 2 s.
            .flag("--miner.recommit", "500ms")
            // The embedded pool's bounds. By default Geth keeps 5,120 transactions that could be executed, and drops
            // from busy accounts what it has accepted: their later nonces then wait for ever.
            .flag("--txpool.accountslots", "1024")
            .flag("--txpool.globalslots", "32768")
            .flag("--txpool.accountqueue", "64")
            .flag("--txpool.globalqueue", "8192")
            // Fees are the wallet's affair: the embedded engine has no cap either.
            .flag("--rpc.txfeecap", "0")
            .flag("--maxpeers", "0")
            .word("--nodiscover")
            .flag("--nat", "none")
            // Its path would have to be short, and unique on the machine.
            .word("--ipcdisable")
            .flag("--authrpc.addr", "127.0.0.1")
            .flag("--authrpc.port", self.engine_port.to_string())
            .flag("--authrpc.vhosts", "localhost")
            .flag("--authrpc.jwtsecret", &self.jwt)
            .word("--http")
            .flag("--http.addr", "127.0.0.1")
            .flag("--http.port", self.public_port.to_string())
            .flag("--http.vhosts", "localhost")
            .flag("--http.api", "eth,net,web3,debug,txpool")
            .flag("--log.format", "json")
            .flag("--verbosity", "3");
        arguments.0
    }

    fn database(&self, arguments: &mut Arguments) {
        arguments.flag("--datadir", &self.folder).flag("--state.scheme", "hash");
    }
}

/// A command line as it is put together.
#[derive(Default)]
pub(crate) struct Arguments(pub(crate) Vec<OsString>);

impl Arguments {
    /// A word that stands alone.
    pub(crate) fn word(&mut self, word: &str) -> &mut Self {
        self.0.push(word.into());
        self
    }

    /// A flag and its value.
    pub(crate) fn flag(&mut self, name: &str, value: impl Into<OsString>) -> &mut Self {
        self.0.push(name.into());
        self.0.push(value.into());
        self
    }
}
