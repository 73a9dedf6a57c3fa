//! Transactions and their receipts.

use alloy_consensus::transaction::{Recovered, TransactionInfo, TransactionMeta};
use alloy_consensus::{
    Receipt as EthReceipt, ReceiptEnvelope, ReceiptWithBloom, Transaction as _, TxReceipt,
};
use alloy_eips::BlockId;
use alloy_primitives::B256;
use alloy_rpc_types_eth as eth;

use super::at::block_at;
use super::errors::query_error;
use crate::chain::{ExecutedBlock, World};
use crate::embedded::Opened;
use crate::error::StateError;
use crate::execute::{Receipt, RecoveredTransaction};
use crate::messages::QueryError;
use crate::pool::PooledTransaction;

/// A transaction where it stands in its block.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    block: &'a ExecutedBlock,
    index: usize,
    tx: &'a RecoveredTransaction,
    receipt: &'a Receipt,
}

impl<'a> Place<'a> {
    pub(super) fn of(block: &'a ExecutedBlock, index: usize) -> Option<Self> {
        let (tx, receipt) = (block.transactions.get(index)?, block.receipts.get(index)?);
        Some(Self { block, index, tx, receipt })
    }

    fn index(&self) -> u64 {
        u64::try_from(self.index).unwrap_or(u64::MAX)
    }

    pub(super) fn meta(&self) -> TransactionMeta {
        let header = &self.block.header;
        TransactionMeta {
            tx_hash: *self.tx.inner().tx_hash(),
            index: self.index(),
            block_hash: self.block.hash,
            block_number: header.number,
            base_fee: header.base_fee_per_gas,
            excess_blob_gas: header.excess_blob_gas,
            timestamp: header.timestamp,
        }
    }
}

/// A transaction in the canonical chain, or in the pool.
pub(super) fn transaction(opened: &Opened, hash: &B256) -> Result<Option<Box<eth::Transaction>>, QueryError> {
    // The pool first: what is mined meanwhile is found in the chain then, and never in neither.
    let waiting = opened.pool.lock().pool.get(hash).cloned();
    let found = locate(&opened.reads.world(), hash).map_err(query_error)?;
    let mined = found.as_ref().and_then(|(block, index)| Place::of(block, *index)).map(transaction_in);
    let transaction = mined.or_else(|| waiting.map(|tx| pending_transaction(&tx)));
    Ok(transaction.map(Box::new))
}

/// The receipt of a transaction in the canonical chain.
pub(super) fn receipt(
    opened: &Opened,
    hash: &B256,
) -> Result<Option<Box<eth::TransactionReceipt>>, QueryError> {
    let Some((block, index)) = locate(&opened.reads.world(), hash).map_err(query_error)? else {
        return Ok(None);
    };
    let before = block.receipts.iter().take(index).map(|receipt| receipt.logs().len()).sum();
    Ok(Place::of(&block, index).map(|place| Box::new(receipt_in(place, before))))
}

/// All receipts of a block.
pub(super) fn block_receipts(
    opened: &Opened,
    at: BlockId,
) -> Result<Option<Vec<eth::TransactionReceipt>>, QueryError> {
    let Some(block) = block_at(&opened.reads.world(), at)? else {
        return Ok(None);
    };
    let mut logs = 0usize;
    let places = (0..block.transactions.len()).filter_map(|index| Place::of(&block, index));
    let receipts = places.map(|place| {
        let receipt = receipt_in(place, logs);
        logs += place.receipt.logs().len();
        receipt
    });
    Ok(Some(receipts.collect()))
}

fn locate(world: &World, hash: &B256) -> Result<Option<(std::sync::Arc<ExecutedBlock>, usize)>, StateError> {
    let Some(stored) = world.transaction(hash)? else { return Ok(None) };
    let Some(block) = world.canonical_hash(stored.block)? else { return Ok(None) };
    let block = world.block(&block)?;
    Ok(block.zip(usize::try_from(stored.index).ok()))
}

/// A mined transaction in the shape of the RPC.
pub(super) fn transaction_in(place: Place<'_>) -> eth::Transaction {
    let header = &place.block.header;
    let info = TransactionInfo {
        hash: Some(*place.tx.inner().tx_hash()),
        index: Some(place.index()),
        block_hash: Some(place.block.hash),
        block_number: Some(header.number),
        base_fee: header.base_fee_per_gas,
        block_timestamp: Some(header.timestamp),
    };
    eth::Transaction::from_transaction(with_wide_type(place.tx), info)
}

/// A waiting transaction in the shape of the RPC: no block, and the fee cap as its price.
pub(super) fn pending_transaction(tx: &PooledTransaction) -> eth::Transaction {
    let info = TransactionInfo { hash: Some(tx.hash()), ..TransactionInfo::default() };
    eth::Transaction::from_transaction(with_wide_type(tx.transaction()), info)
}

/// The RPC's transaction type has room for blobs.
fn with_wide_type(tx: &RecoveredTransaction) -> Recovered<alloy_consensus::TxEnvelope> {
    Recovered::new_unchecked(tx.inner().clone().into(), tx.signer())
}

/// A receipt in the shape of the RPC; `logs_before` in the same block.
fn receipt_in(place: Place<'_>, logs_before: usize) -> eth::TransactionReceipt {
    let Place { block, index, tx, receipt } = place;
    let inner = tx.inner();
    let before = index.checked_sub(1).and_then(|previous| block.receipts.get(previous));
    let cumulative_gas_used = receipt.cumulative_gas_used;
    let gas_used = cumulative_gas_used.saturating_sub(before.map_or(0, |r| r.cumulative_gas_used));
    let logs = eth::Log::collect_for_receipt(logs_before, place.meta(), receipt.logs().iter().cloned());
    let with_bloom = ReceiptWithBloom {
        receipt: EthReceipt { status: receipt.status_or_post_state(), cumulative_gas_used, logs },
        logs_bloom: receipt.bloom(),
    };
    // Where it would have been, also where the creation failed: as Geth says it.
    let created = inner.is_create().then(|| tx.signer().create(inner.nonce()));
    eth::TransactionReceipt {
        inner: ReceiptEnvelope::from_typed(inner.tx_type(), with_bloom),
        transaction_hash: *inner.tx_hash(),
        transaction_index: Some(place.index()),
        block_hash: Some(block.hash),
        block_number: Some(block.header.number),
        gas_used,
        effective_gas_price: inner.effective_gas_price(block.header.base_fee_per_gas),
        blob_gas_used: None,
        blob_gas_price: None,
        from: tx.signer(),
        to: inner.to(),
        contract_address: created,
    }
}
