//! Calls and estimates.

use alloy_eips::BlockId;
use alloy_primitives::{Bytes, TxKind};
use alloy_rpc_types_eth as eth;

use super::at::known_hash;
use super::errors::call_error;
use crate::call::CallRequest;
use crate::embedded::Opened;
use crate::messages::{QueryError, TransactionRefusal};
use crate::read;

/// The output of a call on the state after a block.
///
/// # Errors
/// [`QueryError::Reverted`] with the revert data, and all else that a call can end with.
pub(super) fn call(
    opened: &Opened,
    request: &eth::TransactionRequest,
    at: BlockId,
) -> Result<Bytes, QueryError> {
    let request = checked(opened, request)?;
    let at = located(opened, at)?;
    let done = opened.reads.call(at, &request).map_err(call_error)?;
    Ok(done.output)
}

/// A gas limit with which the transaction succeeds.
///
/// # Errors
/// As [`call`].
pub(super) fn estimate_gas(
    opened: &Opened,
    request: &eth::TransactionRequest,
    at: BlockId,
) -> Result<u64, QueryError> {
    let request = checked(opened, request)?;
    let at = located(opened, at)?;
    opened.reads.estimate_gas(at, &request).map_err(call_error)
}

fn located(opened: &Opened, at: BlockId) -> Result<read::BlockId, QueryError> {
    Ok(read::BlockId::Hash(known_hash(&opened.reads.world(), at)?))
}

fn checked(opened: &Opened, request: &eth::TransactionRequest) -> Result<CallRequest, QueryError> {
    let want = opened.reads.rules().chain_id;
    if let Some(have) = request.chain_id
        && have != want
    {
        return Err(TransactionRefusal::WrongChain { have: Some(have), want }.into());
    }
    if request.max_fee_per_blob_gas.is_some() || request.blob_versioned_hashes.is_some() {
        return Err(TransactionRefusal::TypeNotSupported.into());
    }
    let input = request.input.unique_input().map_err(|error| QueryError::InvalidQuery(error.to_string()))?;
    let cap = request.max_fee_per_gas;
    if let (Some(tip), Some(cap)) = (request.max_priority_fee_per_gas, cap)
        && tip > cap
    {
        return Err(TransactionRefusal::TipAboveFeeCap { tip, cap }.into());
    }
    Ok(CallRequest {
        from: request.from.unwrap_or_default(),
        to: request.to.unwrap_or(TxKind::Create),
        gas: request.gas,
        gas_price: request.gas_price,
        max_fee_per_gas: cap,
        max_priority_fee_per_gas: request.max_priority_fee_per_gas,
        value: request.value.unwrap_or_default(),
        input: input.cloned().unwrap_or_default(),
        access_list: request.access_list.clone().unwrap_or_default(),
        authorizations: request.authorization_list.clone().unwrap_or_default(),
    })
}
