//! Which backend, where, and how much memory: the configuration of one database.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::folder;
use crate::{Database, DatabaseError, MemoryDisk, RedbDatabase, SledDatabase, Snapshots};

/// The least cache that is taken, in bytes (1 MiB).
///
/// Below it the backends spend their time on evicting.
pub const MIN_CACHE_BYTES: u64 = 1 << 20;

/// What stores the bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// sled: a log of pages, fast durable commits; its files are a few times larger than the data.
    #[default]
    Sled,
    /// redb: one copy-on-write file, fast reads, [`Snapshots`], compact.
    Redb,
    /// Nothing on the disk: gone when the process ends.
    Memory,
}

impl Backend {
    /// The name, as configuration spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sled => "sled",
            Self::Redb => "redb",
            Self::Memory => "memory",
        }
    }
}

/// How to open a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// What stores the bytes: `sled`, `redb` or `memory`.
    #[serde(default)]
    pub backend: Backend,
    /// The folder of the files; made where it is missing. Not used by `memory`.
    #[serde(default)]
    pub path: PathBuf,
    /// How much memory the backend may use to cache pages, in bytes. Not used by `memory`.
    #[serde(default = "default_cache_bytes")]
    pub cache_bytes: u64,
}

/// 256 MiB: a day of 2 KB blocks at one per two seconds, twice over.
const fn default_cache_bytes() -> u64 {
    256 << 20
}

impl DatabaseConfig {
    /// A configuration for `backend` at `path` with the default cache.
    #[must_use]
    pub fn new(backend: Backend, path: impl Into<PathBuf>) -> Self {
        Self { backend, path: path.into(), cache_bytes: default_cache_bytes() }
    }

    /// A database in memory.
    #[must_use]
    pub fn memory() -> Self {
        Self::new(Backend::Memory, PathBuf::new())
    }

    /// Checks what serde cannot.
    ///
    /// # Errors
    /// [`DatabaseError::Config`] that says what to write instead.
    pub fn validate(&self) -> Result<(), DatabaseError> {
        if self.backend == Backend::Memory {
            return Ok(());
        }
        if self.path.as_os_str().is_empty() {
            return Err(DatabaseError::Config {
                message: format!("the {} backend needs a `path`", self.backend.name()),
            });
        }
        if self.cache_bytes < MIN_CACHE_BYTES {
            return Err(DatabaseError::Config {
                message: format!("`cache_bytes` is {}, the least is {MIN_CACHE_BYTES}", self.cache_bytes),
            });
        }
        Ok(())
    }
}

/// Opens the database that `config` describes, and makes it where it is missing.
///
/// # Errors
/// [`DatabaseError::Config`], [`DatabaseError::InUse`], [`DatabaseError::OtherBackend`],
/// [`DatabaseError::Corrupt`] where the backend finds its files damaged, [`DatabaseError::Io`].
pub fn open(config: &DatabaseConfig) -> Result<Arc<dyn Database>, DatabaseError> {
    config.validate()?;
    Ok(match config.backend {
        Backend::Sled => Arc::new(SledDatabase::open(&config.path, config.cache_bytes)?),
        Backend::Redb => Arc::new(RedbDatabase::open(&config.path, config.cache_bytes)?),
        Backend::Memory => Arc::new(MemoryDisk::new().open()?),
    })
}

/// Puts the files of the database that `config` describes out of the way, so that the next [`open`] makes another: the folder is
/// renamed, to its name with `.aside` after it, and what was there from an earlier time is removed. Whoever has the
/// database open keeps it. Where it is now; `None` where there is none, as for `memory`.
///
/// # Errors
/// [`DatabaseError::Config`], [`DatabaseError::Io`].
pub fn set_aside(config: &DatabaseConfig) -> Result<Option<PathBuf>, DatabaseError> {
    config.validate()?;
    match config.backend {
        Backend::Memory => Ok(None),
        backend => folder::set_aside(&config.path, backend.name()),
    }
}

/// As [`open`], for a caller that needs [`Snapshots`].
///
/// # Errors
/// As [`open`]; [`DatabaseError::Unsupported`] for sled.
pub fn open_with_snapshots(config: &DatabaseConfig) -> Result<Arc<dyn Snapshots>, DatabaseError> {
    config.validate()?;
    Ok(match config.backend {
        Backend::Sled => {
            return Err(DatabaseError::Unsupported { backend: "sled", what: "snapshots" });
        }
        Backend::Redb => Arc::new(RedbDatabase::open(&config.path, config.cache_bytes)?),
        Backend::Memory => Arc::new(MemoryDisk::new().open()?),
    })
}
