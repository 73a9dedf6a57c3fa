//! The folder of a managed Geth: who may use it, what is in it, which chain it holds.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use alys_peers::GethFlags;
use tokio::{process::Command, time::timeout};

use super::{
    ManagedError,
    error::tried,
    log::{last_lines, text_of},
};
use crate::{JwtKey, JwtKeyError};

/// What `geth init` says to a folder of another chain.
const FOREIGN: &str = "incompatible genesis";

/// A folder that is this node's alone, as long as this lives.
///
/// ```text
/// owner.lock     locked by the node that uses the folder
/// jwt.hex        the secret; stays through a wipe
/// genesis.json   the genesis that the chain data was made from; written after it was
/// geth.toml      settings that no flag can say
/// geth/          Geth's own: chain data, node key, transaction journal
/// ```
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    lock: File,
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Closing it is not enough: a process that another thread is just starting holds a copy until its exec.
        // What cannot be unlocked is unlocked by then.
        let _ = self.lock.unlock();
    }
}

impl Folder {
    /// Takes the folder, makes it and its secret where they are not there.
    pub(super) fn open(path: &Path) -> Result<Self, ManagedError> {
        tried(|| format!("cannot make {}", path.display()), fs::create_dir_all(path))?;
        let path = tried(|| format!("cannot resolve {}", path.display()), path.canonicalize())?;
        let lock_file = path.join("owner.lock");
        let lock = tried(|| format!("cannot make {}", lock_file.display()), File::create(&lock_file))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ManagedError::FolderInUse { folder: path }),
            Err(TryLockError::Error(source)) => {
                return Err(ManagedError::Io {
                    what: format!("cannot lock {}", lock_file.display()),
                    source,
                });
            }
        }
        let folder = Self { path, lock };
        JwtKey::read_or_create(&folder.jwt())?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn jwt(&self) -> PathBuf {
        self.path.join("jwt.hex")
    }

    fn genesis(&self) -> PathBuf {
        self.path.join("genesis.json")
    }

    fn chain(&self) -> PathBuf {
        self.path.join("geth")
    }

    /// Makes the genesis state where there is none, and lets Geth judge a genesis that is not the one noted.
    pub(super) async fn init(
        &self,
        program: &Path,
        flags: &GethFlags,
        genesis: &str,
        patience: Duration,
    ) -> Result<(), ManagedError> {
        write(&flags.settings(), GethFlags::SETTINGS)?;
        let noted = fs::read_to_string(self.genesis()).is_ok_and(|noted| noted == genesis);
        if noted && self.chain().join("chaindata").exists() {
            return Ok(());
        }
        let new = self.path.join("genesis.new.json");
        write(&new, genesis)?;
        let mut command = Command::new(program);
        command.args(flags.init(&new)).stdin(Stdio::null()).kill_on_drop(true);
        let Ok(output) = timeout(patience, command.output()).await else {
            let what = "finish `geth init`";
            return Err(ManagedError::Late { what, seconds: patience.as_secs(), said: String::new() });
        };
        let output = tried(|| format!("cannot start {}", program.display()), output)?;
        if !output.status.success() {
            let printed = [output.stdout, output.stderr].concat();
            let said = last_lines(String::from_utf8_lossy(&printed).lines().map(text_of));
            return Err(if said.contains(FOREIGN) {
                ManagedError::ForeignGenesis { folder: self.path.clone(), said }
            } else {
                ManagedError::Init { status: output.status, said }
            });
        }
        tried(|| format!("cannot rename {}", new.display()), fs::rename(&new, self.genesis()))
    }

    /// Throws the chain away. The note of its genesis goes first, so that a half wiped folder is a fresh one.
    pub(super) fn wipe(&self) -> Result<(), ManagedError> {
        let note = self.genesis();
        tried(|| format!("cannot remove {}", note.display()), absent(fs::remove_file(&note)))?;
        let chain = self.chain();
        tried(|| format!("cannot remove {}", chain.display()), absent(fs::remove_dir_all(&chain)))
    }
}

/// What is not there is removed.
fn absent(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

fn write(path: &Path, text: &str) -> Result<(), ManagedError> {
    let write = || File::create(path)?.write_all(text.as_bytes());
    tried(|| format!("cannot write {}", path.display()), write())
}

impl From<JwtKeyError> for ManagedError {
    fn from(error: JwtKeyError) -> Self {
        Self::Secret(error)
    }
}
