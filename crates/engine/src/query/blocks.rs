//! Blocks as wallets see them.

use alloy_consensus::constants::EMPTY_WITHDRAWALS;
use alloy_consensus::{BlockBody, Header, Transaction as _};
use alloy_eips::BlockId;
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{B256, Sealed, U256};
use alloy_rlp::Encodable;
use alloy_rpc_types_eth as eth;

use super::at::{block_at, is_pending};
use super::errors::query_error;
use super::transactions::{Place, pending_transaction, transaction_in};
use crate::chain::ExecutedBlock;
use crate::embedded::Opened;
use crate::error::StateError;
use crate::execute::{Block, next_base_fee};
use crate::messages::QueryError;

/// The block that `at` names, with whole transactions or their hashes.
pub(super) fn block(opened: &Opened, at: BlockId, full: bool) -> Result<Option<Box<eth::Block>>, QueryError> {
    if is_pending(at) {
        return pending(opened, full).map(|block| Some(Box::new(block)));
    }
    let block = block_at(&opened.reads.world(), at)?;
    Ok(block.map(|block| Box::new(mined(&block, full))))
}

fn mined(block: &ExecutedBlock, full: bool) -> eth::Block {
    let sealed = Sealed::new_unchecked(block.header.clone(), block.hash);
    let transactions = if full {
        let places = (0..block.transactions.len()).filter_map(|index| Place::of(block, index));
        eth::BlockTransactions::Full(places.map(transaction_in).collect())
    } else {
        let hashes = block.transactions.iter().map(|tx| *tx.inner().tx_hash());
        eth::BlockTransactions::Hashes(hashes.collect())
    };
    eth::Block {
        header: eth::Header::from_consensus(sealed, None, Some(U256::from(encoded_length(block)))),
        uncles: Vec::new(),
        transactions,
        withdrawals: Some(block.withdrawals.clone().into()),
    }
}

/// The length of the block's RLP.
fn encoded_length(block: &ExecutedBlock) -> usize {
    let body = BlockBody {
        transactions: block.transactions.iter().map(|tx| tx.inner().clone()).collect(),
        ommers: Vec::new(),
        withdrawals: Some(block.withdrawals.clone().into()),
    };
    Block { header: block.header.clone(), body }.length()
}

/// What the next block would begin with: its base fee is exact, its transactions are those that are ready
/// and fit by their gas limits. Nothing has been executed: there is no hash yet (zero), and all roots are
/// those of nothing.
fn pending(opened: &Opened, full: bool) -> Result<eth::Block, QueryError> {
    let world = opened.reads.world();
    let hash = world.head.hash;
    let head = world.block(&hash).and_then(|block| block.ok_or(StateError::UnknownBlock(hash)));
    let head = head.map_err(query_error)?;
    let base_fee = next_base_fee(&head.header);
    let best = opened.pool.lock().pool.best(base_fee);
    let mut left = head.header.gas_limit;
    let fitting = best.map_while(|tx| {
        left = left.checked_sub(tx.transaction().inner().gas_limit())?;
        Some(tx)
    });
    let transactions = if full {
        eth::BlockTransactions::Full(fitting.map(|tx| pending_transaction(&tx)).collect())
    } else {
        eth::BlockTransactions::Hashes(fitting.map(|tx| tx.hash()).collect())
    };
    let header = Header {
        parent_hash: head.hash,
        number: head.header.number.saturating_add(1),
        timestamp: head.header.timestamp.saturating_add(1),
        gas_limit: head.header.gas_limit,
        beneficiary: head.header.beneficiary,
        base_fee_per_gas: Some(base_fee),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    };
    let sealed = Sealed::new_unchecked(header, B256::ZERO);
    Ok(eth::Block {
        header: eth::Header::from_consensus(sealed, None, None),
        uncles: Vec::new(),
        transactions,
        withdrawals: Some(Vec::new().into()),
    })
}
