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
    /// Promises are durable, or are not.
    Persisted(Ticket, Outcome<()>),
    /// An answer to one of the core's effects, or a tick.
    Input(Box<Input>),
}

impl From<Input> for ChainPrivate {
    fn from(input: Input) -> Self {
        Self::Input(Box::new(input))
    }
}
