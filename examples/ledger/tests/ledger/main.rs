//! The ledger under `kill -9`, under a disk that refuses, and what it is built from.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests fail by panicking, and their names are sentences"
)]

mod dependencies;
mod kills;
mod refusals;
mod running;
