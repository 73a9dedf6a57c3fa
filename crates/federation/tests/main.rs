//! The crate's integration tests: one binary, one module for each subject.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking, and are documented by their names"
)]

mod actor;
mod collector;
mod common;
mod contract;
mod dealer;
mod keystore;
mod restart;
mod scheme;
mod setup;
mod signer;
mod vectors;
