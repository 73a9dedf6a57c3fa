//! The RPC server over real HTTP and WebSocket, with stand-ins for engine, chain and supervisor.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end by a panic")]

mod actor;
mod answers;
mod errors;
mod fake_chain;
mod filters;
mod forward;
mod garbage;
mod ids;
mod lifecycle;
mod limits;
mod methods;
mod node;
mod parameters;
mod strangers;
mod subscriptions;
mod websocket;
