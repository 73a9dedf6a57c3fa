//! The public protocol, which stands in the bus, and what the actor hands to its thread.

pub use alys_bus::protocol::federation::{Collected, FederationError, FederationMessage, MemberSet};
use alys_primitives::Slot;

/// One message for the thread, with the slot in which it came: the core has no clock.
#[derive(Debug)]
pub struct Job {
    pub(crate) now: Slot,
    pub(crate) message: FederationMessage,
}
