//! Execution requests (EIP-7685): what the execution side asks of a consensus layer. Here they are
//! carried and checked, and mean nothing.

use alloy_consensus::TxReceipt;
use alloy_eips::eip6110::DEPOSIT_REQUEST_TYPE;
use alloy_eips::eip7002::{WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, WITHDRAWAL_REQUEST_TYPE};
use alloy_eips::eip7251::{CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, CONSOLIDATION_REQUEST_TYPE};
use alloy_eips::eip7685::Requests;
use alloy_evm::eth::eip6110::accumulate_deposits_from_logs;
use alloy_primitives::Address;

use super::executor::{BlockEvm, TransactError};
use super::system::dequeue_requests;
use super::{InvalidPayload, Receipt};

/// The requests of a block whose transactions and withdrawals have been executed, by rising type.
pub(super) fn collect(
    evm: &mut BlockEvm,
    receipts: &[Receipt],
    deposit_contract: Address,
) -> Result<Requests, TransactError> {
    let mut requests = Requests::default();
    let mut deposits = Vec::new();
    for receipt in receipts {
        accumulate_deposits_from_logs(deposit_contract, receipt.logs(), &mut deposits)
            .map_err(|error| InvalidPayload::DepositLog(error.to_string()))?;
    }
    if !deposits.is_empty() {
        requests.push_request_with_type(DEPOSIT_REQUEST_TYPE, deposits);
    }
    for (kind, contract) in [
        (WITHDRAWAL_REQUEST_TYPE, WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS),
        (CONSOLIDATION_REQUEST_TYPE, CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS),
    ] {
        let queued = dequeue_requests(evm, contract)?;
        if !queued.is_empty() {
            requests.push_request_with_type(kind, queued);
        }
    }
    Ok(requests)
}
