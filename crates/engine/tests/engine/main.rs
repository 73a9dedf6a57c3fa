//! The embedded engine from outside: vectors, random chains, crashes, history, calls; and in `remote` the client
//! behind the Engine API.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod access_lists;
mod actor;
mod blocks;
mod bridge;
mod calls;
mod common;
mod contract;
mod crash;
mod decoding;
mod history;
mod prague;
mod random;
mod remote;
mod summaries;
mod vectors;
