//! Building, sealing, judging, following.

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, U256};
use alys_bus::AskError;
use alys_engine::messages::{EngineError, EngineMessage, PayloadVerdict};

use super::rig::Rig;
use crate::common::{FEE_SINK, STORE, Send, signer, withdrawal};

#[tokio::test(start_paused = true)]
async fn a_transaction_goes_from_the_pool_into_a_block_and_its_receipt_comes_back() {
    let mut rig = Rig::start().await;
    let hash = rig.submit(&Send::transfer(0, 0, FEE_SINK, 7)).await.unwrap();
    assert!(rig.receipt(hash).await.is_none());
    let (block, facts) = rig.next_block().await;
    assert_eq!(block.payload.payload_inner.payload_inner.transactions.len(), 1);
    assert_eq!(facts.gas, 21_000);
    assert!(facts.burns.is_empty());
    let receipt = rig.receipt(hash).await.unwrap();
    assert!(receipt.status());
    assert_eq!((receipt.gas_used, receipt.block_hash), (21_000, Some(rig.head)));
    let paid = U256::from(receipt.effective_gas_price) * U256::from(21_000);
    assert_eq!(facts.fees, paid);
    let status = rig.ask(|reply| EngineMessage::PoolStatus { reply }).await.unwrap();
    assert_eq!((status.pending, status.queued), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_same_rules_give_the_same_id_and_a_seal_may_be_asked_for_again() {
    let rig = Rig::start().await;
    let id = rig.build(rig.next_rules()).await.unwrap();
    assert_eq!(rig.build(rig.next_rules()).await.unwrap(), id);
    let sealed = rig.seal(id).await.unwrap();
    // What comes after the seal is for another payload: the proposer has signed this one.
    rig.submit(&Send::transfer(0, 0, FEE_SINK, 7)).await.unwrap();
    assert_eq!(rig.seal(id).await.unwrap(), sealed);
    let other = rig.rules_on(rig.head, 1, 1_004);
    assert_ne!(rig.build(other).await.unwrap(), id);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_comes_while_a_payload_is_built_is_in_it_when_it_is_sealed() {
    let rig = Rig::start().await;
    let id = rig.build(rig.next_rules()).await.unwrap();
    rig.submit(&Send::transfer(0, 0, FEE_SINK, 7)).await.unwrap();
    let sealed = rig.seal(id).await.unwrap();
    assert_eq!(sealed.payload.payload_inner.payload_inner.transactions.len(), 1);
    assert!(sealed.fees > U256::ZERO);
}

#[tokio::test(start_paused = true)]
async fn sealing_what_nobody_builds_is_an_unknown_payload() {
    let rig = Rig::start().await;
    assert_eq!(rig.seal([7; 8]).await.unwrap_err(), AskError::Actor(EngineError::UnknownPayload));
}

#[tokio::test(start_paused = true)]
async fn building_on_an_unknown_parent_is_unavailable() {
    let rig = Rig::start().await;
    let rules = rig.rules_on(B256::repeat_byte(9), 5, 1_010);
    let error = rig.build(rules).await.unwrap_err();
    assert!(matches!(error, AskError::Actor(EngineError::Unavailable(_))), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_payload_repeats_every_rule_withdrawals_included() {
    let rig = Rig::start().await;
    let mut rules = rig.next_rules();
    rules.withdrawals = vec![withdrawal(0, Address::repeat_byte(3), 5)];
    let id = rig.build(rules.clone()).await.unwrap();
    let sealed = rig.seal(id).await.unwrap();
    rules.check(&sealed.payload).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_payload_built_elsewhere_is_executed_and_a_wrong_one_is_invalid_with_the_reason() {
    let mut here = Rig::start().await;
    let there = Rig::start().await;
    here.submit(&Send::store(0, 0, STORE, 3, 4)).await.unwrap();
    let block = here.propose(here.next_rules()).await;
    let mut wrong = block.clone();
    wrong.header.parent = B256::repeat_byte(1);
    let verdict = there.validate(wrong).await;
    assert!(matches!(&verdict, PayloadVerdict::Invalid { reason } if reason.contains("hash")), "{verdict:?}");
    let PayloadVerdict::Valid(facts) = there.validate(block.clone()).await else { panic!("not valid") };
    // Idempotent, and the same facts on both sides: one executed it, one adopted what it had built.
    assert_eq!(there.validate(block.clone()).await, PayloadVerdict::Valid(facts.clone()));
    assert_eq!(here.follow(&block).await, facts);
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_our_own_payload_with_other_requests_is_not_taken_for_it() {
    let rig = Rig::start().await;
    let mut block = rig.propose(rig.next_rules()).await;
    block.execution_requests = vec![vec![1u8, 2].try_into().unwrap()].try_into().unwrap();
    assert!(matches!(rig.validate(block).await, PayloadVerdict::Invalid { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_payload_without_its_parent_is_unavailable_not_invalid() {
    let mut here = Rig::start().await;
    let there = Rig::start().await;
    here.next_block().await;
    let (second, _) = here.next_block().await;
    assert!(matches!(there.validate(second).await, PayloadVerdict::Unavailable { .. }));
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_a_forkchoice_is_where_the_engine_stands() {
    let mut rig = Rig::start().await;
    let error = rig.forkchoice(B256::repeat_byte(1), B256::ZERO).await.unwrap_err();
    assert!(matches!(error, AskError::Actor(EngineError::Unavailable(_))), "{error}");
    rig.next_block().await;
    rig.next_block().await;
    let head = rig.ask(|reply| EngineMessage::Head { reply }).await.unwrap();
    assert_eq!((head.number, head.hash, head.durable), (2, rig.head, 0));
    let head = rig.forkchoice(rig.head, rig.head).await.unwrap();
    assert_eq!((head.number, head.durable), (2, 0), "nobody waits for the commit");
    let head = rig.ask(|reply| EngineMessage::Head { reply }).await.unwrap();
    assert_eq!((head.number, head.durable), (2, 2), "which comes right after the answer");
}

#[tokio::test(start_paused = true)]
async fn a_reorged_out_transaction_returns_to_the_pool_and_is_mined_again() {
    let mut rig = Rig::start().await;
    let genesis = rig.head;
    let hash = rig.submit(&Send::transfer(0, 0, FEE_SINK, 7)).await.unwrap();
    rig.next_block().await;
    assert!(rig.receipt(hash).await.is_some());
    // A rival of the first block that does not have it: built before the transaction came.
    let other = Rig::start().await;
    let rival = other.propose(other.rules_on(genesis, 1, 1_004)).await;
    rig.follow(&rival).await;
    assert!(rig.receipt(hash).await.is_none());
    assert_eq!(rig.transaction(hash).await.unwrap().block_hash, None);
    rig.next_block().await;
    assert_eq!(rig.receipt(hash).await.unwrap().block_number, Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_block_is_built_on_a_candidate_that_is_not_the_head_yet() {
    let rig = Rig::start().await;
    rig.submit(&Send::transfer(0, 0, FEE_SINK, 1)).await.unwrap();
    let first = rig.propose(rig.next_rules()).await;
    assert!(matches!(rig.validate(first.clone()).await, PayloadVerdict::Valid(_)));
    // The pool stands at genesis, and still offers the first transaction.
    rig.submit(&Send::transfer(0, 1, FEE_SINK, 1)).await.unwrap();
    let second = rig.propose(rig.rules_on(first.payload_hash_as_given(), 2, 1_004)).await;
    assert_eq!(second.payload.payload_inner.payload_inner.transactions.len(), 1);
    assert!(matches!(rig.validate(second).await, PayloadVerdict::Valid(_)));
}

#[tokio::test(start_paused = true)]
async fn the_best_tip_comes_first_and_an_account_keeps_its_order() {
    let rig = Rig::start().await;
    let tip = |from, nonce, tip| Send { tip, ..Send::transfer(from, nonce, FEE_SINK, 1) };
    for send in [tip(0, 0, 5), tip(0, 1, 90), tip(1, 0, 10), tip(2, 0, 50), tip(2, 1, 1)] {
        rig.submit(&send).await.unwrap();
    }
    let block = rig.propose(rig.next_rules()).await;
    let sealed = block.payload.clone();
    assert!(matches!(rig.validate(block).await, PayloadVerdict::Valid(_)));
    rig.forkchoice(sealed.payload_inner.payload_inner.block_hash, B256::ZERO).await.unwrap();
    let mined = rig.block(BlockId::latest(), true).await.unwrap();
    let order: Vec<_> = mined
        .transactions
        .as_transactions()
        .unwrap()
        .iter()
        .map(|tx| (tx.inner.signer(), alloy_consensus::Transaction::nonce(&*tx.inner)))
        .collect();
    let key = |key| signer(key).address();
    assert_eq!(order, [(key(2), 0), (key(1), 0), (key(0), 0), (key(0), 1), (key(2), 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_message_without_an_engine_behind_it_is_answered_as_not_done() {
    let rig = Rig::start().await;
    rig.client.stop(Rig::ctx().deadline).await.unwrap();
    let outcome = rig.ask(|reply| EngineMessage::Head { reply }).await;
    assert!(outcome.is_err_and(|error| error.is_transient()));
}
