//! The tests, by part of the bus.

mod asks;
mod clock;
mod faults;
mod health;
mod lanes;
mod measures;
mod outbox;
mod rebinding;
mod retries;
mod spans;
mod structure;
mod support;
mod tasks;
mod timers;
mod topics;
mod workers;
mod yields;
