//! The embedded engine from outside: vectors, random chains, crashes, history, calls.
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
mod summaries;
mod vectors;
