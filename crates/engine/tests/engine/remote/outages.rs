//! Clients that are away, come back, come back as another, or do not let this node in.

use std::pin::Pin;
use std::sync::Arc;

use alloy_primitives::{B256, U64};
use alys_bus::protocol::engine::EngineHealth;
use alys_engine::messages::{EngineError, PayloadVerdict};
use alys_engine_api::{BreakerLimits, JwtKey, ManagedProcess, WipeError};
use alys_testkit::{PATIENCE, within};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::remote::fake::{CHAIN_ID, Chain, Fake, GENESIS};
use crate::remote::rig::{Rig, config, empty, refusal};
use crate::remote::server::{Reaction, key};

#[tokio::test]
async fn an_actor_runs_without_its_client_and_finds_it_when_it_comes() {
    let fake = Fake::start().await;
    let (port, chain) = (fake.server.port(), Arc::clone(&fake.chain));
    let configured = config(fake.server.url());
    fake.server.set("eth_chainId", Reaction::HangUp);
    let mut rig = Rig::with(fake, configured, None).await.unwrap();
    assert_eq!(rig.health.get(), EngineHealth::Offline);
    let error = refusal(rig.follow(GENESIS).await);
    assert!(matches!(&error, EngineError::Unavailable(why) if why.contains("out of reach")), "{error}");
    assert!(rig.unavailable(&empty(GENESIS, 1)).await.contains("out of reach"));
    assert_eq!(rig.fake.server.count("engine_newPayloadV4"), 0, "nobody is asked who is not known");

    rig.fake.server.unset("eth_chainId");
    rig.becomes(EngineHealth::Synced).await;
    assert!(matches!(rig.judge(&empty(GENESIS, 1)).await, PayloadVerdict::Valid(_)));

    // Away, with its port closed, and back on it.
    rig.fake = Fake::start().await;
    rig.becomes(EngineHealth::Offline).await;
    assert!(matches!(refusal(rig.head().await), EngineError::Unavailable(_)));
    rig.fake = Fake::on(port, chain).await;
    rig.becomes(EngineHealth::Synced).await;
    assert_eq!(rig.follow(empty(GENESIS, 1).header.payload_hash).await.unwrap().number, 1);
}

#[tokio::test]
async fn a_client_of_another_chain_keeps_the_actor_from_starting_and_both_sides_are_named() {
    type Change = fn(&mut Chain);
    let changes: [(Change, [String; 2]); 2] = [
        (|chain| chain.chain_id = 1, ["chain id 1,".into(), "4242".into()]),
        (
            |chain| {
                chain.genesis = B256::repeat_byte(0x77);
                chain.wipe();
            },
            [B256::repeat_byte(0x77).to_string(), GENESIS.to_string()],
        ),
    ];
    for (change, parts) in changes {
        let fake = Fake::start().await;
        change(&mut fake.chain.lock());
        let config = config(fake.server.url());
        let error = Rig::with(fake, config, None).await.err().unwrap();
        for part in parts {
            assert!(error.contains(&part), "{error}");
        }
    }
}

#[tokio::test]
async fn a_client_that_lacks_a_method_is_refused_by_its_name() {
    let fake = Fake::start().await;
    fake.server.set(
        "engine_exchangeCapabilities",
        Reaction::Result(json!(["engine_forkchoiceUpdatedV3", "engine_getPayloadV4"])),
    );
    let configured = config(fake.server.url());
    let error = Rig::with(fake, configured, None).await.err().unwrap();
    assert!(error.contains("engine_newPayloadV4") && !error.contains("engine_getPayloadV4"), "{error}");
    // One that has no such exchange is taken as it is.
    let fake = Fake::start().await;
    fake.server.set("engine_exchangeCapabilities", Reaction::Error(-32601, "Method not found"));
    let configured = config(fake.server.url());
    Rig::with(fake, configured, None).await.unwrap().becomes(EngineHealth::Synced).await;
}

#[tokio::test]
async fn a_client_that_comes_back_as_another_chains_is_asked_nothing_until_it_is_ours_again() {
    let mut rig = Rig::start().await;
    let (port, chain) = (rig.fake.server.port(), Arc::clone(&rig.fake.chain));
    rig.fake = Fake::start().await;
    rig.becomes(EngineHealth::Offline).await;
    {
        let mut chain = chain.lock();
        chain.genesis = B256::repeat_byte(0x77);
        chain.wipe();
    }
    rig.fake = Fake::on(port, Arc::clone(&chain)).await;
    while rig.fake.server.count("eth_chainId") < 3 {
        assert_eq!(rig.health.get(), EngineHealth::Offline);
        tokio::task::yield_now().await;
    }
    let what = rig.unavailable(&empty(GENESIS, 1)).await;
    assert!(
        what.contains(&B256::repeat_byte(0x77).to_string()) && what.contains(&GENESIS.to_string()),
        "{what}"
    );
    assert_eq!(rig.fake.server.count("engine_newPayloadV4"), 0);
    {
        let mut chain = chain.lock();
        chain.genesis = GENESIS;
        chain.wipe();
    }
    rig.becomes(EngineHealth::Synced).await;
    assert!(matches!(rig.judge(&empty(GENESIS, 1)).await, PayloadVerdict::Valid(_)));
}

#[tokio::test]
async fn a_client_that_becomes_another_chains_without_an_outage_is_found_out_too() {
    let rig = Rig::start().await;
    {
        let mut chain = rig.fake.chain.lock();
        chain.genesis = B256::repeat_byte(0x77);
        chain.wipe();
    }
    rig.becomes(EngineHealth::Offline).await;
}

#[tokio::test]
async fn http_401_is_told_as_auth_failed_and_ends_when_the_secrets_are_the_same() {
    let rig = Rig::start().await;
    rig.fake.server.set_key(Some(JwtKey::new([9; 32])));
    let what = rig.unavailable(&empty(GENESIS, 1)).await;
    assert!(what.contains("JWT secret") && what.contains("401"), "{what}");
    rig.becomes(EngineHealth::AuthFailed).await;
    let error = refusal(rig.follow(GENESIS).await);
    assert!(
        matches!(&error, EngineError::Unavailable(why) if why.contains("refuses this node's token")),
        "{error}"
    );
    rig.fake.server.set_key(Some(key()));
    rig.becomes(EngineHealth::Synced).await;
    rig.follow(GENESIS).await.unwrap();
}

#[tokio::test]
async fn an_actor_starts_with_a_client_that_refuses_its_token() {
    let fake = Fake::start().await;
    fake.server.set_key(Some(JwtKey::new([9; 32])));
    let configured = config(fake.server.url());
    let rig = Rig::with(fake, configured, None).await.unwrap();
    rig.becomes(EngineHealth::AuthFailed).await;
    rig.fake.server.set_key(Some(key()));
    rig.becomes(EngineHealth::Synced).await;
}

const NEW_PAYLOAD: &str = "engine_newPayloadV4";
/// The first request of a look.
const LOOK: &str = "eth_chainId";
/// The breaker's figure.
const CLOSED: f64 = 0.0;
const HALF_OPEN: f64 = 1.0;

/// One payload that the client fails on.
async fn fail(rig: &Rig) {
    let what = rig.unavailable(&empty(GENESIS, 1)).await;
    assert!(what.contains("disk full"), "{what}");
}

/// So many in a row that a closed breaker bears; each is followed by a look, which counts for nothing in it.
async fn fail_four_times(rig: &Rig) {
    for _ in 0..4 {
        fail(rig).await;
        rig.becomes(EngineHealth::Synced).await;
        assert_eq!(rig.breaker(), Some(CLOSED));
    }
}

/// The breaker, end to end. Each look waits for a permit, so that none comes unseen.
#[tokio::test]
async fn after_five_failures_in_a_row_nothing_reaches_the_client_for_half_a_second_and_three_looks_close_it()
{
    // Looks come for what was seen alone.
    let rig = Rig::configured(|config| config.probe_online = PATIENCE).await;
    let server = &rig.fake.server;
    server.set(NEW_PAYLOAD, Reaction::Status(500, "disk full"));
    fail_four_times(&rig).await;

    let permits = Arc::new(Semaphore::new(0));
    server.set(LOOK, Reaction::Held(Arc::clone(&permits), json!(U64::from(CHAIN_ID))));
    let (looks, requests) = (server.count(LOOK), server.times().len());
    fail(&rig).await;
    assert!(rig.unavailable(&empty(GENESIS, 1)).await.contains("out of reach"));
    for look in 1..=3 {
        let come = async {
            while server.count(LOOK) < looks + look {
                tokio::task::yield_now().await;
            }
        };
        within(come).await;
        if look == 1 {
            let [(fifth, failed), (next, came)] = &server.times()[requests..] else {
                panic!("one look after the fifth failure: {:?}", server.times());
            };
            assert_eq!((fifth.as_str(), next.as_str()), (NEW_PAYLOAD, LOOK));
            assert!(*came - *failed >= BreakerLimits::default().open_for, "{:?}", *came - *failed);
        }
        assert_eq!(rig.breaker(), Some(HALF_OPEN), "before answer {look}");
        permits.add_permits(1);
    }
    let closed = async {
        while rig.breaker() != Some(CLOSED) {
            tokio::task::yield_now().await;
        }
    };
    within(closed).await;

    // As at first: four are borne again, and then it judges.
    server.unset(LOOK);
    fail_four_times(&rig).await;
    server.unset(NEW_PAYLOAD);
    assert!(matches!(rig.judge(&empty(GENESIS, 1)).await, PayloadVerdict::Valid(_)));
}

/// What stands for the owner of a client's process.
struct Owner {
    chain: Arc<Mutex<Chain>>,
    fails: bool,
}

impl ManagedProcess for Owner {
    fn wipe_and_restart(&self) -> Pin<Box<dyn Future<Output = Result<(), WipeError>> + Send + '_>> {
        Box::pin(async {
            if self.fails {
                return Err(WipeError::Failed("the disk is read-only".into()));
            }
            self.chain.lock().wipe();
            Ok(())
        })
    }
}

async fn managed(fails: bool) -> Rig {
    let fake = Fake::start().await;
    let owner = Arc::new(Owner { chain: Arc::clone(&fake.chain), fails });
    let configured = config(fake.server.url());
    let rig = Rig::with(fake, configured, Some(owner)).await.unwrap();
    rig.becomes(EngineHealth::Synced).await;
    let block = empty(GENESIS, 1);
    assert!(matches!(rig.judge(&block).await, PayloadVerdict::Valid(_)));
    rig.follow(block.header.payload_hash).await.unwrap();
    rig
}

#[tokio::test]
async fn a_managed_client_is_begun_anew_and_stands_at_genesis_when_that_is_answered() {
    let rig = managed(false).await;
    rig.reset().await.unwrap();
    assert_eq!(rig.head().await.unwrap().number, 0);
    assert!(matches!(rig.judge(&empty(GENESIS, 1)).await, PayloadVerdict::Valid(_)));
    let rig = managed(true).await;
    assert_eq!(refusal(rig.reset().await), EngineError::Failed("the disk is read-only".into()));
}

#[tokio::test]
async fn a_client_of_somebody_else_is_never_wiped_and_its_operator_is_told_how() {
    let rig = Rig::start().await;
    let error = refusal(rig.reset().await);
    assert!(matches!(&error, EngineError::NotManaged(how) if how.contains("geth removedb")), "{error}");
}
