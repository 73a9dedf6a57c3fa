//! A Geth of a test, with the flags that an operator's has.

use std::path::{Path, PathBuf};

use super::{
    Client, LaunchError,
    place::{Place, write},
    process::Plan,
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
        let place = Place::prepare(&self.folder, &self.genesis)?;
        let flags = GethFlags {
            folder: place.data(),
            network_id: self.network_id,
            gas_limit: self.gas_limit,
            jwt: place.jwt(),
            engine_port: place.engine_port,
            public_port: place.public_port,
            cache_mb: 64,
        };
        write(&flags.settings(), GethFlags::SETTINGS)?;
        Client::launch(Plan {
            program: self.program,
            init: Some(flags.init(&place.genesis())),
            run: flags.run(),
            data: flags.folder.join("geth"),
            place,
        })
    }
}
