//! Events of contracts: `eth_getLogs`.

use alloy_rpc_types_eth::{Filter, FilterBlockOption, Log};
use alys_bus::protocol::EngineMessage;
use jsonrpsee::core::RegisterMethodError;

use crate::{
    api::{Call, Register},
    call_error::{CallError, code},
};

pub(super) fn register(methods: &mut Register) -> Result<(), RegisterMethodError> {
    methods.add("eth_getLogs", logs)
}

async fn logs(mut call: Call) -> Result<Vec<Log>, CallError> {
    let filter: Filter = call.params.required("filter")?;
    call.params.finish()?;
    find(&call, filter).await
}

/// The logs that match, of a whole chain.
pub(super) async fn find(call: &Call, filter: Filter) -> Result<Vec<Log>, CallError> {
    let at_hash = matches!(filter.block_option, FilterBlockOption::AtBlockHash(_));
    let filter = Box::new(filter);
    let found = call.engine(|reply| EngineMessage::Logs { filter, reply }).await;
    found.map_err(|error| match at_hash && error.code == code::REFUSED {
        // Here Geth has other words.
        true => CallError::new(code::REFUSED, "unknown block"),
        false => error,
    })
}
