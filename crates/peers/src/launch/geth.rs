//! A Geth of a test, with the flags that an operator's has.

use std::path::{Path, PathBuf};

use super::{
    Client, LaunchError,
    process::{Plan, free_ports, jwt, prepare, tried, write},
};
use crate::GethFlags;

/// What a test's Geth is started with.
#[derive(Debug, Clone)]
pub struct Geth {
    program: PathBuf,
    folder: PathBuf,
    genesis: String,
    network_id: u64,
    gas_limit: u64,
}

impl Geth {
    /// A Geth that keeps everything in `folder`, which is made if it is not there. `genesis` is the JSON of
    /// `ChainSpec::execution_genesis_file()`, `gas_limit` the spec's.
    #[must_use]
    pub fn new(program: PathBuf, folder: &Path, genesis: &str, network_id: u64, gas_limit: u64) -> Self {
        Self { program, folder: folder.to_owned(), genesis: genesis.to_owned(), network_id, gas_limit }
    }

    /// Writes the genesis state where there is none, starts it on free ports, waits until it answers.
    ///
    /// # Errors
    /// [`LaunchError`] with what it printed, where it does not come up.
    pub fn start(self) -> Result<Client, LaunchError> {
        let folder = prepare(&self.folder)?;
        let genesis = folder.join("genesis.json");
        write(&genesis, &self.genesis)?;
        let (engine_port, public_port) = free_ports()?;
        let flags = GethFlags {
            folder: folder.join("data"),
            network_id: self.network_id,
            gas_limit: self.gas_limit,
            jwt: jwt(&folder),
            engine_port,
            public_port,
            cache_mb: 64,
        };
        let made = std::fs::create_dir_all(&flags.folder);
        tried(|| format!("cannot make {}", flags.folder.display()), made)?;
        write(&flags.settings(), GethFlags::SETTINGS)?;
        Client::launch(Plan {
            program: self.program,
            init: Some(flags.init(&genesis)),
            run: flags.run(),
            data: flags.folder.join("geth"),
            folder,
            engine_port,
            public_port,
        })
    }
}
