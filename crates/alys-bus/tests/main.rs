//! What the bus promises, each promise as a test of that name. One binary, to keep link time low.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(
    clippy::disallowed_methods,
    reason = "tests run askers of their own, and bound their patience by real time"
)]

mod bus;
