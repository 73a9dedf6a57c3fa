//! The execution clients a node can work with, each made ready for the engine's slot.

mod embedded;
mod geth;
mod remote;

use alys_supervisor::ChildSpec;

use crate::{ClientKind, builder::NodeError, slots::Parts, wiring::Wiring};

/// The engine's child specification, by the configuration's `execution.client`.
pub(crate) fn engine(wiring: &Wiring, parts: &Parts) -> Result<ChildSpec, NodeError> {
    match parts.config.execution.client {
        ClientKind::Embedded => embedded::engine(wiring, parts),
        ClientKind::External => remote::external(wiring, parts),
        ClientKind::Geth => geth::engine(wiring, parts),
    }
}
