//! Real actors under a real supervisor: killed, panicking, hanging, failing to start, and stopped in order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod actors;
mod budget;
mod dependants;
mod hung;
mod operators;
mod restart;
mod signals;
mod start;
mod stop;
mod threads;
