//! The program as its user meets it: real processes, real signals, JSON-RPC over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "real processes are waited for by the machine's own time")]

mod commands;
mod db;
mod dev;
mod engine;
mod folders;
mod geth;
mod kills;
mod process;
mod promises;
mod settings;
// A scripted HTTP server, which tests of clients use too.
#[path = "../../../../crates/engine-api/tests/api/server.rs"]
mod server;
mod wallet;
