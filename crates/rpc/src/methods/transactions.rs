//! Transactions: `eth_sendRawTransaction`, `eth_getTransactionByHash`, `eth_getTransactionReceipt`,
//! `txpool_status`.

use alloy_primitives::{B256, Bytes, U64};
use alloy_rpc_types_eth::{Transaction, TransactionReceipt};
use alys_bus::protocol::EngineMessage;
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;

use crate::{
    api::{Call, Register},
    call_error::CallError,
};

pub(super) fn register(methods: &mut Register) -> Result<(), RegisterMethodError> {
    methods.add("eth_sendRawTransaction", send_raw)?;
    methods.add("eth_getTransactionByHash", by_hash)?;
    methods.add("eth_getTransactionReceipt", receipt)?;
    methods.add("txpool_status", pool_status)
}

/// How many transactions wait.
#[derive(Clone, Serialize)]
struct Waiting {
    pending: U64,
    queued: U64,
}

async fn pool_status(call: Call) -> Result<Waiting, CallError> {
    call.params.finish()?;
    let status = call.engine(|reply| EngineMessage::PoolStatus { reply }).await?;
    Ok(Waiting { pending: U64::from(status.pending), queued: U64::from(status.queued) })
}

/// Answered with the hash when the transaction is in the pool.
async fn send_raw(mut call: Call) -> Result<B256, CallError> {
    let raw: Bytes = call.params.required("transaction")?;
    call.params.finish()?;
    call.engine(|reply| EngineMessage::SubmitTransaction { raw, reply }).await
}

/// `null` where it is not known.
async fn by_hash(mut call: Call) -> Result<Option<Box<Transaction>>, CallError> {
    let hash: B256 = call.params.required("transaction hash")?;
    call.params.finish()?;
    call.engine(|reply| EngineMessage::Transaction { hash, reply }).await
}

/// `null` until it is mined.
async fn receipt(mut call: Call) -> Result<Option<Box<TransactionReceipt>>, CallError> {
    let hash: B256 = call.params.required("transaction hash")?;
    call.params.finish()?;
    call.engine(|reply| EngineMessage::Receipt { hash, reply }).await
}
