//! Heads: what a client answers to a forkchoice, and where it stands.

use alloy_primitives::B256;
use alys_bus::protocol::engine::EngineHealth;
use alys_engine::messages::{EngineError, PayloadVerdict};
use serde_json::{Value, json};

use crate::remote::fake::GENESIS;
use crate::remote::rig::{Rig, empty, refusal};
use crate::remote::server::Reaction;

const FORKCHOICE: &str = "engine_forkchoiceUpdatedV3";

fn answer(status: &str, head: Value) -> Reaction {
    Reaction::Result(json!({
        "payloadStatus": { "status": status, "latestValidHash": head, "validationError": null },
        "payloadId": null,
    }))
}

async fn with_two_blocks() -> (Rig, [B256; 2]) {
    let rig = Rig::start().await;
    let first = empty(GENESIS, 1);
    let second = empty(first.header.payload_hash, 2);
    for block in [&first, &second] {
        assert!(matches!(rig.judge(block).await, PayloadVerdict::Valid(_)));
    }
    (rig, [first.header.payload_hash, second.header.payload_hash])
}

#[tokio::test]
async fn the_answer_to_a_forkchoice_is_the_clients_own_head_read_back() {
    let (rig, [first, second]) = with_two_blocks().await;
    for (hash, number) in [(second, 2), (first, 1), (second, 2)] {
        let head = rig.follow(hash).await.unwrap();
        assert_eq!((head.number, head.hash, head.durable), (number, hash, 0));
        assert_eq!(rig.head().await.unwrap(), head);
    }
    let log = rig.fake.server.log();
    let at = log.iter().position(|(method, _)| method == FORKCHOICE).unwrap();
    assert_eq!(log[at + 1].0, "eth_getBlockByNumber", "read back at once");
}

/// `valid-but-old-head`
#[tokio::test]
async fn valid_but_old_head_the_head_that_is_told_is_the_old_one_and_the_health_says_so() {
    let (rig, [first, second]) = with_two_blocks().await;
    rig.follow(first).await.unwrap();
    rig.fake.server.set(FORKCHOICE, answer("VALID", json!(second)));
    let head = rig.follow(second).await.unwrap();
    assert_eq!((head.number, head.hash), (1, first), "VALID proves nothing");
    rig.becomes(EngineHealth::Syncing).await;
    rig.fake.server.unset(FORKCHOICE);
    assert_eq!(rig.follow(second).await.unwrap().hash, second);
    rig.becomes(EngineHealth::Synced).await;
}

#[tokio::test]
async fn syncing_leaves_the_head_where_the_client_has_it() {
    let (rig, [first, _]) = with_two_blocks().await;
    rig.follow(first).await.unwrap();
    let head = rig.follow(B256::repeat_byte(0x99)).await.unwrap();
    assert_eq!(head.hash, first);
    rig.becomes(EngineHealth::Syncing).await;
}

#[tokio::test]
async fn a_head_that_the_client_calls_invalid_is_its_failure_with_its_words() {
    let (rig, [first, _]) = with_two_blocks().await;
    rig.fake.server.set(FORKCHOICE, answer("INVALID", json!(GENESIS)));
    let error = refusal(rig.follow(first).await);
    assert!(matches!(&error, EngineError::Failed(why) if why.contains(&GENESIS.to_string())), "{error}");
}

#[tokio::test]
async fn every_refusal_of_a_forkchoice_is_a_failure_with_the_clients_words_and_where_it_stands() {
    let (rig, [first, _]) = with_two_blocks().await;
    for (code, text) in [
        (-38002, "Invalid forkchoice state"),
        (-38003, "Invalid payload attributes"),
        (-38005, "Unsupported fork"),
        (-38006, "Too deep reorg"),
    ] {
        rig.fake.server.set(FORKCHOICE, Reaction::Error(code, text));
        let error = refusal(rig.follow(first).await);
        let says = |why: &String| why.contains(text) && why.contains(&GENESIS.to_string());
        assert!(matches!(&error, EngineError::Failed(why) if says(why)), "{error}");
        assert_eq!(rig.health.get(), EngineHealth::Synced, "a refusal is an answer");
    }
}

#[tokio::test]
async fn a_refusal_after_which_the_client_stands_where_nobody_sent_it_shows_in_the_health() {
    let (rig, [first, second]) = with_two_blocks().await;
    rig.follow(second).await.unwrap();
    rig.fake.chain.lock().strays = Some(GENESIS);
    let error = refusal(rig.follow(first).await);
    let says = |why: &String| why.contains("-38002") && why.contains(&GENESIS.to_string());
    assert!(matches!(&error, EngineError::Failed(why) if says(why)), "{error}");
    assert_eq!(rig.health.get(), EngineHealth::Syncing);
    assert_eq!(rig.follow(first).await.unwrap().hash, first);
    assert_eq!(rig.health.get(), EngineHealth::Synced);
}

#[tokio::test]
async fn an_invalid_head_after_which_the_client_stands_elsewhere_shows_in_the_health() {
    let (rig, [first, second]) = with_two_blocks().await;
    rig.follow(second).await.unwrap();
    rig.fake.server.set(FORKCHOICE, answer("INVALID", json!(GENESIS)));
    rig.fake.chain.lock().head = GENESIS;
    assert!(matches!(refusal(rig.follow(first).await), EngineError::Failed(_)));
    assert_eq!(rig.health.get(), EngineHealth::Syncing);
}

/// A `safe` off the new head: Geth refuses it, and has moved.
#[tokio::test]
async fn a_refusal_at_the_head_asked_for_is_still_a_failure_and_changes_no_health() {
    let (rig, [first, second]) = with_two_blocks().await;
    rig.follow(first).await.unwrap();
    rig.fake.chain.lock().strays = Some(second);
    let error = refusal(rig.follow(second).await);
    assert!(matches!(&error, EngineError::Failed(why) if why.contains(&second.to_string())), "{error}");
    assert_eq!(rig.health.get(), EngineHealth::Synced, "nothing is out of step");

    // Nor is what was out of step before put right by it.
    rig.follow(B256::repeat_byte(0x99)).await.unwrap();
    assert_eq!(rig.health.get(), EngineHealth::Syncing);
    rig.fake.chain.lock().strays = Some(first);
    assert!(matches!(refusal(rig.follow(first).await), EngineError::Failed(_)));
    assert_eq!(rig.health.get(), EngineHealth::Syncing);
}

#[tokio::test]
async fn a_client_restarted_with_an_older_head_is_told_as_it_stands() {
    let (rig, [first, second]) = with_two_blocks().await;
    rig.follow(second).await.unwrap();
    {
        let mut chain = rig.fake.chain.lock();
        chain.blocks.remove(&second);
        chain.head = first;
    }
    assert_eq!(rig.head().await.unwrap().number, 1);
    assert_eq!(rig.follow(second).await.unwrap().hash, first, "SYNCING, and the older head");
    // The payload is replayed, and all is well.
    assert!(matches!(rig.judge(&empty(first, 2)).await, PayloadVerdict::Valid(_)));
    assert_eq!(rig.follow(second).await.unwrap().hash, second);
    rig.becomes(EngineHealth::Synced).await;
}

#[tokio::test]
async fn a_wiped_client_stands_at_genesis_and_takes_the_payloads_again() {
    let (rig, [first, second]) = with_two_blocks().await;
    rig.follow(second).await.unwrap();
    rig.fake.chain.lock().wipe();
    assert_eq!((rig.head().await.unwrap().number, rig.head().await.unwrap().hash), (0, GENESIS));
    assert_eq!(rig.follow(second).await.unwrap().number, 0);
    rig.becomes(EngineHealth::Syncing).await;
    for (parent, hash) in [(GENESIS, first), (first, second)] {
        let height = if parent == GENESIS { 1 } else { 2 };
        assert!(matches!(rig.judge(&empty(parent, height)).await, PayloadVerdict::Valid(_)));
        assert_eq!(rig.follow(hash).await.unwrap().hash, hash);
    }
    rig.becomes(EngineHealth::Synced).await;
}
