//! An EthereumJS client of a test: the second opinion of another language and other authors.

use std::path::{Path, PathBuf};

use super::{Client, LaunchError, place::Place, process::Plan};
use crate::flags::Arguments;

/// What a test's EthereumJS client is started with.
#[derive(Debug, Clone)]
pub struct EthereumJs {
    program: PathBuf,
    folder: PathBuf,
    genesis: String,
}

impl EthereumJs {
    /// A client that keeps everything in `folder`, which is made if it is not there. `genesis` is the JSON of
    /// `ChainSpec::execution_genesis_file()`.
    #[must_use]
    pub fn new(program: PathBuf, folder: &Path, genesis: &str) -> Self {
        Self { program, folder: folder.to_owned(), genesis: genesis.to_owned() }
    }

    /// Starts it on free ports, waits until it answers.
    ///
    /// # Errors
    /// [`LaunchError`] with what it printed, where it does not come up.
    pub fn start(self) -> Result<Client, LaunchError> {
        let place = Place::prepare(&self.folder, &self.genesis)?;
        let data = place.data();
        let mut arguments = Arguments::default();
        arguments
            .flag("--gethGenesis", place.genesis())
            .flag("--dataDir", &data)
            .flag("--jwtSecret", place.jwt())
            .flag("--rpcAddr", "127.0.0.1")
            .flag("--rpcPort", place.public_port.to_string())
            .flag("--rpcEngineAddr", "127.0.0.1")
            .flag("--rpcEnginePort", place.engine_port.to_string())
            // It insists on a port for peers: any, so that two clients do not want the same.
            .flag("--port", "0")
            .flag("--extIP", "127.0.0.1")
            .flag("--discV4", "false")
            .flag("--maxPeers", "0")
            .flag("--logLevel", "info")
            // Alone, it takes transactions without peers; and it serves both ports.
            .word("--isSingleNode")
            .word("--rpc")
            .word("--rpcEngine");
        let run = arguments.0;
        Client::launch(Plan { program: self.program, init: None, run, data, place })
    }
}
