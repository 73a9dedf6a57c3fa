//! The program as its user meets it: real processes, real signals, JSON-RPC over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod commands;
mod dev;
mod kills;
mod process;
mod wallet;
