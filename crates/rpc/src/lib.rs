//! JSON-RPC for wallets and operators: HTTP and WebSocket on one port.
//!
//! The crate reads parameters as clients send them, asks the engine, the chain and the supervisor over the bus, and
//! answers in the shapes that Ethereum's clients parse. What it says is what those actors said. Where the execution
//! client has a JSON-RPC of its own ([`Execution::forward`]), `eth_*` and its like go there as they came, and come
//! back as they are; `docs/rpc.md` says of every method who answers it.
//!
//! # The way of a request
//!
//! 1. `server`: the connection has a place, its `Host` is ours, its body is small enough and arrives in time.
//! 2. The guard in `server/guard.rs`: the method exists, the request gets its [`Context`](alys_bus::Context) with
//!    one deadline, its info span, and a place among the requests in flight.
//! 3. `params`: positional parameters, each with a name for the error that refuses it.
//! 4. `methods`: one function a method, which asks and shapes the answer.
//! 5. `call_error`: what went wrong, as code, message and data.
//!
//! # Invariants
//!
//! - Every request ends by its deadline, and its answer tells nothing of the inside: no path, no actor, no panic.
//! - Nothing grows with what a client sends: connections, requests in flight, bytes of bodies, batches and answers
//!   have bounds in [`RpcConfig`].
//! - A web page reaches the server only if it was named: see [`RpcConfig::cors_origins`] and
//!   [`RpcConfig::allowed_hosts`].
//!
//! # Failure
//!
//! A port in use is an [`RpcError`] at the start. A panic in a method is that request's internal error, and is logged
//! and counted; a panic anywhere else in the server is the actor's failure, and the supervisor starts it again on the
//! port it had.

mod actor;
mod api;
mod call_error;
mod config;
mod error;
mod execution;
mod filters;
mod messages;
mod methods;
mod metrics;
mod params;
mod server;
mod watch;

pub use actor::{RpcActor, RpcArgs, spawn};
pub use api::Neighbours;
pub use config::{ConfigError, RpcConfig};
pub use error::RpcError;
pub use execution::Execution;
pub use messages::RpcMessage;
