//! Payloads made wrong in one way each: all referees must find them INVALID.

use alloy_consensus::{SignableTransaction, TxEip4844};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bytes, Signature, U256};
use alys_engine::execute::Transaction;

use crate::genesis::CHAIN_ID;
use crate::sealed::Sealed;

/// A wrong payload.
#[derive(Debug, Clone)]
pub struct Forgery {
    /// What is wrong with it.
    pub name: &'static str,
    /// It.
    pub block: Sealed,
    /// Who is not asked, by name.
    pub spared: &'static [&'static str],
}

/// Every way of making `block` wrong that its contents allow. Each has the hash that its fields make,
/// so that it is the rule that is looked at and not the hash; but one.
///
/// # Errors
/// None for a block that a client has built.
pub fn forgeries(block: &Sealed, parent_time: u64) -> eyre::Result<Vec<Forgery>> {
    type Change = fn(&mut Sealed);
    let mut all: Vec<(&'static str, Change)> = vec![
        ("another state root", |block| inner(block).state_root.0[7] ^= 1),
        ("another receipts root", |block| inner(block).receipts_root.0[7] ^= 1),
        ("more gas used", |block| inner(block).gas_used += 1),
        ("more gas used than the limit", |block| inner(block).gas_used = inner(block).gas_limit + 1),
        ("another bloom", |block| inner(block).logs_bloom.0[100] ^= 4),
        ("a time long past", |block| inner(block).timestamp = 1),
        ("33 bytes of extra data", |block| inner(block).extra_data = Bytes::from_static(&[7; 33])),
        ("a base fee one wei higher", |block| inner(block).base_fee_per_gas += U256::from(1)),
        ("a base fee of nothing", |block| inner(block).base_fee_per_gas = U256::ZERO),
        ("a gas limit twice as high", |block| inner(block).gas_limit *= 2),
        ("a height too many", |block| inner(block).block_number += 1),
        ("blob gas used", |block| block.payload.blob_gas_used = 131_072),
        ("excess blob gas", |block| block.payload.excess_blob_gas = 131_072),
        ("another beacon root", |block| block.parent_beacon_block_root.0[3] ^= 1),
        ("requests that nobody made", |block| {
            block.requests = vec![[&[1u8][..], &[9; 76]].concat().into()];
        }),
        ("a withdrawal more", |block| {
            let one = alloy_eips::eip4895::Withdrawal { amount: 77, ..Default::default() };
            block.payload.payload_inner.withdrawals.push(one);
        }),
        ("a transaction of no type", |block| {
            inner(block).transactions.push(Bytes::from_static(&[0x7f, 1, 2]))
        }),
        ("a transaction of no bytes", |block| inner(block).transactions.push(Bytes::new())),
        ("a blob transaction", |block| inner(block).transactions.push(blob_transaction())),
    ];
    if !inner_of(block).transactions.is_empty() {
        all.push(("its last transaction twice", |block| {
            let last = inner(block).transactions.last().cloned();
            inner(block).transactions.extend(last);
        }));
        all.push(("its first transaction left out", |block| drop(inner(block).transactions.remove(0))));
        all.push(("a byte of a transaction altered", |block| {
            let mut bytes = inner(block).transactions[0].to_vec();
            let at = bytes.len() - 3;
            bytes[at] ^= 1;
            inner(block).transactions[0] = bytes.into();
        }));
    }
    if block.payload.payload_inner.withdrawals.iter().any(|one| one.amount > 0) {
        all.push(("a withdrawal of one gwei more", |block| {
            if let Some(one) = block.payload.payload_inner.withdrawals.iter_mut().find(|one| one.amount > 0) {
                one.amount += 1;
            }
        }));
        all.push(("a withdrawal less", |block| {
            let withdrawals = &mut block.payload.payload_inner.withdrawals;
            if let Some(at) = withdrawals.iter().position(|one| one.amount > 0) {
                withdrawals.remove(at);
            }
        }));
    }
    let mut forged = Vec::new();
    for (name, change) in all {
        let mut altered = block.clone();
        change(&mut altered);
        forged.push(Forgery { name, block: altered.rehash()?, spared: &[] });
    }
    let mut altered = block.clone();
    inner(&mut altered).timestamp = parent_time;
    forged.push(Forgery { name: "its parent's time", block: altered.rehash()?, spared: &[] });
    let mut altered = block.clone();
    inner(&mut altered).block_hash = B256::repeat_byte(0x77);
    // The specs are handed a block: they see no hash beside it.
    forged.push(Forgery { name: "another hash than its own", block: altered, spared: &["t8n"] });
    Ok(forged)
}

fn inner(block: &mut Sealed) -> &mut alloy_rpc_types_engine::ExecutionPayloadV1 {
    &mut block.payload.payload_inner.payload_inner
}

fn inner_of(block: &Sealed) -> &alloy_rpc_types_engine::ExecutionPayloadV1 {
    &block.payload.payload_inner.payload_inner
}

/// Somebody's, with a signature that recovers to an account without coins.
fn blob_transaction() -> Bytes {
    let tx = TxEip4844 {
        chain_id: CHAIN_ID,
        gas_limit: 21_000,
        max_fee_per_gas: u128::from(u64::MAX),
        blob_versioned_hashes: vec![B256::with_last_byte(1)],
        max_fee_per_blob_gas: 1,
        ..TxEip4844::default()
    };
    let signature = Signature::new(U256::from(1), U256::from(1), false);
    Transaction::from(tx.into_signed(signature)).encoded_2718().into()
}
