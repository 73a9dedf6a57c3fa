//! Blocks and what is in them: `eth_getBlockBy*`, `eth_getHeaderBy*`, `eth_getBlockTransactionCountBy*`,
//! `eth_getTransactionByBlock*AndIndex`, `eth_getBlockReceipts`, and uncles, of which there are none.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::U64;
use alloy_rpc_types_eth::{Block, BlockTransactions, Header, Transaction, TransactionReceipt};
use alys_bus::protocol::EngineMessage;
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;

use crate::{
    api::{Call, Register},
    call_error::CallError,
    params::{BlockHash, BlockParam, Index, NumberOrTag},
};

pub(super) fn register(methods: &mut Register) -> Result<(), RegisterMethodError> {
    methods.add("eth_getBlockByNumber", block_by_number)?;
    methods.add("eth_getBlockByHash", block_by_hash)?;
    methods.add("eth_getHeaderByNumber", header_by_number)?;
    methods.add("eth_getHeaderByHash", header_by_hash)?;
    methods.add("eth_getBlockTransactionCountByNumber", count_by_number)?;
    methods.add("eth_getBlockTransactionCountByHash", count_by_hash)?;
    methods.add("eth_getTransactionByBlockNumberAndIndex", transaction_by_number)?;
    methods.add("eth_getTransactionByBlockHashAndIndex", transaction_by_hash)?;
    methods.add("eth_getBlockReceipts", receipts)?;
    methods.add("eth_getUncleCountByBlockNumber", uncle_count_by_number)?;
    methods.add("eth_getUncleCountByBlockHash", uncle_count_by_hash)?;
    methods.add("eth_getUncleByBlockNumberAndIndex", uncle_by_number)?;
    methods.add("eth_getUncleByBlockHashAndIndex", uncle_by_hash)
}

/// A block as clients read it.
#[derive(Clone, Serialize)]
#[serde(untagged)]
enum BlockAnswer {
    /// On the chain.
    Block(Box<Block>),
    /// Under construction.
    Pending(PendingBlock),
}

/// A block under construction has no hash yet, no work, and nobody who is paid: as Geth, these are `null`.
#[derive(Clone, Serialize)]
struct PendingBlock {
    hash: (),
    nonce: (),
    miner: (),
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

impl BlockAnswer {
    fn new(at: BlockId, block: Box<Block>) -> Self {
        if at != BlockId::pending() {
            return Self::Block(block);
        }
        match serde_json::to_value(&block) {
            Ok(serde_json::Value::Object(mut rest)) => {
                // The last is known when a slot is, and Geth does not say it either.
                for field in ["hash", "nonce", "miner", "parentBeaconBlockRoot"] {
                    rest.remove(field);
                }
                Self::Pending(PendingBlock { hash: (), nonce: (), miner: (), rest })
            }
            _ => Self::Block(block),
        }
    }
}

pub(super) async fn fetch(call: &Call, at: BlockId, full: bool) -> Result<Option<Box<Block>>, CallError> {
    call.engine(|reply| EngineMessage::BlockBy { at, full, reply }).await
}

async fn block(mut call: Call, at: BlockId) -> Result<Option<BlockAnswer>, CallError> {
    let full = call.params.optional("full transactions")?.unwrap_or(false);
    call.params.finish()?;
    let found = fetch(&call, at, full).await?;
    Ok(found.map(|block| BlockAnswer::new(at, block)))
}

async fn block_by_number(mut call: Call) -> Result<Option<BlockAnswer>, CallError> {
    let at = by_number(&mut call)?;
    block(call, at).await
}

async fn block_by_hash(mut call: Call) -> Result<Option<BlockAnswer>, CallError> {
    let at = by_hash(&mut call)?;
    block(call, at).await
}

async fn header_by_number(mut call: Call) -> Result<Option<Header>, CallError> {
    let at = by_number(&mut call)?;
    header(call, at).await
}

async fn header_by_hash(mut call: Call) -> Result<Option<Header>, CallError> {
    let at = by_hash(&mut call)?;
    header(call, at).await
}

/// A block without what is in it.
async fn header(call: Call, at: BlockId) -> Result<Option<Header>, CallError> {
    call.params.finish()?;
    if at == BlockId::pending() {
        // Of a block under construction there is no header, as Geth says it.
        return Ok(None);
    }
    let found = fetch(&call, at, false).await?;
    // The size is of the block, not of its header.
    Ok(found.map(|block| Header { size: None, ..block.header }))
}

pub(super) fn by_number(call: &mut Call) -> Result<BlockId, CallError> {
    let NumberOrTag(block) = call.params.required("block")?;
    Ok(BlockId::Number(block))
}

pub(super) fn by_hash(call: &mut Call) -> Result<BlockId, CallError> {
    let BlockHash(hash) = call.params.required("block hash")?;
    Ok(BlockId::hash(hash))
}

async fn count_by_number(mut call: Call) -> Result<Option<U64>, CallError> {
    let at = by_number(&mut call)?;
    count(call, at, |block| block.transactions.len()).await
}

async fn count_by_hash(mut call: Call) -> Result<Option<U64>, CallError> {
    let at = by_hash(&mut call)?;
    count(call, at, |block| block.transactions.len()).await
}

async fn uncle_count_by_number(mut call: Call) -> Result<Option<U64>, CallError> {
    let at = by_number(&mut call)?;
    count(call, at, |block| block.uncles.len()).await
}

async fn uncle_count_by_hash(mut call: Call) -> Result<Option<U64>, CallError> {
    let at = by_hash(&mut call)?;
    count(call, at, |block| block.uncles.len()).await
}

/// How many of something a block has; `null` where there is no such block.
async fn count(call: Call, at: BlockId, of: impl FnOnce(&Block) -> usize) -> Result<Option<U64>, CallError> {
    call.params.finish()?;
    let found = fetch(&call, at, false).await?;
    Ok(found.map(|block| U64::from(of(&block))))
}

async fn transaction_by_number(mut call: Call) -> Result<Option<Transaction>, CallError> {
    let at = by_number(&mut call)?;
    find_transaction(call, at).await
}

async fn transaction_by_hash(mut call: Call) -> Result<Option<Transaction>, CallError> {
    let at = by_hash(&mut call)?;
    find_transaction(call, at).await
}

/// The transaction at the index that the call goes on with.
pub(super) async fn find_transaction(mut call: Call, at: BlockId) -> Result<Option<Transaction>, CallError> {
    let Index(index) = call.params.required("index")?;
    call.params.finish()?;
    let found = fetch(&call, at, true).await?;
    Ok(found.and_then(|block| match block.transactions {
        BlockTransactions::Full(transactions) => transactions.into_iter().nth(index),
        BlockTransactions::Hashes(_) | BlockTransactions::Uncle => None,
    }))
}

async fn receipts(mut call: Call) -> Result<Option<Vec<TransactionReceipt>>, CallError> {
    let BlockParam(at) = call.params.required("block")?;
    call.params.finish()?;
    if at == BlockId::Number(BlockNumberOrTag::Pending) {
        // What is not mined has no receipt.
        return Ok(None);
    }
    call.engine(|reply| EngineMessage::BlockReceipts { at, reply }).await
}

async fn uncle_by_number(mut call: Call) -> Result<Option<Block>, CallError> {
    by_number(&mut call)?;
    no_uncle(call)
}

async fn uncle_by_hash(mut call: Call) -> Result<Option<Block>, CallError> {
    by_hash(&mut call)?;
    no_uncle(call)
}

fn no_uncle(mut call: Call) -> Result<Option<Block>, CallError> {
    let Index(_) = call.params.required("index")?;
    call.params.finish()?;
    Ok(None)
}
