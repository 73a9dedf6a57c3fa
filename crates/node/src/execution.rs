//! Which execution client the node works with.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::load::ConfigError;

/// The kinds of execution clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientKind {
    /// The EVM of this process.
    #[default]
    Embedded,
    /// A Geth that this node starts, watches, and starts anew at genesis where nothing else helps.
    Geth,
    /// A client that somebody else runs: Geth, Reth or any other that speaks the Engine API.
    External,
}

/// Which execution client, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExecutionSection {
    /// Which.
    pub client: ClientKind,
    /// Where an external client's Engine API is: `http://host:port`.
    pub url: String,
    /// The file with the secret that this node and an external client share: 32 bytes in hex, readable by
    /// its owner alone; empty: none. A relative path starts at the configuration file's folder.
    pub jwt_file: PathBuf,
    /// Where an external client's public JSON-RPC is, to which wallets' questions go; empty: its Engine API
    /// port, which answers most of them.
    pub http_url: String,
    /// The program of a Geth that this node starts; empty: it is looked for where `cargo xtask peers`
    /// puts it, and in the search path.
    pub geth: PathBuf,
    /// Percent of the deadlines of the Engine API specification that the client is given.
    pub timeout_percent: u32,
}

impl Default for ExecutionSection {
    fn default() -> Self {
        Self {
            client: ClientKind::Embedded,
            url: "http://127.0.0.1:8551".to_owned(),
            jwt_file: PathBuf::new(),
            http_url: String::new(),
            geth: PathBuf::new(),
            timeout_percent: 100,
        }
    }
}

impl ExecutionSection {
    /// Checks what can be checked without the client.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let bad = |what: String| Err(ConfigError::Value(what));
        if !(10..=10_000).contains(&self.timeout_percent) {
            return bad(format!(
                "execution.timeout_percent is {}; it must be 10 to 10000",
                self.timeout_percent
            ));
        }
        if self.client != ClientKind::External {
            return Ok(());
        }
        if self.jwt_file.as_os_str().is_empty() {
            return bad("execution.client is \"external\": execution.jwt_file must name the file with the \
                        secret that the client was started with (--authrpc.jwtsecret)"
                .to_owned());
        }
        let urls = [("url", &self.url), ("http_url", &self.http_url)];
        for (key, url) in urls.into_iter().filter(|(key, url)| *key == "url" || !url.is_empty()) {
            if !url.starts_with("http://") {
                return bad(format!(
                    "execution.{key} is \"{url}\"; it must be a URL such as http://127.0.0.1:8551"
                ));
            }
        }
        Ok(())
    }

    /// Makes relative paths start at `base`.
    pub(crate) fn resolve(&mut self, base: &Path) {
        for path in [&mut self.jwt_file, &mut self.geth].into_iter().filter(|p| !p.as_os_str().is_empty()) {
            *path = crate::config::below(base, path);
        }
    }

    /// Whether the client has a JSON-RPC of its own, to which wallets' questions are forwarded.
    #[must_use]
    pub fn is_forwarded(&self) -> bool {
        self.client != ClientKind::Embedded
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn an_external_client_needs_a_secret_and_a_url() {
        let mut section = ExecutionSection { client: ClientKind::External, ..ExecutionSection::default() };
        let error = section.validate().unwrap_err().to_string();
        assert!(error.contains("execution.jwt_file must name"), "{error}");
        section.jwt_file = "jwt.hex".into();
        section.validate().unwrap();
        section.url = "127.0.0.1:8551".to_owned();
        let error = section.validate().unwrap_err().to_string();
        assert!(error.contains("execution.url is \"127.0.0.1:8551\"; it must be a URL"), "{error}");
    }

    #[test]
    fn the_embedded_client_needs_nothing() {
        ExecutionSection::default().validate().unwrap();
    }
}
