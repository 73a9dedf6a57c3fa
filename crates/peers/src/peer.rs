//! Which programs, in which versions.

use std::{fmt, path::PathBuf};

/// A program of somebody else's, at the version that Alys is tested with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// go-ethereum, an execution client.
    Geth,
    /// The EthereumJS client, another one.
    EthereumJs,
    /// `t8n` of the Ethereum execution specifications: the referee on state roots.
    ExecutionSpecs,
    /// Foundry's development node, to measure `alys dev` against.
    Anvil,
    /// The Solidity compiler.
    Solc,
    /// A Python with web3.py.
    Web3Py,
}

impl Peer {
    /// All of them, the quick ones first.
    pub const ALL: [Self; 6] =
        [Self::Solc, Self::Anvil, Self::EthereumJs, Self::Web3Py, Self::ExecutionSpecs, Self::Geth];

    /// Its name on the command line of `cargo xtask peers`, and in the folder's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Geth => "geth",
            Self::EthereumJs => "ethereumjs",
            Self::ExecutionSpecs => "execution-specs",
            Self::Anvil => "anvil",
            Self::Solc => "solc",
            Self::Web3Py => "web3py",
        }
    }

    /// The pinned version. Geth from 1.17.9 on needs a module that cannot be had.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::Geth => "1.17.8",
            Self::EthereumJs => "0.10.5",
            Self::ExecutionSpecs => "2.20.0",
            Self::Anvil => "1.7.1",
            Self::Solc => "0.8.37",
            Self::Web3Py => "7.16.0",
        }
    }

    /// The environment variable that names a program to use instead.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Geth => "ALYS_GETH",
            Self::EthereumJs => "ALYS_ETHEREUMJS",
            Self::ExecutionSpecs => "ALYS_T8N",
            Self::Anvil => "ALYS_ANVIL",
            Self::Solc => "ALYS_SOLC",
            Self::Web3Py => "ALYS_PYTHON",
        }
    }

    /// The folder of the pinned version, in the folder of all peers.
    #[must_use]
    pub fn folder(self) -> PathBuf {
        PathBuf::from(format!("{}-{}", self.name(), self.version()))
    }

    /// The program, in its [`folder`](Self::folder).
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Geth => "geth",
            Self::EthereumJs => "node_modules/.bin/ethereumjs",
            Self::ExecutionSpecs => "t8n",
            Self::Anvil => "node_modules/.bin/anvil",
            Self::Solc => "node_modules/.bin/solcjs",
            Self::Web3Py => "bin/python",
        }
    }

    /// The peer of that [`name`](Self::name).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|peer| peer.name() == name)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name(), self.version())
    }
}
