//! The engine's errors in the words of the protocol.

use alloy_primitives::Bytes;
use alloy_sol_types::{Panic, Revert, SolError};

use crate::call::CallError;
use crate::error::StateError;
use crate::messages::{QueryError, TransactionRefusal};

/// Why a state or a block could not be read.
pub(super) fn query_error(error: StateError) -> QueryError {
    match error {
        StateError::Pruned { asked, oldest } | StateError::ProofOutOfReach { asked, oldest } => {
            QueryError::HistoryGone { asked, oldest }
        }
        StateError::UnknownBlock(hash) => QueryError::BlockNotFound(hash.to_string()),
        StateError::NoSuchHeight { height, .. } => QueryError::BlockNotFound(height.to_string()),
        other => QueryError::Unavailable(other.to_string()),
    }
}

/// Why a call gave no result.
pub(super) fn call_error(error: CallError) -> QueryError {
    match error {
        CallError::Reverted { data, .. } => QueryError::Reverted { reason: reason(&data), output: data },
        CallError::Halted { reason, .. } => QueryError::Halted { reason },
        CallError::State(error) => query_error(error),
        error @ CallError::TwoKindsOfFee => QueryError::InvalidQuery(error.to_string()),
        error => QueryError::Refused(TransactionRefusal::Invalid(error.to_string())),
    }
}

/// The reason in the data of a revert: of `Error(string)` its text, of `Panic(uint256)` its meaning. A
/// contract's own errors have none that anybody but their interface knows.
fn reason(data: &Bytes) -> Option<String> {
    if let Ok(revert) = Revert::abi_decode(data) {
        return Some(revert.reason);
    }
    let panic = Panic::abi_decode(data).ok()?;
    Some(
        panic.kind().map_or_else(
            || format!("unknown panic code: {:#x}", panic.code),
            |kind| kind.as_str().to_owned(),
        ),
    )
}
