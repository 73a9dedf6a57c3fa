//! A whole node in this process, on real time: slots of one second.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests fail by panicking, and their names are sentences"
)]

mod chain;
mod first_start;
mod folders;
mod kills;
mod own_storage;
mod restarts;
mod spans;
mod threads;
mod watch;
