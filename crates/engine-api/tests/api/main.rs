//! The Engine API client from outside, on the wire.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod batches;
mod bodies;
mod methods;
mod server;
mod timeouts;
mod transport;
