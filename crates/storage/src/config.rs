//! What an operator may set.

use std::path::{Path, PathBuf};

use alys_database::{Backend, DatabaseConfig, MIN_CACHE_BYTES};
use serde::{Deserialize, Serialize};

/// Storage's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StorageConfig {
    /// What stores the blocks: `sled`, `redb` or `memory`.
    pub backend: Backend,
    /// The folder of the database and of the promise record. Not used by `memory`.
    pub path: PathBuf,
    /// Memory for the database's pages, in bytes.
    pub database_cache_bytes: u64,
    /// Memory for decoded blocks, in bytes of their encoding.
    pub block_cache_bytes: u64,
    /// How many requests that wait are taken at once. Blocks among them become one batch and share one
    /// fsync; a hundred reach nearly all of the gain.
    pub max_batch: usize,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self {
            backend: Backend::default(),
            path: PathBuf::new(),
            database_cache_bytes: 256 << 20,
            // A few hundred blocks of a busy chain, or all of a quiet day.
            block_cache_bytes: 64 << 20,
            max_batch: 128,
        }
    }
}

/// A value that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("storage.{field}: {message}")]
pub struct ConfigError {
    /// The field.
    pub field: &'static str,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl StorageConfig {
    /// A configuration for `backend` in the folder `path`.
    #[must_use]
    pub fn new(backend: Backend, path: impl Into<PathBuf>) -> Self {
        Self { backend, path: path.into(), ..Self::default() }
    }

    /// Nothing on the disk.
    #[must_use]
    pub fn memory() -> Self {
        Self::new(Backend::Memory, PathBuf::new())
    }

    /// Checks what serde cannot.
    ///
    /// # Errors
    /// [`ConfigError`], which names the field.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |field, message: String| Err(ConfigError { field, message });
        if self.backend != Backend::Memory && self.path.as_os_str().is_empty() {
            return wrong("path", format!("the {} backend needs a folder", self.backend.name()));
        }
        if self.database_cache_bytes < MIN_CACHE_BYTES {
            return wrong("database_cache_bytes", format!("the least is {MIN_CACHE_BYTES}"));
        }
        if !(1..=4096).contains(&self.max_batch) {
            return wrong("max_batch", "must be 1 to 4096".to_owned());
        }
        Ok(())
    }

    /// Where the database lies in the folder.
    #[must_use]
    pub fn database_path(&self) -> PathBuf {
        database_in(&self.path)
    }

    /// Where the promise record lies in the folder.
    #[must_use]
    pub fn promises_path(&self) -> PathBuf {
        self.path.join("promises")
    }

    /// How the database is opened.
    #[must_use]
    pub fn database(&self) -> DatabaseConfig {
        DatabaseConfig {
            backend: self.backend,
            path: self.database_path(),
            cache_bytes: self.database_cache_bytes,
        }
    }
}

/// Where the database lies in a storage folder or a checkpoint.
pub(crate) fn database_in(folder: &Path) -> PathBuf {
    folder.join("database")
}
