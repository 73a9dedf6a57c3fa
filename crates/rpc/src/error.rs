//! Why the server could not start.

use std::{io, net::SocketAddr};

use crate::ConfigError;

/// Why the server could not start, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RpcError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Another program has the port.
    #[error(
        "the RPC server cannot listen on {address}: the port is in use, perhaps by another node; stop that program, or choose another port by rpc.listen (--http)"
    )]
    PortInUse {
        /// Where it should have listened.
        address: SocketAddr,
    },
    /// The address is not this machine's, or the port needs rights the process does not have.
    #[error(
        "the RPC server cannot listen on {address}: {source}; choose another address by rpc.listen (--http)"
    )]
    Bind {
        /// Where it should have listened.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// Two methods have one name: a fault of this crate.
    #[error("the RPC methods could not be registered: {0}")]
    Methods(String),
}

impl RpcError {
    /// What an attempt to listen on `address` ended in.
    pub(crate) fn bind(address: SocketAddr, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::AddrInUse {
            Self::PortInUse { address }
        } else {
            Self::Bind { address, source }
        }
    }
}
