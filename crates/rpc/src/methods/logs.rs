//! Events of contracts: `eth_getLogs`.

use alloy_rpc_types_eth::{Filter, Log};
use alys_bus::protocol::EngineMessage;
use jsonrpsee::core::RegisterMethodError;

use crate::{
    api::{Call, Register},
    call_error::CallError,
};

pub(super) fn register(methods: &mut Register) -> Result<(), RegisterMethodError> {
    methods.add("eth_getLogs", logs)
}

async fn logs(mut call: Call) -> Result<Vec<Log>, CallError> {
    let filter: Filter = call.params.required("filter")?;
    call.params.finish()?;
    let filter = Box::new(filter);
    call.engine(|reply| EngineMessage::Logs { filter, reply }).await
}
