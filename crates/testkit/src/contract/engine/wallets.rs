//! `SubmitTransaction`, and what becomes of a transaction.

use alloy_eips::BlockId;
use alloy_primitives::{Address, Bytes, U256};
use alys_bus::protocol::{engine::EngineMessage, query::TransactionRefusal};

use super::{EngineSubject, rig::Rig};
use crate::{
    contract::answered,
    wallet::{Unsigned, payer},
};

// Not 0xbb…: that is the bridge, which takes no plain transfer.
const RECEIVER: Address = Address::repeat_byte(0xcc);

/// Answered with its hash when it is in the pool; then mined, with a receipt and its effect.
pub async fn a_transaction_goes_from_the_pool_into_a_block_and_has_a_receipt(subject: impl EngineSubject) {
    let mut rig = Rig::new(subject).await;
    let before = answered(rig.account(RECEIVER, BlockId::latest()).await).balance;
    let hash = rig.send(&rig.transfer(0, RECEIVER, 7)).await;
    let waiting = answered(rig.ask(|reply| EngineMessage::Transaction { hash, reply }).await);
    assert!(waiting.is_some_and(|tx| tx.block_hash.is_none()), "it is in the pool");
    assert!(answered(rig.ask(|reply| EngineMessage::Receipt { hash, reply }).await).is_none());
    rig.pool_holds(1).await;

    let (block, facts) = rig.next_block().await;
    assert_eq!(block.payload.payload_inner.payload_inner.transactions.len(), 1);
    let receipt = answered(rig.ask(|reply| EngineMessage::Receipt { hash, reply }).await);
    let receipt = receipt.expect("a mined transaction has a receipt");
    assert!(receipt.status());
    assert_eq!((receipt.gas_used, receipt.block_hash), (21_000, Some(rig.head)));
    assert_eq!(facts.gas, 21_000);
    assert_eq!(facts.fees, U256::from(receipt.effective_gas_price) * U256::from(21_000));
    assert_eq!(answered(rig.account(RECEIVER, BlockId::latest()).await).balance, before + U256::from(7));
    let first = BlockId::number(rig.first_height);
    assert_eq!(answered(rig.account(RECEIVER, first).await).balance, before);
    let at = BlockId::latest();
    let receipts = answered(rig.ask(|reply| EngineMessage::BlockReceipts { at, reply }).await);
    assert_eq!(receipts.map(|all| all.iter().map(|r| r.transaction_hash).collect()), Some(vec![hash]));
    rig.pool_holds(0).await;
}

/// `Pending` counts the pool's nonces; `latest` does not.
pub async fn pending_counts_the_nonces_of_the_pool(subject: impl EngineSubject) {
    let rig = Rig::new(subject).await;
    for nonce in 0..3 {
        rig.send(&rig.transfer(nonce, RECEIVER, 1)).await;
    }
    assert_eq!(answered(rig.account(payer(), BlockId::pending()).await).nonce, rig.nonce(3));
    assert_eq!(answered(rig.account(payer(), BlockId::latest()).await).nonce, rig.nonce(0));
}

/// Why a transaction was not taken; the pool is as it was.
pub async fn refusals_say_what_is_wrong_and_change_nothing(subject: impl EngineSubject) {
    let mut rig = Rig::new(subject).await;
    rig.send(&rig.transfer(0, RECEIVER, 1)).await;
    rig.next_block().await;
    rig.pool_holds(0).await;

    let refused = rig.refused(Bytes::from_static(b"\x02nothing of the kind")).await;
    assert!(matches!(refused, TransactionRefusal::Malformed(_)), "{refused}");
    let elsewhere = Unsigned { chain_id: 1, ..rig.transfer(1, RECEIVER, 1) };
    let refused = rig.refused(elsewhere.sign()).await;
    assert!(matches!(refused, TransactionRefusal::WrongChain { .. }), "{refused}");
    let refused = rig.refused(rig.transfer(0, RECEIVER, 2).sign()).await;
    assert!(matches!(refused, TransactionRefusal::NonceTooLow { .. }), "{refused}");
    let rich = Unsigned { value: U256::MAX >> 1, ..rig.transfer(1, RECEIVER, 0) };
    let refused = rig.refused(rich.sign()).await;
    assert!(matches!(refused, TransactionRefusal::InsufficientFunds { .. }), "{refused}");
    rig.pool_holds(0).await;

    let once = rig.transfer(1, RECEIVER, 1);
    rig.send(&once).await;
    assert_eq!(rig.refused(once.sign()).await, TransactionRefusal::AlreadyKnown);
    let refused = rig.refused(rig.transfer(1, RECEIVER, 2).sign()).await;
    assert_eq!(refused, TransactionRefusal::ReplacementUnderpriced);
    rig.pool_holds(1).await;
}
