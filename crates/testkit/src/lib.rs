//! What tests of actors need: stand-ins for their neighbours, a clock that stands still, shared vectors.
//!
//! A development dependency only. An actor is tested alone: the real actor, a [`Probe`] for each neighbour,
//! time paused (`#[tokio::test(start_paused = true)]`), its thread [inline](alys_bus::WorkerMode::Inline).
//!
//! - [`Probe`] is an actor whose answers the test decides, message by message; [`Stub`] one that answers by
//!   itself.
//! - [`TestClock`] lets paused time pass, for the actor's clock and its timers alike.
//! - [`within`] waits for an event, never for ever.
//! - [`contract`] has one public suite per protocol, for whatever takes that protocol's slot.
//! - [`token`] is a contract for loads, without a compiler.
//! - [`wallet`] signs transactions with a key that every test may fund.
//! - [`vectors`] finds the shared test vectors, or says why there are none.
#![allow(
    clippy::panic,
    clippy::expect_used,
    reason = "whatever goes wrong here is a failed test, which must say so by panicking"
)]

pub mod contract;
mod probe;
mod stub;
mod time;
pub mod token;
mod vectors;
pub mod wallet;

pub use probe::Probe;
pub use stub::Stub;
pub use time::{PATIENCE, TestClock, within};
pub use vectors::vectors;
