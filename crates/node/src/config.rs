//! The configuration of a node: one section an actor, and what concerns them all.
//!
//! `alys init` writes it as a file that is its own manual; [`crate::Sources`] reads it.

use std::path::{Path, PathBuf};

use alys_chain::ChainConfig;
use alys_database::Backend;
use alys_engine::EngineConfig;
use alys_federation::FederationConfig;
use alys_rpc::RpcConfig;
use alys_storage::StorageConfig;
use serde::{Deserialize, Serialize};

use crate::{execution::ExecutionSection, load::ConfigError};

/// Everything that an operator may set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodeConfig {
    /// The node as a whole.
    pub node: NodeSection,
    /// This member's keys; a node without them follows the chain.
    pub keys: KeysSection,
    /// Blocks and what this member promised.
    pub storage: StorageConfig,
    /// Which execution client.
    pub execution: ExecutionSection,
    /// The embedded execution client.
    pub engine: EngineConfig,
    /// Collecting signatures.
    pub federation: FederationConfig,
    /// Agreement.
    pub chain: ChainConfig,
    /// What wallets reach.
    pub rpc: RpcConfig,
    /// What is logged.
    pub log: LogSection,
}

/// The node as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodeSection {
    /// Where the node keeps its files. A relative path starts at the configuration file's folder.
    pub data_dir: PathBuf,
    /// The chain spec: a JSON file that all nodes of a chain share. A relative path starts at the
    /// configuration file's folder.
    pub spec: PathBuf,
}

impl Default for NodeSection {
    fn default() -> Self {
        Self { data_dir: PathBuf::from("."), spec: PathBuf::from("chain.json") }
    }
}

/// Where this member's keys are. Both or neither.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeysSection {
    /// The folder of the encrypted keystores. A relative path starts at the configuration file's folder.
    pub keystore: Option<PathBuf>,
    /// A file whose first line is the password; readable by its owner alone.
    pub password_file: Option<PathBuf>,
}

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSection {
    /// error, warn, info, debug, trace, or a filter such as `info,alys_chain=debug`.
    pub filter: String,
}

impl Default for LogSection {
    fn default() -> Self {
        Self { filter: "info".to_owned() }
    }
}

impl NodeConfig {
    /// The configuration of a node that keeps everything in memory and is gone when it ends.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { storage: StorageConfig::memory(), ..Self::default() }
    }

    /// Checks every section, and makes relative paths start at `base`.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn validate(mut self, base: Option<&Path>) -> Result<Self, ConfigError> {
        let value = |error: &dyn std::fmt::Display| ConfigError::Value(error.to_string());
        if let Some(base) = base {
            self.resolve(base);
        }
        if self.storage.path.as_os_str().is_empty() {
            self.storage.path = self.node.data_dir.join("storage");
        }
        self.storage.validate().map_err(|e| value(&e))?;
        self.execution.validate()?;
        self.engine.validate().map_err(|e| value(&e))?;
        self.federation.validate().map_err(|e| value(&e))?;
        self.chain.validate().map_err(|e| value(&e))?;
        self.rpc.validate().map_err(|e| value(&e))?;
        if self.keys.keystore.is_some() != self.keys.password_file.is_some() {
            return Err(ConfigError::Value(
                "keys.keystore and keys.password_file go together: set both, or neither".to_owned(),
            ));
        }
        Ok(self)
    }

    fn resolve(&mut self, base: &Path) {
        let optional = [&mut self.keys.keystore, &mut self.keys.password_file];
        let paths = [&mut self.node.data_dir, &mut self.node.spec];
        for path in paths.into_iter().chain(optional.into_iter().flatten()) {
            *path = below(base, path);
        }
        self.execution.resolve(base);
        if !self.storage.path.as_os_str().is_empty() {
            self.storage.path = below(base, &self.storage.path);
        }
    }

    /// Whether nothing is kept on the disk.
    #[must_use]
    pub fn is_in_memory(&self) -> bool {
        self.storage.backend == Backend::Memory
    }

    /// Where the embedded engine keeps its state.
    #[must_use]
    pub fn engine_path(&self) -> PathBuf {
        self.node.data_dir.join("engine")
    }

    /// Where a Geth of this node's own keeps its files.
    #[must_use]
    pub fn geth_path(&self) -> PathBuf {
        self.node.data_dir.join("geth")
    }
}

/// A path from `base` on, without the dots that would only lengthen messages.
pub(crate) fn below(base: &Path, path: &Path) -> PathBuf {
    base.join(path).components().collect()
}
