//! Executing without a transaction: `eth_call`, `eth_estimateGas`.

use alloy_eips::BlockId;
use alloy_primitives::{Bytes, U64};
use alloy_rpc_types_eth::TransactionRequest;
use alys_bus::protocol::EngineMessage;
use jsonrpsee::core::RegisterMethodError;

use crate::{
    api::{Call, Register},
    call_error::CallError,
    params::{BlockParam, CallRequest},
};

pub(super) fn register(methods: &mut Register) -> Result<(), RegisterMethodError> {
    methods.add("eth_call", execute)?;
    methods.add("eth_estimateGas", estimate_gas)
}

/// The call's output. A revert is error 3 with its data.
async fn execute(mut call: Call) -> Result<Bytes, CallError> {
    let (request, at) = parameters(&mut call)?;
    call.engine(|reply| EngineMessage::Call { request, at, reply }).await
}

/// The least gas limit with which the transaction succeeds.
async fn estimate_gas(mut call: Call) -> Result<U64, CallError> {
    let (request, at) = parameters(&mut call)?;
    let gas: u64 = call.engine(|reply| EngineMessage::EstimateGas { request, at, reply }).await?;
    Ok(U64::from(gas))
}

fn parameters(call: &mut Call) -> Result<(Box<TransactionRequest>, BlockId), CallError> {
    let CallRequest(request) = call.params.required("transaction")?;
    let BlockParam(at) = call.params.optional("block")?.unwrap_or(BlockParam::LATEST);
    call.params.unsupported("state override")?;
    call.params.unsupported("block override")?;
    call.params.finish()?;
    match request.chain_id {
        Some(have) if have != call.api.chain_id => Err(CallError::invalid(
            0,
            "transaction",
            format_args!("chainId does not match node's (have={have}, want={})", call.api.chain_id),
        )),
        _ => Ok((request, at)),
    }
}
