//! What becomes of everything that can go wrong with a request of consensus: for each request and each fault, what its
//! asker hears, and how the client fares afterwards.

use std::time::Duration;

use alys_bus::protocol::engine::EngineHealth;
use alys_bus::{AskError, Clock};
use alys_engine::messages::{EngineError, Lack, PayloadVerdict};
use alys_engine_api::timeouts;
use alys_testkit::PATIENCE;
use serde_json::json;

use crate::remote::fake::{GENESIS, payload};
use crate::remote::rig::{Outcome, Rig, empty, rules, with_transfer};
use crate::remote::server::Reaction;

/// A request of consensus, with the method that is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    /// `engine_newPayloadV4`.
    Judge,
    /// `eth_getBlockReceipts`, after a VALID.
    Receipts,
    /// `engine_forkchoiceUpdatedV3`.
    Follow,
    /// The same, with attributes.
    Build,
    /// `engine_getPayloadV4`.
    Seal,
}

use Ask::{Build, Follow, Judge, Receipts, Seal};

impl Ask {
    fn method(self) -> &'static str {
        match self {
            Judge => "engine_newPayloadV4",
            Receipts => "eth_getBlockReceipts",
            Follow | Build => "engine_forkchoiceUpdatedV3",
            Seal => "engine_getPayloadV4",
        }
    }
}

/// What the asker hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Done,
    /// The height where the client stands.
    Stands(u64),
    Invalid,
    Lacks(Lack),
    Unavailable,
    Failed,
    UnknownPayload,
    Other,
}

/// What the asker hears, in which words, and after what time.
struct Told {
    heard: Heard,
    words: String,
    took: Duration,
}

fn verdict(verdict: PayloadVerdict) -> (Heard, String) {
    match verdict {
        PayloadVerdict::Valid(_) => (Heard::Done, String::new()),
        PayloadVerdict::Invalid { reason } => (Heard::Invalid, reason),
        PayloadVerdict::Unavailable { lack, what } => (Heard::Lacks(lack), what),
    }
}

fn heard<T>(outcome: Outcome<T, EngineError>, done: impl FnOnce(T) -> Heard) -> (Heard, String) {
    let error = match outcome {
        Ok(value) => return (done(value), String::new()),
        Err(error) => error,
    };
    let heard = match &error {
        AskError::Actor(EngineError::Unavailable(_)) => Heard::Unavailable,
        AskError::Actor(EngineError::Failed(_)) => Heard::Failed,
        AskError::Actor(EngineError::UnknownPayload) => Heard::UnknownPayload,
        _ => Heard::Other,
    };
    (heard, error.to_string())
}

/// Asks, of a client that has been well so far and has one block above genesis, not yet followed.
async fn ask(rig: &Rig, ask: Ask, fault: Reaction) -> Told {
    let server = &rig.fake.server;
    let (first, rules) = (empty(GENESIS, 1), rules(GENESIS, 1));
    let (paid, receipts) = with_transfer(GENESIS, 1, Vec::new());
    assert_eq!(verdict(rig.judge(&first).await).0, Heard::Done);
    {
        let mut chain = rig.fake.chain.lock();
        chain.receipts.insert(paid.header.payload_hash, receipts);
        chain.built = json!({
            "executionPayload": payload(&rules, Vec::new(), &[]), "blockValue": "0x9",
            "shouldOverrideBuilder": false, "executionRequests": [],
        });
    }
    let id = match ask {
        Seal => rig.build(&rules).await.unwrap(),
        _ => [0; 8],
    };
    server.set(ask.method(), fault);
    let (clock, hash) = (Clock::system(), first.header.payload_hash);
    let began = clock.now();
    let (heard, words) = match ask {
        Judge => verdict(rig.judge(&first).await),
        Receipts => verdict(rig.judge(&paid).await),
        Follow => heard(rig.follow(hash).await, |head| Heard::Stands(head.number)),
        Build => heard(rig.build(&rules).await, |_| Heard::Done),
        Seal => heard(rig.seal(id).await, |_| Heard::Done),
    };
    Told { heard, words, took: clock.now() - began }
}

/// What timeouts are multiplied by where they are waited for.
const QUARTER: f64 = 0.25;

/// One line of the tables below: this request and this fault come to this, and the client is this.
async fn holds(asked: Ask, fault: Reaction, expected: Heard, fares: EngineHealth) -> Told {
    let silent = matches!(fault, Reaction::Silence);
    let rig = Rig::configured(|config| {
        // It is looked at only when something was wrong.
        config.probe_online = PATIENCE;
        config.timeout_multiplier = if silent { QUARTER } else { 4.0 };
    })
    .await;
    // Whatever takes it for away is not put right at once by the look that follows.
    rig.fake.server.set(
        "eth_chainId",
        match fares {
            EngineHealth::AuthFailed => Reaction::Status(401, "signature is invalid"),
            _ => Reaction::HangUp,
        },
    );
    let line = format!("{asked:?} and {fault:?}");
    let told = ask(&rig, asked, fault).await;
    assert_eq!(told.heard, expected, "{line}");
    assert_eq!(rig.health.get(), fares, "{line}");
    let is_believed = matches!(fares, EngineHealth::Synced | EngineHealth::Syncing);
    assert_eq!(rig.head().await.is_ok(), is_believed, "{line}");
    if !is_believed {
        rig.fake.server.unset("eth_chainId");
        rig.becomes(EngineHealth::Synced).await;
        assert_eq!(rig.head().await.unwrap().hash, GENESIS, "{line}");
    }
    told
}

/// What each request comes to when there is no answer that can be used.
const WITHOUT_ANSWER: [(Ask, Heard); 5] = [
    (Judge, Heard::Lacks(Lack::Answer)),
    (Receipts, Heard::Lacks(Lack::Facts)),
    (Follow, Heard::Unavailable),
    (Build, Heard::Unavailable),
    (Seal, Heard::Unavailable),
];

#[tokio::test]
async fn silence_ends_at_the_methods_timeout_and_is_an_outage() {
    for (ask, expected) in WITHOUT_ANSWER {
        let told = holds(ask, Reaction::Silence, expected, EngineHealth::Offline).await;
        let timeout = match ask {
            Judge => timeouts::NEW_PAYLOAD,
            Receipts => timeouts::RECEIPTS,
            Follow | Build => timeouts::FORKCHOICE_UPDATED,
            Seal => timeouts::GET_PAYLOAD,
        }
        .mul_f64(QUARTER);
        assert!(told.took >= timeout, "{ask:?}: {:?}", told.took);
        // Whatever came on top, a busy machine took.
        let words = format!("{}: no answer within {timeout:?}", ask.method());
        assert!(told.words.contains(&words), "{ask:?}: {}", told.words);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_is_none_is_an_outage() {
    let good = json!({ "status": "VALID", "payloadStatus": { "status": "VALID" } });
    for fault in [
        Reaction::HangUp,
        Reaction::Cut("{\"jsonrpc\""),
        Reaction::Text("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"sta".into()),
        Reaction::Status(502, "bad gateway"),
        Reaction::ResultUnder(500, good.clone()),
        Reaction::OtherId(good),
        Reaction::Result(json!("something else")),
    ] {
        for (ask, expected) in WITHOUT_ANSWER {
            holds(ask, fault.clone(), expected, EngineHealth::Offline).await;
        }
    }
}

#[tokio::test]
async fn a_refused_token_is_told_as_one_whatever_was_asked() {
    for (ask, expected) in WITHOUT_ANSWER {
        holds(ask, Reaction::Status(401, "stale token"), expected, EngineHealth::AuthFailed).await;
    }
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_takes_no_health_away() {
    for (ask, code, expected) in [
        (Judge, -38002, Heard::Lacks(Lack::Judgement)),
        (Judge, -38003, Heard::Lacks(Lack::Judgement)),
        (Judge, -38004, Heard::Lacks(Lack::Judgement)),
        (Judge, -38005, Heard::Lacks(Lack::Judgement)),
        (Receipts, -38004, Heard::Lacks(Lack::Facts)),
        (Receipts, -32000, Heard::Lacks(Lack::Facts)),
        (Follow, -38002, Heard::Failed),
        (Follow, -38003, Heard::Failed),
        (Follow, -38004, Heard::Failed),
        (Follow, -38005, Heard::Failed),
        (Build, -38002, Heard::Unavailable),
        (Build, -38003, Heard::Failed),
        (Build, -38004, Heard::Unavailable),
        (Build, -38005, Heard::Unavailable),
        (Seal, -38001, Heard::UnknownPayload),
        (Seal, -38002, Heard::Unavailable),
        (Seal, -38003, Heard::Unavailable),
        (Seal, -38004, Heard::Unavailable),
        (Seal, -38005, Heard::UnknownPayload),
    ] {
        holds(ask, Reaction::Error(code, "no"), expected, EngineHealth::Synced).await;
    }
}

#[tokio::test]
async fn each_status_comes_to_what_it_proves() {
    let (synced, syncing) = (EngineHealth::Synced, EngineHealth::Syncing);
    for (ask, status, expected, fares) in [
        (Judge, "INVALID", Heard::Invalid, synced),
        (Judge, "INVALID_BLOCK_HASH", Heard::Invalid, synced),
        (Judge, "SYNCING", Heard::Lacks(Lack::Parent), syncing),
        (Judge, "ACCEPTED", Heard::Lacks(Lack::Parent), syncing),
        // An old head, and VALID.
        (Follow, "VALID", Heard::Stands(0), syncing),
        (Follow, "INVALID", Heard::Failed, synced),
        (Follow, "INVALID_BLOCK_HASH", Heard::Failed, synced),
        (Follow, "SYNCING", Heard::Stands(0), syncing),
        (Follow, "ACCEPTED", Heard::Stands(0), syncing),
        // And nothing is built.
        (Build, "VALID", Heard::Unavailable, synced),
        (Build, "INVALID", Heard::Unavailable, synced),
        (Build, "INVALID_BLOCK_HASH", Heard::Unavailable, synced),
        (Build, "SYNCING", Heard::Unavailable, syncing),
        (Build, "ACCEPTED", Heard::Unavailable, syncing),
    ] {
        // Of a payload, and of a forkchoice: each reads its own.
        let answer = json!({ "status": status, "payloadStatus": { "status": status }, "payloadId": null });
        holds(ask, Reaction::Result(answer), expected, fares).await;
    }
}
