//! How far the node is: `eth_syncing`, `eth_blockNumber`.

use alloy_primitives::U64;
use alys_bus::protocol::{ChainMessage, EngineMessage, chain::SyncState};
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;

use crate::{
    api::{Call, Register},
    call_error::CallError,
};

pub(super) fn register(methods: &mut Register) -> Result<(), RegisterMethodError> {
    methods.add("eth_syncing", syncing)
}

pub(super) fn register_block_number(methods: &mut Register) -> Result<(), RegisterMethodError> {
    methods.add("eth_blockNumber", block_number)
}

/// `false` at the tip, an object before.
#[derive(Clone, Serialize)]
#[serde(untagged)]
enum Syncing {
    No(bool),
    #[serde(rename_all = "camelCase")]
    Yes {
        starting_block: U64,
        current_block: U64,
        highest_block: U64,
    },
}

async fn syncing(call: Call) -> Result<Syncing, CallError> {
    call.params.finish()?;
    let status = call.chain(|reply| ChainMessage::Status { reply }).await?;
    if status.sync == SyncState::Synced {
        return Ok(Syncing::No(false));
    }
    // Where the peers stand is not known here: the head is the highest that is known for certain.
    let head = U64::from(status.head.height);
    Ok(Syncing::Yes { starting_block: U64::ZERO, current_block: head, highest_block: head })
}

async fn block_number(call: Call) -> Result<U64, CallError> {
    call.params.finish()?;
    let head = call.engine(|reply| EngineMessage::Head { reply }).await?;
    Ok(U64::from(head.number))
}
