//! The crate's integration tests, in one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod bridge;
mod envelopes;
mod golden;
mod payloads;
mod specs;
mod state;
mod withdrawals;
