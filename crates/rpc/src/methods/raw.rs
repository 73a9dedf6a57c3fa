//! What is hashed, as bytes: transactions as they were signed and sent (EIP-2718) by `eth_getRawTransactionBy*` and
//! `debug_getRawTransaction`; blocks, headers and receipts by `debug_getRaw*` (RLP, and EIP-2718).

use alloy_consensus::BlockBody;
use alloy_eips::{BlockId, BlockNumberOrTag, eip2718::Encodable2718};
use alloy_primitives::{B256, Bytes};
use alloy_rpc_types_eth::{Block, Transaction};
use alys_bus::protocol::EngineMessage;
use jsonrpsee::core::RegisterMethodError;

use super::blocks::{by_hash, by_number, fetch, find_transaction};
use crate::{
    api::{Call, Register},
    call_error::{CallError, code},
    params::BlockParam,
};

pub(super) fn register(methods: &mut Register) -> Result<(), RegisterMethodError> {
    methods.add("eth_getRawTransactionByHash", of_hash)?;
    methods.add("eth_getRawTransactionByBlockNumberAndIndex", in_block_of_number)?;
    methods.add("eth_getRawTransactionByBlockHashAndIndex", in_block_of_hash)?;
    methods.add("debug_getRawTransaction", of_hash)?;
    methods.add("debug_getRawBlock", block)?;
    methods.add("debug_getRawHeader", header)?;
    methods.add("debug_getRawReceipts", receipts)
}

/// The block that is named, and not one under construction. As Geth: of a number that nobody has reached there is
/// nothing; a hash that nobody has is a mistake.
async fn named(mut call: Call) -> Result<Option<Box<Block>>, CallError> {
    let BlockParam(at) = call.params.required("block")?;
    call.params.finish()?;
    let found = match at {
        BlockId::Number(BlockNumberOrTag::Pending) => None,
        at => fetch(&call, at, true).await?,
    };
    match at {
        BlockId::Number(BlockNumberOrTag::Number(_)) => Ok(found),
        at => found.map(Some).ok_or_else(|| CallError::new(code::REFUSED, format!("block {at} not found"))),
    }
}

async fn block(call: Call) -> Result<Bytes, CallError> {
    let Some(block) = named(call).await? else { return Ok(Bytes::new()) };
    let transactions =
        block.transactions.into_transactions().map(|transaction| transaction.inner.into_inner());
    let body = BlockBody {
        transactions: transactions.collect(),
        ommers: Vec::new(),
        withdrawals: block.withdrawals,
    };
    Ok(alloy_rlp::encode(body.into_block(block.header.inner)).into())
}

async fn header(call: Call) -> Result<Bytes, CallError> {
    let block = named(call).await?;
    Ok(block.map(|block| alloy_rlp::encode(&block.header.inner).into()).unwrap_or_default())
}

/// `null` where there is no such block.
async fn receipts(mut call: Call) -> Result<Option<Vec<Bytes>>, CallError> {
    let BlockParam(at) = call.params.required("block")?;
    call.params.finish()?;
    let found = call.engine(|reply| EngineMessage::BlockReceipts { at, reply }).await?;
    let encoded = found.map(|receipts| {
        let receipts = receipts.into_iter().map(|receipt| receipt.into_primitives_receipt());
        receipts.map(|receipt| receipt.inner.encoded_2718().into()).collect()
    });
    Ok(encoded)
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
