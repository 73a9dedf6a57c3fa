//! What consensus learns from an executed payload, from the receipts a client hands out.
//!
//! A client's word is not believed: receipts count only if their root and bloom are the payload's, which
//! its block hash commits to. What the root does not cover, as the price a transaction paid or the gas it
//! used alone, is not read from the receipts but computed from what is covered: the transactions, and the
//! cumulative gas.

use alloy_consensus::{EMPTY_ROOT_HASH, Transaction as _, TxReceipt, proofs::calculate_receipt_root};
use alloy_primitives::{B256, Bloom, Bytes, U256};
use alloy_rpc_types_eth::TransactionReceipt;
use alys_engine_api::BlockTransactions;
use alys_primitives::payload::to_requests;
use alys_primitives::{Block, ExecutionFacts};

use crate::execute::{PayloadBlock, Receipt, block_from_payload};
use crate::facts::{burns, cancellations};

/// A payload taken apart, its hash checked.
///
/// # Errors
/// A text, where the payload is no block.
pub(super) fn take_apart(block: &Block) -> Result<PayloadBlock, String> {
    let requests: Vec<Bytes> = to_requests(&block.execution_requests).into_iter().collect();
    block_from_payload(&block.payload, block.header.parent, &requests).map_err(|error| error.to_string())
}

/// Which receipts are needed.
pub(super) fn wanted(payload: &PayloadBlock) -> BlockTransactions {
    let transactions = payload.block.body.transactions.iter().map(|tx| *tx.tx_hash()).collect();
    BlockTransactions { hash: payload.hash, transactions }
}

/// The facts of a payload without transactions, which needs no receipts.
pub(super) fn of_nothing(payload: &PayloadBlock) -> Option<Result<ExecutionFacts, String>> {
    payload.block.body.transactions.is_empty().then(|| from_receipts(payload, &[]))
}

/// The facts of a payload, from its receipts.
///
/// # Errors
/// A text, where the receipts are not the payload's.
pub(super) fn of(payload: &PayloadBlock, receipts: &[TransactionReceipt]) -> Result<ExecutionFacts, String> {
    let receipts: Vec<Receipt> = receipts.iter().map(consensus_receipt).collect();
    from_receipts(payload, &receipts)
}

fn consensus_receipt(receipt: &TransactionReceipt) -> Receipt {
    Receipt {
        tx_type: receipt.inner.tx_type(),
        success: receipt.inner.status(),
        cumulative_gas_used: receipt.inner.cumulative_gas_used(),
        logs: receipt.inner.logs().iter().map(|log| log.inner.clone()).collect(),
    }
}

fn from_receipts(payload: &PayloadBlock, receipts: &[Receipt]) -> Result<ExecutionFacts, String> {
    let (header, transactions) = (&payload.block.header, &payload.block.body.transactions);
    let (root, bloom) = roots(receipts);
    if root != header.receipts_root {
        return Err(format!("the receipts' root is {root}, the payload's is {}", header.receipts_root));
    }
    if bloom != header.logs_bloom {
        return Err("the receipts' bloom is not the payload's".into());
    }
    if receipts.len() != transactions.len() {
        return Err(format!("{} receipts of {} transactions", receipts.len(), transactions.len()));
    }
    let mut fees = U256::ZERO;
    let mut before = 0;
    for (transaction, receipt) in transactions.iter().zip(receipts) {
        let after = receipt.cumulative_gas_used;
        let gas = after.checked_sub(before).ok_or("the cumulative gas of the receipts falls")?;
        let price = transaction.effective_gas_price(header.base_fee_per_gas);
        fees = fees.saturating_add(U256::from(price).saturating_mul(U256::from(gas)));
        before = after;
    }
    if before != header.gas_used {
        return Err(format!("the receipts use {before} gas, the payload {}", header.gas_used));
    }
    Ok(ExecutionFacts {
        burns: burns(receipts),
        cancellations: cancellations(receipts),
        fees,
        gas: header.gas_used,
    })
}

fn roots(receipts: &[Receipt]) -> (B256, Bloom) {
    if receipts.is_empty() {
        return (EMPTY_ROOT_HASH, Bloom::ZERO);
    }
    let receipts: Vec<_> = receipts.iter().map(TxReceipt::with_bloom_ref).collect();
    let bloom = receipts.iter().fold(Bloom::ZERO, |bloom, one| bloom | one.logs_bloom);
    (calculate_receipt_root(&receipts), bloom)
}
