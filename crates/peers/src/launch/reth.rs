//! A Reth of a test, run as private as Geth is.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::{Client, LaunchError, place::Place, process::Plan};
use crate::flags::Arguments;

/// What a test's Reth is started with.
#[derive(Debug, Clone)]
pub struct Reth {
    program: PathBuf,
    folder: PathBuf,
    genesis: String,
    gas_limit: u64,
}

impl Reth {
    /// A Reth that keeps everything in `folder`, which is made if it is not there. `genesis` is the JSON of
    /// `ChainSpec::execution_genesis_file()`, `gas_limit` the spec's.
    #[must_use]
    pub fn new(program: PathBuf, folder: &Path, genesis: &str, gas_limit: u64) -> Self {
        Self { program, folder: folder.to_owned(), genesis: genesis.to_owned(), gas_limit }
    }

    /// Starts it on free ports, waits until it answers. It writes the genesis state by itself where there is none.
    ///
    /// # Errors
    /// [`LaunchError`] with what it printed, where it does not come up.
    pub fn start(self) -> Result<Client, LaunchError> {
        let place = Place::prepare(&self.folder, &self.genesis)?;
        let (data, run) = (place.data(), arguments(&place, self.gas_limit));
        Client::launch(Plan { program: self.program, init: None, run, data, place })
    }
}

/// Source: `reth node --help`.
fn arguments(place: &Place, gas_limit: u64) -> Vec<OsString> {
    let mut arguments = Arguments::default();
    arguments
        .word("node")
        .flag("--chain", place.genesis())
        .flag("--datadir", place.data())
        .flag("--authrpc.addr", "127.0.0.1")
        .flag("--authrpc.port", place.engine_port.to_string())
        .flag("--authrpc.jwtsecret", place.jwt())
        .word("--http")
        .flag("--http.addr", "127.0.0.1")
        .flag("--http.port", place.public_port.to_string())
        .flag("--http.api", "eth,net,web3,debug,txpool")
        .word("--ipcdisable")
        // Left to itself it builds towards a target of its own.
        .flag("--builder.gaslimit", gas_limit.to_string())
        // Slots are one or two seconds long; by default a payload is built anew every second.
        .flag("--builder.interval", "500ms")
        // A node takes its client back to an ancestor of its head, which Reth refuses by default.
        .word("--engine.allow-unwind-canonical-header")
        // Fees are the wallet's affair: the embedded engine has no cap either.
        .flag("--rpc.txfeecap", "0")
        // It insists on a port for peers: any, on this machine alone, and nobody is let in or looked for.
        .flag("--addr", "127.0.0.1")
        .flag("--port", "0")
        .flag("--max-outbound-peers", "0")
        .flag("--max-inbound-peers", "0")
        .flag("--nat", "none")
        .word("--disable-discovery")
        // What it prints is kept already, without colours.
        .flag("--log.file.max-files", "0")
        .flag("--color", "never");
    arguments.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands after a flag.
    fn value<'a>(arguments: &'a [OsString], flag: &str) -> &'a str {
        let at =
            arguments.iter().position(|one| one == flag).unwrap_or_else(|| panic!("{flag} is not given"));
        arguments[at + 1].to_str().unwrap()
    }

    #[test]
    fn reth_is_started_for_this_chain_with_its_gas_limit_on_local_ports_and_without_peers() {
        let folder = std::env::temp_dir().join(format!("alys-peers-reth-{}", std::process::id()));
        let place = Place::prepare(&folder, "{}").unwrap();
        let arguments = arguments(&place, 12_345_678);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(arguments[0], "node");
        assert_eq!(value(&arguments, "--chain"), place.genesis().to_str().unwrap());
        assert_eq!(value(&arguments, "--builder.gaslimit"), "12345678");
        assert_eq!(value(&arguments, "--authrpc.port"), place.engine_port.to_string());
        assert_eq!(value(&arguments, "--http.port"), place.public_port.to_string());
        for address in ["--authrpc.addr", "--http.addr", "--addr"] {
            assert_eq!(value(&arguments, address), "127.0.0.1");
        }
        assert!(arguments.iter().any(|one| one == "--disable-discovery"));
    }
}
