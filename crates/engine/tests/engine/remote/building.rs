//! Building and sealing: what a client builds is checked before anybody sees it.

use alloy_primitives::{B256, Bytes, U256};
use alys_bus::protocol::engine::EngineHealth;
use alys_engine::messages::{EngineError, PayloadVerdict};
use alys_primitives::payload::PayloadRules;
use serde_json::{Value, json};

use crate::remote::fake::{self, GAS_LIMIT, GENESIS, payload};
use crate::remote::rig::{Rig, empty, refusal, rules};
use crate::remote::server::Reaction;

const FORKCHOICE: &str = "engine_forkchoiceUpdatedV3";
const GET_PAYLOAD: &str = "engine_getPayloadV4";

fn built(rules: &PayloadRules) -> Value {
    fake::built(&payload(rules, Vec::new(), &[]))
}

/// A client that hands out `payload` for the first block's rules.
async fn handing_out(payload: Value) -> (Rig, [u8; 8]) {
    let rig = Rig::start().await;
    rig.fake.chain.lock().built = payload;
    let id = rig.build(&rules(GENESIS, 1)).await.unwrap();
    (rig, id)
}

#[tokio::test]
async fn a_payload_by_the_rules_is_sealed_with_its_fees_and_the_same_rules_are_not_asked_twice() {
    let rules = rules(GENESIS, 1);
    let (rig, id) = handing_out(built(&rules)).await;
    assert_eq!(rig.build(&rules).await.unwrap(), id);
    assert_eq!(rig.fake.server.count(FORKCHOICE), 1);
    let (_, asked) = rig.fake.server.log().into_iter().find(|(method, _)| method == FORKCHOICE).unwrap();
    assert_eq!(asked[0]["headBlockHash"], json!(GENESIS));
    assert_eq!(
        (&asked[0]["safeBlockHash"], &asked[0]["finalizedBlockHash"]),
        (&json!(B256::ZERO), &json!(B256::ZERO))
    );
    assert_eq!(asked[1]["parentBeaconBlockRoot"], json!(rules.parent_beacon_block_root));
    assert_eq!(asked[1]["suggestedFeeRecipient"], json!(rules.fee_recipient));
    let sealed = rig.seal(id).await.unwrap();
    rules.check(&sealed.payload).unwrap();
    assert_eq!(sealed.fees, U256::from(9), "tips, and base fees of no gas");
}

#[tokio::test]
async fn a_client_with_another_gas_limit_is_told_how_to_be_started() {
    let drifted = PayloadRules { gas_limit: GAS_LIMIT + 29_296, ..rules(GENESIS, 1) };
    let (rig, id) = handing_out(built(&drifted)).await;
    let error = refusal(rig.seal(id).await);
    assert!(matches!(error, EngineError::Failed(_)), "{error}");
    assert!(error.to_string().contains(&format!("--miner.gaslimit {GAS_LIMIT}")), "{error}");
}

#[tokio::test]
async fn a_payload_off_any_rule_or_with_a_false_hash_is_not_handed_out() {
    let ours = rules(GENESIS, 1);
    let others = [
        PayloadRules { timestamp: ours.timestamp + 1, ..ours.clone() },
        PayloadRules { prev_randao: B256::ZERO, ..ours.clone() },
        PayloadRules { parent_hash: B256::repeat_byte(1), ..ours.clone() },
        PayloadRules { block_number: 2, ..ours.clone() },
    ];
    for other in others {
        let (rig, id) = handing_out(built(&other)).await;
        assert!(matches!(refusal(rig.seal(id).await), EngineError::Failed(_)), "{other:?}");
    }
    let mut false_hash = built(&ours);
    false_hash["executionPayload"]["blockHash"] = json!(B256::repeat_byte(3));
    let mut other_requests = built(&ours);
    other_requests["executionRequests"] = json!([Bytes::from_static(&[1, 2])]);
    for lie in [false_hash, other_requests] {
        let (rig, id) = handing_out(lie).await;
        let error = refusal(rig.seal(id).await);
        assert!(matches!(&error, EngineError::Failed(why) if why.contains("hashes to")), "{error}");
    }
}

#[tokio::test]
async fn every_way_to_say_unknown_payload_is_one_and_the_next_order_is_sent_again() {
    for code in [-38001, -32001, -38005] {
        let rules = rules(GENESIS, 1);
        let (rig, id) = handing_out(built(&rules)).await;
        rig.fake.server.set(GET_PAYLOAD, Reaction::Error(code, "Unknown payload"));
        assert_eq!(refusal(rig.seal(id).await), EngineError::UnknownPayload);
        rig.fake.server.unset(GET_PAYLOAD);
        let again = rig.build(&rules).await.unwrap();
        assert_eq!(
            rig.fake.server.count(FORKCHOICE),
            2,
            "the client has forgotten it, and hears of it again"
        );
        rig.seal(again).await.unwrap();
    }
    let rig = Rig::start().await;
    assert_eq!(refusal(rig.seal([9; 8]).await), EngineError::UnknownPayload);
    assert_eq!(rig.fake.server.count(GET_PAYLOAD), 0, "nobody ordered it");
}

#[tokio::test]
async fn a_client_that_begins_nothing_is_unavailable() {
    let rig = Rig::start().await;
    let answer = |status: &str| {
        Reaction::Result(
            json!({ "payloadStatus": { "status": status, "latestValidHash": null }, "payloadId": null }),
        )
    };
    for (reaction, part) in [
        (answer("VALID"), "builds nothing"),
        (answer("SYNCING"), "SYNCING"),
        (answer("INVALID"), "invalid"),
        (Reaction::Error(-38002, "Invalid forkchoice state"), "Invalid forkchoice state"),
    ] {
        rig.fake.server.set(FORKCHOICE, reaction);
        let error = refusal(rig.build(&rules(GENESIS, 1)).await);
        assert!(matches!(&error, EngineError::Unavailable(why) if why.contains(part)), "{error}");
    }
    rig.fake.server.set(FORKCHOICE, Reaction::Error(-38003, "Invalid payload attributes"));
    let error = refusal(rig.build(&rules(GENESIS, 1)).await);
    assert!(
        matches!(&error, EngineError::Failed(why) if why.contains("Invalid payload attributes")),
        "{error}"
    );
}

/// `valid-but-old-head`, of the update that begins a payload.
#[tokio::test]
async fn no_payload_is_begun_on_a_head_that_is_not_the_parent_though_the_client_says_valid_and_names_one() {
    let rig = Rig::start().await;
    let parent = empty(GENESIS, 1);
    assert!(matches!(rig.judge(&parent).await, PayloadVerdict::Valid(_)));
    let rules = rules(parent.header.payload_hash, 2);
    rig.fake.chain.lock().stays = true;
    let error = refusal(rig.build(&rules).await);
    let says = |why: &String| why.contains(&GENESIS.to_string());
    assert!(matches!(&error, EngineError::Unavailable(why) if says(why)), "{error}");
    assert_eq!(rig.health.get(), EngineHealth::Syncing);

    // The same rules are asked for again, and read back again.
    rig.fake.chain.lock().stays = false;
    let id = rig.build(&rules).await.unwrap();
    assert_eq!(rig.fake.server.count(FORKCHOICE), 2);
    let log = rig.fake.server.log();
    let at = log.iter().rposition(|(method, _)| method == FORKCHOICE).unwrap();
    assert_eq!((log[at + 1].0.as_str(), &log[at + 1].1[0]), ("eth_getBlockByNumber", &json!("latest")));
    assert_eq!(rig.head().await.unwrap().hash, parent.header.payload_hash);
    rig.seal(id).await.unwrap();
}

#[tokio::test]
async fn a_payload_whose_parent_cannot_be_read_back_is_unavailable() {
    let rig = Rig::start().await;
    rig.fake.server.set("eth_getBlockByNumber", Reaction::Error(-32000, "database closed"));
    let error = refusal(rig.build(&rules(GENESIS, 1)).await);
    assert!(matches!(&error, EngineError::Unavailable(why) if why.contains("database closed")), "{error}");
}

#[tokio::test]
async fn a_truncated_payload_is_unavailable_and_what_was_being_built_is_forgotten() {
    let rules = rules(GENESIS, 1);
    let (rig, id) = handing_out(built(&rules)).await;
    rig.fake
        .server
        .set(GET_PAYLOAD, Reaction::Text("{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{\"exec".into()));
    assert!(matches!(refusal(rig.seal(id).await), EngineError::Unavailable(_)));
    rig.becomes(EngineHealth::Synced).await;
    assert_eq!(refusal(rig.seal(id).await), EngineError::UnknownPayload);
}
