//! What an execution client is to the engine actor: the embedded one, or one behind the Engine API.
//!
//! # Why messages and not futures
//! A client gets each message whole, with the [`Reply`](alys_bus::Reply) in it, and answers by that when the
//! work is done, wherever that is: the embedded client on one of its threads, a client behind the Engine
//! API in a task that waits for HTTP. So
//! - the actor never waits, and stays the same for both;
//! - the credit of the request, which lives in the reply, is held until the work has really ended, and the
//!   bounds of the address bound the client's queues as well;
//! - a message that is new in the protocol needs no new method here, and a client that does not know it
//!   answers [`unsupported`](alys_bus::unsupported).
//!
//! A trait of one future per message would need the same match twice more, and a task for every question
//! only to carry an answer from a thread to the reply.

use std::future::Future;

use alys_bus::{Context, Owner};

use crate::messages::{EngineError, EngineMessage};

/// An execution client behind the engine actor. Clones are handles to the same client.
///
/// The child specification holds the client, not the actor: it owns threads and databases, and an actor
/// that is started again attaches to it again.
pub trait ExecutionClient: Clone + Send + Sync + 'static {
    /// Gets ready to work for a new incarnation of the actor: opens what is closed, starts what has ended.
    /// A panic in a thread or task of the client is the failure of `owner` from now on.
    ///
    /// # Errors
    /// [`EngineError`] where the client cannot work; the actor does not start then, and is tried again by
    /// its supervisor.
    fn attach(&self, owner: Owner) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Takes one message. Returns at once (well below 100 µs), and answers through the message's reply as
    /// the [protocol](EngineMessage) says. Work whose deadline has passed is dropped before it starts.
    fn handle(&self, ctx: Context, message: EngineMessage);

    /// Hands the client's figures to the metrics recorder; asked for by the actor about once a second.
    fn publish(&self) {}
}
