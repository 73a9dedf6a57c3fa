//! `ValidatePayload`: VALID with facts, INVALID with a reason, or not to be judged now.

use alloy_primitives::{B256, U256};
use alys_bus::protocol::engine::PayloadVerdict;
use alys_primitives::Block;

use super::{
    EngineSubject,
    rig::{Rig, altered},
};

/// Idempotent, facts included: before and after the block is the head.
pub async fn the_same_payload_again_is_judged_alike(subject: impl EngineSubject) {
    let mut rig = Rig::new(subject).await;
    rig.send(&rig.transfer(0, super::ECHO, 1)).await;
    let block = rig.propose(&rig.next_rules()).await;
    let facts = rig.valid(&block).await;
    assert_eq!(rig.valid(&block).await, facts);
    rig.follow(&block).await;
    rig.next_block().await;
    assert_eq!(rig.valid(&block).await, facts, "an old block is still what it was");
}

/// Members execute what one of them built, and all learn the same of it.
pub async fn a_payload_built_elsewhere_is_valid_with_the_same_facts(subject: impl EngineSubject) {
    let mut there = Rig::new(subject.another().await).await;
    let mut here = Rig::new(subject).await;
    for nonce in 0..3 {
        there.send(&there.transfer(nonce, super::ECHO, 1)).await;
        let (block, facts) = there.next_block().await;
        assert_eq!(facts.gas, block.payload.payload_inner.payload_inner.gas_used);
        assert!(facts.gas >= 21_000 && facts.fees > U256::ZERO && facts.burns.is_empty());
        assert_eq!(here.follow(&block).await, facts);
    }
}

/// The parent is missing: it cannot be judged now, and nobody is to blame.
pub async fn a_payload_without_its_parent_is_unavailable_not_invalid(subject: impl EngineSubject) {
    let mut there = Rig::new(subject.another().await).await;
    let mut here = Rig::new(subject).await;
    let (first, _) = there.next_block().await;
    let (second, _) = there.next_block().await;
    let verdict = here.judge(&second).await;
    assert!(matches!(verdict, PayloadVerdict::Unavailable { .. }), "{verdict:?}");
    here.follow(&first).await;
    here.follow(&second).await;
}

type Lie = (&'static str, fn(&mut Block));

/// A payload that hashes to its name, and claims what execution does not bear out.
pub async fn a_false_claim_is_invalid_with_a_reason(subject: impl EngineSubject) {
    let there = Rig::new(subject.another().await).await;
    let rig = Rig::new(subject).await;
    there.send(&there.transfer(0, super::ECHO, 1)).await;
    let block = there.propose(&there.next_rules()).await;
    let lies: [Lie; 5] = [
        ("state root", |b| b.payload.payload_inner.payload_inner.state_root = B256::repeat_byte(1)),
        ("receipts root", |b| b.payload.payload_inner.payload_inner.receipts_root = B256::repeat_byte(1)),
        ("gas used", |b| b.payload.payload_inner.payload_inner.gas_used += 1),
        ("base fee", |b| b.payload.payload_inner.payload_inner.base_fee_per_gas += U256::from(1)),
        ("transactions", |b| b.payload.payload_inner.payload_inner.transactions.clear()),
    ];
    for (claim, lie) in lies {
        let verdict = rig.judge(&altered(&block, lie)).await;
        let PayloadVerdict::Invalid { reason } = verdict else { panic!("a false {claim}: {verdict:?}") };
        assert!(!reason.is_empty(), "a false {claim} is invalid without a reason");
    }
    assert_eq!(rig.engine_head().await.hash, rig.head, "no judgement moves the head");
}

/// A block hash that is not the payload's says nothing about the true payload of that name.
pub async fn a_true_payload_is_valid_after_a_false_copy_of_it(subject: impl EngineSubject) {
    let there = Rig::new(subject.another().await).await;
    let mut here = Rig::new(subject).await;
    there.send(&there.transfer(0, super::ECHO, 1)).await;
    let block = there.propose(&there.next_rules()).await;
    let mut copy = block.clone();
    copy.payload.payload_inner.payload_inner.transactions.clear();
    let verdict = here.judge(&copy).await;
    assert!(matches!(verdict, PayloadVerdict::Invalid { .. }), "{verdict:?}");
    here.follow(&block).await;
}
