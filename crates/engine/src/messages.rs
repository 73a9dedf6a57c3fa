//! The engine's messages: its public protocol, from the bus, and what it says to itself.

use alys_bus::Tick;
pub use alys_bus::protocol::engine::{
    EngineError, EngineHead, EngineMessage, Forkchoice, Lack, PayloadId, PayloadVerdict, SealedPayload,
};
pub use alys_bus::protocol::query::{AccountInfo, PoolStatus, QueryError, TransactionRefusal};

/// What the actor sends to itself.
#[derive(Debug)]
pub enum EnginePrivate {
    /// It is time to publish figures.
    Publish(Tick),
}
