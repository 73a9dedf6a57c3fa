//! The public protocol, which stands in the bus, and what the actor tells itself.

use alys_bus::Ticket;
pub use alys_bus::protocol::chain::{ChainError, ChainEvent, ChainMessage, ChainStatus, SyncState};

use crate::{
    core::{Input, Outcome},
    error::StartError,
    load::Loaded,
};

/// What the actor tells itself.
#[derive(Debug)]
pub enum ChainPrivate {
    /// Storage and federation told what the core needs to begin, or did not.
    Loaded(Result<Box<Loaded>, StartError>),
    /// Time to try loading again.
    LoadAgain,
    /// Promises are durable, or are not; they were of this request.
    Persisted(Ticket, Outcome<()>, u64),
    /// An answer to one of the core's effects, and the request that the effect was of.
    Answer(Box<Input>, u64),
    /// What begins a request: a tick, or the word that the execution client is back.
    Input(Box<Input>),
}

impl ChainPrivate {
    /// The request on whose behalf this was done, if there is one.
    pub(crate) const fn request(&self) -> Option<u64> {
        match self {
            Self::Persisted(_, _, request) | Self::Answer(_, request) => Some(*request),
            Self::Loaded(_) | Self::LoadAgain | Self::Input(_) => None,
        }
    }
}

impl From<Input> for ChainPrivate {
    fn from(input: Input) -> Self {
        Self::Input(Box::new(input))
    }
}
