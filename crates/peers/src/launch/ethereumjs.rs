//! An EthereumJS client of a test: the second opinion of another language and other authors.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::{
    Client, LaunchError,
    process::{Plan, free_ports, jwt, prepare, tried, write},
};

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
        let folder = prepare(&self.folder)?;
        let genesis = folder.join("genesis.json");
        write(&genesis, &self.genesis)?;
        let data = folder.join("data");
        tried(|| format!("cannot make {}", data.display()), std::fs::create_dir_all(&data))?;
        let (engine_port, public_port) = free_ports()?;
        let mut run: Vec<OsString> = Vec::new();
        let mut flag = |name: &str, value: OsString| run.extend([name.into(), value]);
        flag("--gethGenesis", genesis.into());
        flag("--dataDir", data.clone().into());
        flag("--jwtSecret", jwt(&folder).into());
        flag("--rpcAddr", "127.0.0.1".into());
        flag("--rpcPort", public_port.to_string().into());
        flag("--rpcEngineAddr", "127.0.0.1".into());
        flag("--rpcEnginePort", engine_port.to_string().into());
        // It insists on a port for peers: any, so that two clients do not want the same.
        flag("--port", "0".into());
        flag("--extIP", "127.0.0.1".into());
        flag("--discV4", "false".into());
        flag("--maxPeers", "0".into());
        flag("--logLevel", "info".into());
        // Alone, it takes transactions without peers; and it serves both ports.
        run.extend(["--isSingleNode", "--rpc", "--rpcEngine"].map(OsString::from));
        Client::launch(Plan {
            program: self.program,
            init: None,
            run,
            data,
            folder,
            engine_port,
            public_port,
        })
    }
}
