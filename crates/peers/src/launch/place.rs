//! Where a client of a test lives: its folder with secret and genesis, and its ports.

use std::{
    fs, io,
    net::TcpListener,
    path::{Path, PathBuf},
};

use super::{LaunchError, TEST_SECRET};
use crate::free_port;

/// A client's folder and ports.
#[derive(Debug)]
pub(super) struct Place {
    folder: PathBuf,
    pub(super) engine_port: u16,
    pub(super) public_port: u16,
    /// Both ports, until the first start: nobody else is given them while the genesis state is made.
    held: Vec<TcpListener>,
}

impl Place {
    /// Makes the folder, with secret, genesis and a folder for data in it, and finds ports.
    pub(super) fn prepare(folder: &Path, genesis: &str) -> Result<Self, LaunchError> {
        let make =
            |folder: &Path| tried(|| format!("cannot make {}", folder.display()), fs::create_dir_all(folder));
        make(folder)?;
        let folder = tried(|| format!("cannot resolve {}", folder.display()), folder.canonicalize())?;
        let [(engine, engine_port), (public, public_port)] = [port()?, port()?];
        let place = Self { folder, engine_port, public_port, held: vec![engine, public] };
        make(&place.data())?;
        write(&place.genesis(), genesis)?;
        let secret = place.jwt();
        write(&secret, TEST_SECRET)?;
        // A node refuses a key that others may read.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let own = fs::set_permissions(&secret, fs::Permissions::from_mode(0o600));
            tried(|| format!("cannot protect {}", secret.display()), own)?;
        }
        Ok(place)
    }

    /// Lets the client have its ports.
    pub(super) fn release_ports(&mut self) {
        self.held.clear();
    }

    /// For what the client keeps.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The genesis file.
    pub(super) fn genesis(&self) -> PathBuf {
        self.folder.join("genesis.json")
    }

    /// The file of the secret.
    pub(super) fn jwt(&self) -> PathBuf {
        self.folder.join("jwt.hex")
    }

    /// For what the client prints.
    pub(super) fn output(&self) -> PathBuf {
        self.folder.join("output.log")
    }
}

/// Names what was tried, for an error.
pub(super) fn tried<T>(what: impl FnOnce() -> String, result: io::Result<T>) -> Result<T, LaunchError> {
    result.map_err(|source| LaunchError::Io { what: what(), source })
}

pub(super) fn write(file: &Path, text: &str) -> Result<(), LaunchError> {
    tried(|| format!("cannot write {}", file.display()), fs::write(file, text))
}

/// A free port, held by its listener.
fn port() -> Result<(TcpListener, u16), LaunchError> {
    let find = || {
        let listener = free_port()?;
        let port = listener.local_addr()?.port();
        Ok((listener, port))
    };
    tried(|| "cannot find a free port".to_owned(), find())
}
