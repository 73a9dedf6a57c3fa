//! Real actors under a real supervisor: killed, panicking, hanging, failing to start, and stopped in order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod actors;
mod restart;
