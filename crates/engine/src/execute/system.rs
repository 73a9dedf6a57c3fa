//! The calls that a block makes itself, before its first and after its last transaction.

use alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS;
use alloy_eips::eip4788::{BEACON_ROOTS_ADDRESS, SYSTEM_ADDRESS};
use alloy_evm::Evm;
use alloy_primitives::{Address, B256, Bytes};
use revm::context_interface::result::{EVMError, ExecutionResult};
use revm::database_interface::DatabaseCommit;

use super::executor::{BlockEvm, TransactError};
use super::invalid::InvalidPayload;
use crate::error::StateError;

/// Stores the parent's beacon block root (EIP-4788); here the parent's block hash on our side.
pub(super) fn store_beacon_root(evm: &mut BlockEvm, root: B256) -> Result<(), TransactError> {
    call(evm, BEACON_ROOTS_ADDRESS, root.0.into()).map(drop)
}

/// Stores the parent's hash (EIP-2935).
pub(super) fn store_parent_hash(evm: &mut BlockEvm, parent: B256) -> Result<(), TransactError> {
    call(evm, HISTORY_STORAGE_ADDRESS, parent.0.into()).map(drop)
}

/// Takes the requests that a system contract queued (EIP-7002, EIP-7251).
pub(super) fn dequeue_requests(evm: &mut BlockEvm, contract: Address) -> Result<Bytes, TransactError> {
    let failed = |reason: String| TransactError::Invalid(InvalidPayload::SystemCall { contract, reason });
    match call(evm, contract, Bytes::new())? {
        ExecutionResult::Success { output, .. } => Ok(output.into_data()),
        ExecutionResult::Revert { output, .. } => Err(failed(format!("reverted with {output}"))),
        ExecutionResult::Halt { reason, .. } => Err(failed(format!("halted: {reason:?}"))),
    }
}

/// A call by the system address, outside gas accounting. Its outcome is for the caller to judge;
/// where the contract is not there, nothing happens and the output is empty.
fn call(evm: &mut BlockEvm, contract: Address, data: Bytes) -> Result<ExecutionResult, TransactError> {
    match evm.transact_system_call(SYSTEM_ADDRESS, contract, data) {
        Ok(done) => {
            evm.db_mut().commit(done.state);
            Ok(done.result)
        }
        Err(EVMError::Database(error)) => Err(TransactError::State(error)),
        Err(error) => Err(TransactError::State(StateError::bad(format!("system call to {contract}"), error))),
    }
}
