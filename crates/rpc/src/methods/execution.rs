//! Executing without a transaction: `eth_call`, `eth_estimateGas`, `eth_createAccessList`.

use alloy_eips::BlockId;
use alloy_primitives::{Bytes, U64};
use alloy_rpc_types_eth::{
    AccessListResult, BlockOverrides, TransactionRequest,
    state::{EvmOverrides, StateOverride},
};
use alys_bus::protocol::EngineMessage;
use jsonrpsee::core::RegisterMethodError;

use crate::{
    api::{Call, Register},
    call_error::{CallError, code},
    params::{BlockParam, CallRequest},
};

pub(super) fn register(methods: &mut Register) -> Result<(), RegisterMethodError> {
    methods.add("eth_call", execute)?;
    methods.add("eth_estimateGas", estimate_gas)?;
    methods.add("eth_createAccessList", access_list)
}

/// The call's output. A revert is error 3 with its data.
async fn execute(mut call: Call) -> Result<Bytes, CallError> {
    let Parameters { request, at, overrides } = parameters(&mut call)?;
    match overrides {
        None => call.engine(|reply| EngineMessage::Call { request, at, reply }).await,
        Some(overrides) => {
            call.engine(|reply| EngineMessage::CallOverridden { request, at, overrides, reply }).await
        }
    }
}

/// The least gas limit with which the transaction succeeds.
async fn estimate_gas(mut call: Call) -> Result<U64, CallError> {
    let Parameters { request, at, overrides } = parameters(&mut call)?;
    let gas: u64 = match overrides {
        None => call.engine(|reply| EngineMessage::EstimateGas { request, at, reply }).await?,
        Some(overrides) => {
            call.engine(|reply| EngineMessage::EstimateOverridden { request, at, overrides, reply }).await?
        }
    };
    Ok(U64::from(gas))
}

/// What a transaction would touch; one that fails has a list too, with the reason beside it.
async fn access_list(mut call: Call) -> Result<Box<AccessListResult>, CallError> {
    let CallRequest(request) = call.params.required("transaction")?;
    let BlockParam(at) = call.params.optional("block")?.unwrap_or(BlockParam::LATEST);
    let state = call.params.optional::<StateOverride>("state override")?.filter(|state| !state.is_empty());
    call.params.finish()?;
    check(&call, &request)?;
    let overrides = Box::new(EvmOverrides { state, block: None });
    call.engine(|reply| EngineMessage::AccessList { request, at, overrides, reply }).await
}

struct Parameters {
    request: Box<TransactionRequest>,
    at: BlockId,
    overrides: Option<Box<EvmOverrides>>,
}

fn parameters(call: &mut Call) -> Result<Parameters, CallError> {
    let CallRequest(request) = call.params.required("transaction")?;
    let BlockParam(at) = call.params.optional("block")?.unwrap_or(BlockParam::LATEST);
    let state = call.params.optional::<StateOverride>("state override")?.filter(|state| !state.is_empty());
    let block = call.params.optional::<BlockOverrides>("block override")?;
    let block = block.filter(|block| *block != BlockOverrides::default()).map(Box::new);
    call.params.finish()?;
    let overridden = state.is_some() || block.is_some();
    let overrides = overridden.then(|| Box::new(EvmOverrides { state, block }));
    check(call, &request)?;
    Ok(Parameters { request, at, overrides })
}

/// What can be said of a transaction without the engine.
fn check(call: &Call, request: &TransactionRequest) -> Result<(), CallError> {
    if request.gas_price.is_some()
        && (request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some())
    {
        let text = "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified";
        return Err(CallError::new(code::REFUSED, text));
    }
    match request.chain_id {
        Some(have) if have != call.api.chain_id => {
            let want = call.api.chain_id;
            let text = format!("chainId does not match node's (have={have}, want={want})");
            Err(CallError::new(code::REFUSED, text))
        }
        _ => Ok(()),
    }
}
