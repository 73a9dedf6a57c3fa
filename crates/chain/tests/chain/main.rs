//! Agreement under test: the core in simulations, and the real actor beside stand-ins.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking, and their helpers are nobody's interface"
)]

mod actor;
mod agreement;
mod document;
mod lessons;
mod outages;
mod pure;
mod rules;
mod sim;
mod support;
mod weakened;
