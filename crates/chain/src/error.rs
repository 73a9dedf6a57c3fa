//! What keeps the actor from starting, and how failures of neighbours become inputs of the core.

use alys_bus::{
    AskError,
    protocol::{
        engine::EngineError, federation::FederationError, network::NetworkError, storage::StorageError,
    },
};
use alys_primitives::{B256, bls::BlsError};

use crate::core::{Failure, Outcome};

/// Why the chain could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A neighbour did not do its part yet. The actor tries again by itself.
    #[error("{0}")]
    NotYet(Failure),
    /// Storage holds blocks of another chain spec.
    #[error(
        "storage holds a chain with genesis {found}, the chain spec makes {expected}; use the data folder of this chain, or an empty one"
    )]
    OtherChain {
        /// The genesis block's hash in storage.
        found: B256,
        /// The genesis block's hash by the spec.
        expected: B256,
    },
    /// Something that storage must have is not there.
    #[error("storage has no {0}, which it must have; run the integrity check, or restore a copy")]
    Missing(String),
    /// The group key is unusable.
    #[error("the federation's group key: {0}; correct the chain spec")]
    Key(#[from] BlsError),
}

impl StartError {
    /// Whether trying again may help.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::NotYet(Failure { transient: true, .. }))
    }
}

/// Whether an actor's own refusal may be another answer later.
pub(crate) trait Refusal {
    /// Whether the same request may succeed later.
    fn is_transient(&self) -> bool;
}

impl Refusal for StorageError {
    fn is_transient(&self) -> bool {
        !matches!(self, Self::Corrupt(_))
    }
}

impl Refusal for EngineError {
    /// An unknown payload, too: it is built anew. What an operator has to do is not done by waiting.
    fn is_transient(&self) -> bool {
        !matches!(self, Self::NotManaged(_))
    }
}

impl Refusal for FederationError {
    fn is_transient(&self) -> bool {
        match self {
            Self::OutsideWindow { slot, to, .. } => slot > to,
            _ => false,
        }
    }
}

impl Refusal for NetworkError {
    fn is_transient(&self) -> bool {
        true
    }
}

/// The outcome of an ask, as the core takes it.
pub(crate) fn outcome<T, E: Refusal + std::error::Error>(result: Result<T, AskError<E>>) -> Outcome<T> {
    result.map_err(|error| {
        let transient = match &error {
            AskError::Actor(refusal) => refusal.is_transient(),
            bus => bus.is_transient(),
        };
        Failure { what: error.to_string(), transient }
    })
}
