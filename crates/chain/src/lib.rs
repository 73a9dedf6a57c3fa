//! Agreement: slots, the block tree, votes and certificates, fork choice; and the actor that lives by it.
//!
//! [`core`] is the protocol as a synchronous state machine: inputs in, effects out, nothing else. The
//! actor is a shell around it. It takes messages of peers and answers of other actors as inputs, and
//! turns effects into asks of storage, engine, federation and network; it holds no rule.
//!
//! # Invariants
//!
//! - What this member promised is durable before anyone sees it: effects pass an
//!   [`Outbox`](alys_bus::Outbox). If a promise cannot be stored, nothing that follows it leaves, and the
//!   actor ends; the next incarnation goes on from the disk.
//! - No handler waits for a peer: every ask is piped, has a deadline, and its outcome is an input.
//! - Until storage and the execution client have been compared and agree, this node votes for nothing.
//!
//! # When something fails
//!
//! - Storage, engine, federation or network gone, slow or full: asked again after pauses that double up
//!   to [`ChainConfig::retry_most_ms`].
//! - The engine behind storage, or on another branch: payloads are replayed one by one, and its head is
//!   read back after each (`reconcile`).
//! - Storage holds another chain, or a spec that has no usable key: the actor ends with the reason.

mod actor;
mod checks;
mod config;
pub mod core;
mod effects;
mod error;
mod load;
mod messages;
mod metrics;
mod reconcile;
mod state;

pub use actor::{ChainActor, ChainArgs, spawn};
pub use config::{ChainConfig, ConfigError};
pub use error::StartError;
pub use messages::{ChainError, ChainEvent, ChainMessage, ChainStatus, SyncState};
