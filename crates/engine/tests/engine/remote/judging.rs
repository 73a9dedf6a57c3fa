//! What becomes of each judgement of a client.

use alloy_primitives::{Address, B256, Bytes, Log, U256};
use alloy_sol_types::{SolEvent as _, sol};
use alys_bus::protocol::engine::EngineHealth;
use alys_engine::messages::PayloadVerdict;
use alys_primitives::{ExecutionFacts, spec::BRIDGE};
use alys_testkit::within;
use serde_json::{Value, json};

use crate::remote::fake::GENESIS;
use crate::remote::rig::{Rig, empty, with_transfer};
use crate::remote::server::Reaction;

const NEW_PAYLOAD: &str = "engine_newPayloadV4";

fn status(name: &str, valid: Value, error: Value) -> Reaction {
    Reaction::Result(json!({ "status": name, "latestValidHash": valid, "validationError": error }))
}

#[tokio::test]
async fn valid_brings_the_facts_of_the_receipts() {
    let rig = Rig::start().await;
    let nothing = empty(GENESIS, 1);
    assert_eq!(rig.judge(&nothing).await, PayloadVerdict::Valid(ExecutionFacts::default()));
    assert_eq!(rig.fake.server.count("eth_getBlockReceipts"), 0, "an empty block needs no receipts");

    let log =
        Log::new(Address::repeat_byte(5), vec![B256::repeat_byte(6)], Bytes::from_static(b"x")).unwrap();
    let (block, receipts) = with_transfer(GENESIS, 1, vec![log]);
    rig.fake.chain.lock().receipts.insert(block.header.payload_hash, receipts);
    let PayloadVerdict::Valid(facts) = rig.judge(&block).await else { panic!("must be valid") };
    // Base fee and tip of 1 gwei each.
    assert_eq!((facts.gas, facts.fees), (21_000, U256::from(21_000) * U256::from(2_000_000_000u64)));
    assert!(facts.burns.is_empty());
    let (_, asked) = rig.fake.server.log().into_iter().rfind(|(method, _)| method == NEW_PAYLOAD).unwrap();
    assert_eq!(asked[2], json!(block.header.parent), "the parent's hash of this side goes along");
}

#[tokio::test]
async fn burns_are_read_from_the_logs_of_the_bridge() {
    sol! {
        event RequestPegOut(address indexed evmAddress, bytes bitcoinAddress, uint256 value);
        event PegOutTerms(uint256 indexed id, uint256 maxFee);
    }
    let request = RequestPegOut {
        evmAddress: Address::repeat_byte(3),
        bitcoinAddress: Bytes::from_static(b"bc1q"),
        value: U256::from(70),
    };
    let terms = PegOutTerms { id: U256::from(4), maxFee: U256::from(9) };
    let data = [request.encode_log_data(), terms.encode_log_data()];
    let logs = |address| data.iter().map(|data| Log { address, data: data.clone() }).collect();
    let rig = Rig::start().await;
    for (address, count) in [(BRIDGE, 1), (Address::repeat_byte(8), 0)] {
        let (block, receipts) = with_transfer(GENESIS, 1, logs(address));
        rig.fake.chain.lock().receipts.insert(block.header.payload_hash, receipts);
        let PayloadVerdict::Valid(facts) = rig.judge(&block).await else { panic!("must be valid") };
        assert_eq!(facts.burns.len(), count, "`constructor-burn`: only the bridge's logs are burns");
        assert!(facts.burns.iter().all(|burn| burn.value == U256::from(70) && burn.id == 4));
    }
}

/// `mock-says-yes`
#[tokio::test]
async fn mock_says_yes_a_valid_whose_receipts_are_not_the_payloads_brings_no_facts() {
    let rig = Rig::start().await;
    let (block, receipts) = with_transfer(GENESIS, 1, Vec::new());
    let hash = block.header.payload_hash;
    let lies = [
        ("cumulativeGasUsed", json!("0x5209")),
        ("status", json!("0x0")),
        ("type", json!("0x0")),
        ("logs", json!([{ "address": Address::ZERO, "topics": [], "data": "0x" }])),
    ];
    for (field, lie) in lies {
        let mut false_receipts = receipts.clone();
        false_receipts[0][field] = lie;
        rig.fake.chain.lock().receipts.insert(hash, false_receipts);
        let what = rig.unavailable(&block).await;
        assert!(what.starts_with("facts:"), "{field}: {what}");
    }
    // What cannot be read at all is an outage for a moment.
    rig.becomes(EngineHealth::Synced).await;
    // What no root covers is not read: the price is computed from the transaction.
    let mut priced = receipts.clone();
    priced[0]["effectiveGasPrice"] = json!("0x1");
    priced[0]["gasUsed"] = json!("0x1");
    rig.fake.chain.lock().receipts.insert(hash, priced);
    let PayloadVerdict::Valid(facts) = rig.judge(&block).await else { panic!("must be valid") };
    assert_eq!((facts.gas, facts.fees), (21_000, U256::from(42_000_000_000_000u64)));
    rig.fake.chain.lock().receipts.insert(hash, json!([]));
    assert!(rig.unavailable(&block).await.starts_with("facts:"));
}

#[tokio::test]
async fn a_valid_that_names_another_block_as_valid_brings_no_facts() {
    let rig = Rig::start().await;
    rig.fake.server.set(NEW_PAYLOAD, status("VALID", json!(B256::repeat_byte(9)), Value::Null));
    assert!(rig.unavailable(&empty(GENESIS, 1)).await.starts_with("facts:"));
}

#[tokio::test]
async fn invalid_is_invalid_with_the_reason_and_what_is_valid_where_the_client_says_it() {
    let rig = Rig::start().await;
    let block = empty(GENESIS, 1);
    for (valid, error, expected) in [
        (json!(GENESIS), json!("bad state root"), format!("bad state root (latestValidHash {GENESIS})")),
        (Value::Null, json!("bad block hash"), "bad block hash (no latestValidHash)".into()),
        (Value::Null, Value::Null, "no reason given (no latestValidHash)".into()),
    ] {
        rig.fake.server.set(NEW_PAYLOAD, status("INVALID", valid, error));
        assert_eq!(rig.judge(&block).await, PayloadVerdict::Invalid { reason: expected });
    }
    rig.fake.server.set(NEW_PAYLOAD, status("INVALID_BLOCK_HASH", Value::Null, Value::Null));
    let PayloadVerdict::Invalid { reason } = rig.judge(&block).await else { panic!("must be invalid") };
    assert!(reason.contains("block hash"), "{reason}");
    assert_eq!(rig.health.get(), EngineHealth::Synced, "the client itself is well");
}

#[tokio::test]
async fn syncing_and_accepted_are_unavailable_and_show_in_the_health() {
    let rig = Rig::start().await;
    for name in ["SYNCING", "ACCEPTED"] {
        rig.fake.server.set(NEW_PAYLOAD, status(name, Value::Null, Value::Null));
        let what = rig.unavailable(&empty(GENESIS, 1)).await;
        assert!(what.contains(name), "{what}");
        rig.becomes(EngineHealth::Syncing).await;
        rig.fake.server.unset(NEW_PAYLOAD);
        rig.follow(GENESIS).await.unwrap();
        rig.becomes(EngineHealth::Synced).await;
    }
}

/// `el-syncing-forever`
#[tokio::test]
async fn el_syncing_forever_ends_when_the_missing_payloads_are_handed_over() {
    let rig = Rig::start().await;
    let first = empty(GENESIS, 1);
    let second = empty(first.header.payload_hash, 2);
    for _ in 0..3 {
        assert!(rig.unavailable(&second).await.contains("SYNCING"));
    }
    rig.becomes(EngineHealth::Syncing).await;
    for block in [&first, &second] {
        assert!(matches!(rig.judge(block).await, PayloadVerdict::Valid(_)));
        assert_eq!(rig.follow(block.header.payload_hash).await.unwrap().number, block.header.height);
    }
    rig.becomes(EngineHealth::Synced).await;
}

#[tokio::test]
async fn every_refusal_of_a_payload_is_unavailable_with_the_clients_words() {
    let rig = Rig::start().await;
    for (code, text) in [
        (-38002, "Invalid forkchoice state"),
        (-38003, "Invalid payload attributes"),
        (-38004, "Too large request"),
        (-38005, "Unsupported fork"),
        (-32601, "the method does not exist"),
        (-32000, "database closed"),
    ] {
        rig.fake.server.set(NEW_PAYLOAD, Reaction::Error(code, text));
        let what = rig.unavailable(&empty(GENESIS, 1)).await;
        assert!(what.contains(text) && what.contains(&code.to_string()), "{what}");
        assert_eq!(rig.health.get(), EngineHealth::Synced, "a refusal is an answer");
    }
}

#[tokio::test]
async fn truncated_json_a_broken_connection_and_other_answers_are_unavailable_and_an_outage() {
    for reaction in [
        Reaction::Text("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"sta".into()),
        Reaction::Cut("{\"jsonrpc\""),
        Reaction::HangUp,
        Reaction::Status(502, "bad gateway"),
        Reaction::OtherId(json!({ "status": "VALID" })),
        Reaction::Result(json!({ "status": "PERHAPS" })),
    ] {
        let rig = Rig::start().await;
        let mut health = rig.health.reader();
        rig.fake.server.set(NEW_PAYLOAD, reaction.clone());
        rig.unavailable(&empty(GENESIS, 1)).await;
        assert_eq!(within(health.changed()).await, Some(EngineHealth::Offline), "{reaction:?}");
        // It is looked at at once, and believed again after it has shown which chain it is of.
        rig.becomes(EngineHealth::Synced).await;
        rig.fake.server.unset(NEW_PAYLOAD);
        assert!(matches!(rig.judge(&empty(GENESIS, 1)).await, PayloadVerdict::Valid(_)));
    }
}

#[tokio::test]
async fn a_judgement_that_takes_too_long_is_unavailable() {
    let rig = Rig::configured(|config| config.timeout_multiplier = 0.25).await;
    rig.fake.server.set(NEW_PAYLOAD, Reaction::Silence);
    let what = rig.unavailable(&empty(GENESIS, 1)).await;
    assert!(what.contains("no answer within 2s"), "{what}");
}

#[tokio::test]
async fn receipts_that_only_a_head_has_are_read_while_the_block_is_the_head() {
    let rig = Rig::start().await;
    let (block, receipts) = with_transfer(GENESIS, 1, Vec::new());
    {
        let mut chain = rig.fake.chain.lock();
        chain.receipts.insert(block.header.payload_hash, receipts);
        chain.receipts_of_any = false;
    }
    assert!(matches!(rig.judge(&block).await, PayloadVerdict::Valid(_)));
    assert_eq!(rig.head().await.unwrap().hash, GENESIS, "the head is where it was");
    // Elsewhere than on its head it would be a reorganisation.
    rig.judge(&empty(block.header.payload_hash, 2)).await;
    rig.follow(block.header.payload_hash).await.unwrap();
    let (rival, receipts) = with_transfer(GENESIS, 1, vec![Log::empty()]);
    rig.fake.chain.lock().receipts.insert(rival.header.payload_hash, receipts);
    assert!(rig.unavailable(&rival).await.contains("no receipts"));
    assert_eq!(rig.head().await.unwrap().hash, block.header.payload_hash);
}

#[tokio::test]
async fn work_whose_asker_has_gone_is_not_begun() {
    let rig = Rig::configured(|config| config.timeout_multiplier = 0.25).await;
    rig.fake.server.set(NEW_PAYLOAD, Reaction::Silence);
    let block = empty(GENESIS, 1);
    let sent = async {
        while rig.fake.server.count(NEW_PAYLOAD) == 0 {
            tokio::task::yield_now().await;
        }
    };
    let judged = async { tokio::join!(rig.judge(&block), rig.judge(&block)) };
    // Both askers go when the first has been sent.
    tokio::select! {
        () = within(sent) => {}
        verdicts = judged => panic!("it is silent: {verdicts:?}"),
    }
    rig.fake.server.unset(NEW_PAYLOAD);
    // Behind both in the queue: when this is answered, the second was taken, and dropped.
    rig.follow(GENESIS).await.ok();
    assert_eq!(rig.fake.server.count(NEW_PAYLOAD), 1, "only the first was sent");
}
