//! A whole node in this process, on real time: slots of one second.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests fail by panicking, and their names are sentences"
)]

mod chain;
// The stand-in for an execution client that the Engine API client's tests use too.
#[path = "../../../engine/tests/engine/remote/fake.rs"]
mod fake;
mod first_start;
mod floods;
mod folders;
mod kills;
mod own_storage;
mod resets;
mod restarts;
mod scripted;
#[path = "../../../engine-api/tests/api/server.rs"]
mod server;
mod spans;
mod threads;
mod watch;
