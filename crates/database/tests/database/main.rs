//! What the backends promise: the common suite, and what each adds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests fail by panicking, and their names are sentences"
)]

mod conformance;
mod damage;
mod durability;
mod faults;
mod memory;
mod trace;
