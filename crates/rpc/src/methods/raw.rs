//! Transactions as they were signed and sent (EIP-2718): `eth_getRawTransactionBy*`, `debug_getRawTransaction`.

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bytes};
use alloy_rpc_types_eth::Transaction;
use alys_bus::protocol::EngineMessage;
use jsonrpsee::core::RegisterMethodError;

use super::blocks::{by_hash, by_number, find_transaction};
use crate::{
    api::{Call, Register},
    call_error::CallError,
};

pub(super) fn register(methods: &mut Register) -> Result<(), RegisterMethodError> {
    methods.add("eth_getRawTransactionByHash", of_hash)?;
    methods.add("eth_getRawTransactionByBlockNumberAndIndex", in_block_of_number)?;
    methods.add("eth_getRawTransactionByBlockHashAndIndex", in_block_of_hash)?;
    methods.add("debug_getRawTransaction", of_hash)
}

/// Nothing where there is none, as Geth says it.
fn encoded(transaction: Option<&Transaction>) -> Bytes {
    transaction.map(|transaction| transaction.inner.encoded_2718().into()).unwrap_or_default()
}

async fn of_hash(mut call: Call) -> Result<Bytes, CallError> {
    let hash: B256 = call.params.required("transaction hash")?;
    call.params.finish()?;
    let found = call.engine(|reply| EngineMessage::Transaction { hash, reply }).await?;
    Ok(encoded(found.as_deref()))
}

async fn in_block_of_number(mut call: Call) -> Result<Bytes, CallError> {
    let at = by_number(&mut call)?;
    Ok(encoded(find_transaction(call, at).await?.as_ref()))
}

async fn in_block_of_hash(mut call: Call) -> Result<Bytes, CallError> {
    let at = by_hash(&mut call)?;
    Ok(encoded(find_transaction(call, at).await?.as_ref()))
}
