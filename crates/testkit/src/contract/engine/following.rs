//! `ForkchoiceUpdate` and `Head`: where the client really stands.

use alloy_eips::BlockId;
use alloy_primitives::B256;
use alys_bus::protocol::engine::EngineMessage;

use super::{EngineSubject, rig::Rig};
use crate::{contract::answered, wallet::payer};

/// The first head is the genesis of the spec.
pub async fn an_engine_stands_at_genesis_first(subject: impl EngineSubject) {
    let rig = Rig::new(subject).await;
    let head = rig.engine_head().await;
    let genesis = super::spec().genesis().block.header.payload_hash;
    assert_eq!((head.number, head.hash), (0, genesis));
}

/// The answer is the client's own latest block, and `Head` says the same; more may have become durable meanwhile.
pub async fn the_answer_to_a_forkchoice_is_the_head_read_back(subject: impl EngineSubject) {
    let mut rig = Rig::new(subject).await;
    for height in rig.height + 1..=rig.height + 3 {
        let block = rig.propose(&rig.next_rules()).await;
        rig.valid(&block).await;
        assert_eq!(rig.engine_head().await.number, height - 1, "a judgement moves no head");
        let hash = block.header.payload_hash;
        let head = answered(rig.choose(hash, rig.head).await);
        assert_eq!((head.number, head.hash), (height, hash));
        let read_back = rig.catch_up().await;
        assert_eq!((read_back.number, read_back.hash), (height, hash));
        assert!(head.durable <= read_back.durable && read_back.durable <= height);
    }
}

/// Idempotent.
pub async fn the_same_forkchoice_again_changes_nothing(subject: impl EngineSubject) {
    let mut rig = Rig::new(subject).await;
    rig.next_block().await;
    let safe = rig.head;
    rig.next_block().await;
    let once = answered(rig.choose(rig.head, safe).await);
    let again = answered(rig.choose(rig.head, safe).await);
    assert_eq!((again.number, again.hash), (once.number, once.hash));
}

/// Whatever is answered, the engine stays where it is, and goes on from there.
pub async fn a_forkchoice_to_an_unknown_block_moves_nothing(subject: impl EngineSubject) {
    let mut rig = Rig::new(subject).await;
    rig.next_block().await;
    match rig.choose(B256::repeat_byte(0x99), B256::ZERO).await {
        Ok(head) => assert_eq!(head.hash, rig.head),
        Err(error) => assert!(error.into_actor().is_some(), "a refusal must be the engine's own"),
    }
    assert_eq!(rig.engine_head().await.hash, rig.head);
    rig.next_block().await;
}

async fn is_mined(rig: &Rig<impl EngineSubject>, hash: B256) -> bool {
    answered(rig.ask(|reply| EngineMessage::Receipt { hash, reply }).await).is_some()
}

/// A reorg: the head is the chosen one, and what only the other branch had is mined no more.
pub async fn a_rival_becomes_the_head_when_it_is_chosen(subject: impl EngineSubject) {
    let there = Rig::new(subject.another().await).await;
    let mut rig = Rig::new(subject).await;
    let parent = rig.head;
    let hash = rig.send(&rig.transfer(0, super::ECHO, 1)).await;
    let (ours, _) = rig.next_block().await;
    assert!(is_mined(&rig, hash).await);
    let rival = there.propose(&there.rules(parent, there.height + 1, 9)).await;
    rig.follow(&rival).await;
    assert!(!is_mined(&rig, hash).await, "the rival does not have it");
    let latest = rig.account(payer(), BlockId::latest()).await;
    assert_eq!(answered(latest).nonce, rig.nonce(0));
    rig.follow(&ours).await;
    assert!(is_mined(&rig, hash).await);
}

/// What lies above the durable height is handed to it again by chain, and leads to the same head.
pub async fn payloads_can_be_replayed_after_a_restart(subject: impl EngineSubject) {
    let mut rig = Rig::new(subject).await;
    let mut blocks = Vec::new();
    for nonce in 0..4 {
        rig.send(&rig.transfer(nonce, super::ECHO, 1)).await;
        blocks.push(rig.next_block().await);
    }
    let safe = blocks[1].0.header.payload_hash;
    let durable = answered(rig.choose(rig.head, safe).await).durable;
    let (head, height) = (rig.head, rig.height);
    rig.subject.restart().await;
    let now = rig.catch_up().await;
    assert!(now.number >= durable, "{now:?} after {durable} was durable");
    for (block, facts) in blocks.iter().filter(|(block, _)| block.header.height > now.number) {
        assert_eq!(rig.follow(block).await, *facts);
    }
    assert_eq!((rig.head, rig.height), (head, height));
    rig.next_block().await;
}
