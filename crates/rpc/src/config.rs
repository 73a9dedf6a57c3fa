//! What the server may use and whom it lets in.

use std::{net::SocketAddr, time::Duration};

use http::HeaderValue;
use serde::{Deserialize, Serialize};

/// The configuration of the RPC server. Every field has a default that is safe on a user's own machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RpcConfig {
    /// Where HTTP and WebSocket are served. Port 0 takes any free one, which the actor publishes.
    /// Default `127.0.0.1:8545`.
    pub listen: SocketAddr,
    /// Which web pages may use the server: origins such as `https://wallet.example`, or `*` for all, which is
    /// taken on a loopback address only. Holds for WebSocket too. Programs that are no browser are not concerned.
    /// Default: none.
    pub cors_origins: Vec<String>,
    /// Names under which the server may be addressed (the `Host` header), or `*` for any. A web page that points
    /// its own name at this machine (DNS rebinding) is refused by this. Addresses in numbers are always taken.
    /// Default `localhost`.
    pub allowed_hosts: Vec<String>,
    /// The largest request body, or WebSocket message, in bytes. Default 2 MiB.
    pub max_request_bytes: u32,
    /// The largest answer, or answer to a batch, in bytes. Default 25 MiB.
    pub max_response_bytes: u32,
    /// How many requests one batch may hold. Default 1,000.
    pub max_batch: u32,
    /// How many connections are held at a time; further ones are refused with HTTP 503. Default 256.
    pub max_connections: u32,
    /// How many requests are worked on at a time; further ones are refused with code -32005. Default 512.
    pub max_in_flight: u32,
    /// How many bytes of request bodies are held at a time, over all HTTP connections; further bodies wait.
    /// At least `max_request_bytes`. Default 64 MiB.
    pub max_buffered_bytes: u32,
    /// How long a request may take, in ms; a batch too. Default 15,000.
    pub request_timeout_ms: u64,
    /// How long a request body may take to arrive, and how long a client may keep an answer waiting, in ms.
    /// Default 30,000.
    pub transfer_timeout_ms: u64,
    /// How long a connection may be silent between requests, in ms. Default 120,000.
    pub idle_timeout_ms: u64,
    /// How long requests under way are waited for when the server stops, in ms. Default 2,000.
    pub shutdown_grace_ms: u64,
    /// Whether an external execution client is asked for what can cost it minutes or gigabytes: traces,
    /// `debug_storageRangeAt`, and the whole pool. Default false; `alys dev` opens it.
    pub debug: bool,
}

impl Default for RpcConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8545)),
            cors_origins: Vec::new(),
            allowed_hosts: vec!["localhost".to_owned()],
            max_request_bytes: 2 << 20,
            max_response_bytes: 25 << 20,
            max_batch: 1000,
            max_connections: 256,
            max_in_flight: 512,
            max_buffered_bytes: 64 << 20,
            request_timeout_ms: 15_000,
            transfer_timeout_ms: 30_000,
            idle_timeout_ms: 120_000,
            shutdown_grace_ms: 2_000,
            debug: false,
        }
    }
}

impl RpcConfig {
    /// Whether the values can be used together; the error names the field and what to write.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let positive = [
            ("max_request_bytes", u64::from(self.max_request_bytes)),
            ("max_response_bytes", u64::from(self.max_response_bytes)),
            ("max_batch", u64::from(self.max_batch)),
            ("max_connections", u64::from(self.max_connections)),
            ("max_in_flight", u64::from(self.max_in_flight)),
            ("request_timeout_ms", self.request_timeout_ms),
            ("transfer_timeout_ms", self.transfer_timeout_ms),
            ("idle_timeout_ms", self.idle_timeout_ms),
        ];
        if let Some((field, _)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return Err(ConfigError::Zero { field });
        }
        if self.max_buffered_bytes < self.max_request_bytes {
            return Err(ConfigError::BufferTooSmall {
                buffer: self.max_buffered_bytes,
                request: self.max_request_bytes,
            });
        }
        if self.any_origin() && !self.listen.ip().is_loopback() {
            return Err(ConfigError::OpenToEveryPage { listen: self.listen });
        }
        for origin in &self.cors_origins {
            if origin != ANY && !is_origin(origin) {
                return Err(ConfigError::NotAnOrigin { origin: origin.clone() });
            }
        }
        for host in &self.allowed_hosts {
            if host != ANY && !is_host(host) {
                return Err(ConfigError::NotAHost { host: host.clone() });
            }
        }
        Ok(())
    }

    /// Whether every web page is let in.
    pub(crate) fn any_origin(&self) -> bool {
        self.cors_origins.iter().any(|origin| origin == ANY)
    }

    /// Whether every `Host` is taken.
    pub(crate) fn any_host(&self) -> bool {
        self.allowed_hosts.iter().any(|host| host == ANY)
    }

    /// How long a request may take.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    pub(crate) fn transfer_timeout(&self) -> Duration {
        Duration::from_millis(self.transfer_timeout_ms)
    }

    pub(crate) fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }

    pub(crate) fn shutdown_grace(&self) -> Duration {
        Duration::from_millis(self.shutdown_grace_ms)
    }
}

/// Stands for every origin, or every host.
const ANY: &str = "*";

/// Scheme, host and port if any, as browsers write them (RFC 6454): no path, no trailing slash.
fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else {
        return false;
    };
    !scheme.is_empty()
        && !authority.is_empty()
        && !authority.contains(['/', '*', '?', '#', ' '])
        && HeaderValue::from_str(text).is_ok()
}

/// A name without port.
fn is_host(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
}

/// Why a configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A bound of zero would refuse everything.
    #[error("rpc.{field} is 0, which would refuse every request; write a positive number")]
    Zero {
        /// The field.
        field: &'static str,
    },
    /// One request would not fit.
    #[error(
        "rpc.max_buffered_bytes ({buffer}) is less than rpc.max_request_bytes ({request}); make it at least as large"
    )]
    BufferTooSmall {
        /// Bytes in all.
        buffer: u32,
        /// Bytes of one request.
        request: u32,
    },
    /// `*` beyond loopback.
    #[error(
        "rpc.cors_origins has \"*\" while rpc.listen is {listen}, which others can reach; name the origins, or listen on 127.0.0.1"
    )]
    OpenToEveryPage {
        /// Where the server would listen.
        listen: SocketAddr,
    },
    /// Not scheme, host and port.
    #[error(
        "rpc.cors_origins has {origin:?}, which is no origin; write it as a browser does, such as \"https://wallet.example\", or \"*\""
    )]
    NotAnOrigin {
        /// What stood there.
        origin: String,
    },
    /// Not a host's name.
    #[error(
        "rpc.allowed_hosts has {host:?}, which is no host name; write it without scheme and port, such as \"node.example\", or \"*\""
    )]
    NotAHost {
        /// What stood there.
        host: String,
    },
}
