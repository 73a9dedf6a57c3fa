//! The two ports of a client: consensus needs the engine port, and what the other does is between it and the wallets.

use std::net::SocketAddr;
use std::sync::Arc;

use alloy_eips::BlockId;
use alys_bus::protocol::engine::EngineHealth;
use alys_engine::messages::{EngineMessage, PayloadVerdict, QueryError};
use alys_testkit::{PATIENCE, within};
use futures::FutureExt as _;
use serde_json::json;
use tokio::net::TcpSocket;

use crate::remote::fake::{CHAIN_ID, Fake, GENESIS, payload};
use crate::remote::questions::forward;
use crate::remote::rig::{Rig, empty, rules};
use crate::remote::server::Reaction;

const ASKED: &str = "eth_getProof";

/// A public port, which asks for no token, of a client that behaves.
async fn public() -> Fake {
    let fake = Fake::start().await;
    fake.server.set_key(None);
    fake.server.set(ASKED, Reaction::Result(json!("0x1")));
    fake
}

/// An address where nobody listens, and nobody else can as long as the socket is there.
fn closed() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Why a wallet is not answered.
async fn refused(rig: &Rig) -> String {
    match forward(rig, ASKED).await {
        Err(QueryError::Unavailable(why)) => why,
        other => panic!("must be refused: {other:?}"),
    }
}

/// Ready when wallets are answered.
async fn answered(rig: &Rig) {
    let asked = async {
        while forward(rig, ASKED).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    within(asked).await;
}

/// Ready when wallets are refused.
async fn no_longer_answered(rig: &Rig) {
    let asked = async {
        while forward(rig, ASKED).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    within(asked).await;
}

/// That the block at `height` on the empty ones before it is judged, and becomes the head.
async fn goes_on(rig: &Rig, height: u64) {
    let parent = (1..height).fold(GENESIS, |parent, height| empty(parent, height).header.payload_hash);
    let block = empty(parent, height);
    assert!(matches!(rig.judge(&block).await, PayloadVerdict::Valid(_)));
    assert_eq!(rig.follow(block.header.payload_hash).await.unwrap().number, height);
}

#[tokio::test]
async fn with_the_public_port_closed_votes_go_on_and_wallets_are_answered_once_it_opens() {
    let (socket, address) = closed();
    let rig = Rig::configured(|config| config.public_url = Some(format!("http://{address}"))).await;
    let mut health = rig.health.reader();
    goes_on(&rig, 1).await;
    // More than a breaker bears.
    for _ in 0..10 {
        let why = refused(&rig).await;
        assert!(why.contains(&address.to_string()), "{why}");
    }
    goes_on(&rig, 2).await;
    let at = BlockId::number(2);
    let block = rig.ask(|reply| EngineMessage::BlockBy { at, full: false, reply }).await.unwrap();
    assert_eq!(block.unwrap().header.number, 2, "reconciliation needs the engine port only");

    drop(socket);
    let public = Fake::on(address.port(), Arc::clone(&rig.fake.chain)).await;
    public.server.set_key(None);
    public.server.set(ASKED, Reaction::Result(json!("0x1")));
    answered(&rig).await;
    assert_eq!(rig.fake.server.count(ASKED), 0, "wallets are answered by the public port");
    drop(public);
    no_longer_answered(&rig).await;
    goes_on(&rig, 3).await;
    assert_eq!(health.changed().now_or_never(), None, "nothing of this is the health of consensus");
}

#[tokio::test]
async fn a_silent_public_port_keeps_no_vote_waiting() {
    let public = public().await;
    public.server.set("eth_chainId", Reaction::Silence);
    let rig = Rig::configured(|config| {
        config.public_url = Some(public.server.url());
        config.timeout_multiplier = 0.25;
    })
    .await;
    goes_on(&rig, 1).await;
    refused(&rig).await;
    public.server.unset("eth_chainId");
    answered(&rig).await;
}

#[tokio::test]
async fn two_ports_of_two_chains_are_named_no_wallet_is_answered_and_votes_go_on() {
    let public = public().await;
    public.chain.lock().chain_id = 1;
    let rig = Rig::configured(|config| config.public_url = Some(public.server.url())).await;
    let mut health = rig.health.reader();
    let why = refused(&rig).await;
    for part in ["chain id 1,", "4242", &public.server.url(), &rig.fake.server.url()] {
        assert!(why.contains(part), "{part}: {why}");
    }
    goes_on(&rig, 1).await;
    assert_eq!((public.server.count(ASKED), rig.fake.server.count(ASKED)), (0, 0));
    public.chain.lock().chain_id = CHAIN_ID;
    answered(&rig).await;
    // Without an outage in between.
    public.chain.lock().chain_id = 1;
    no_longer_answered(&rig).await;
    goes_on(&rig, 2).await;
    assert_eq!(health.changed().now_or_never(), None);
}

#[tokio::test]
async fn no_wallet_is_answered_by_a_public_port_whose_engine_port_is_not_this_chains() {
    let public = public().await;
    let rig = Rig::configured(|config| config.public_url = Some(public.server.url())).await;
    answered(&rig).await;
    rig.fake.chain.lock().chain_id = 1;
    rig.becomes(EngineHealth::Offline).await;
    let why = refused(&rig).await;
    assert!(why.contains("chain id 1,"), "{why}");
}

/// One that is not answered there in time would be an outage to consensus.
#[tokio::test]
async fn a_question_that_needs_the_head_too_asks_for_it_where_wallets_ask() {
    let public = public().await;
    let rig = Rig::configured(|config| {
        config.public_url = Some(public.server.url());
        // Nobody else asks.
        config.probe_online = PATIENCE;
    })
    .await;
    answered(&rig).await;
    let (indexing, hash) = ("eth_getTransactionReceipt", GENESIS);
    public.server.set(indexing, Reaction::Error(-32000, "transaction indexing is in progress"));
    let asked = rig.fake.server.times().len();
    assert_eq!(rig.ask(|reply| EngineMessage::Receipt { hash, reply }).await.unwrap(), None);
    assert_eq!(public.server.count(indexing), 1);
    assert_eq!(rig.fake.server.times().len(), asked);
}

#[tokio::test]
async fn a_question_that_breaks_the_connection_counts_in_no_breaker_and_is_no_outage() {
    for reaction in [Reaction::HangUp, Reaction::Cut("{\"jsonrpc\"")] {
        let rig = Rig::start().await;
        let (mut health, server) = (rig.health.reader(), &rig.fake.server);
        server.set(ASKED, reaction);
        let broken = async {
            while server.count(ASKED) < 10 {
                refused(&rig).await;
                tokio::task::yield_now().await;
            }
        };
        within(broken).await;
        goes_on(&rig, 1).await;
        assert_eq!(health.changed().now_or_never(), None);
        server.set(ASKED, Reaction::Result(json!("0x1")));
        answered(&rig).await;
    }
}

#[tokio::test]
async fn an_answer_to_a_wallet_above_the_bound_is_a_limit_at_either_port_and_consensus_has_its_own() {
    let public = public().await;
    for url in [None, Some(public.server.url())] {
        let rig = Rig::configured(|config| (config.public_url, config.max_answer) = (url, 3000)).await;
        for server in [&public.server, &rig.fake.server] {
            server.set(ASKED, Reaction::Result(json!("a".repeat(4000))));
        }
        let refused = forward(&rig, ASKED).await.unwrap_err();
        let expected = "response too large, at most 3000 bytes; ask for less";
        assert_eq!(refused, QueryError::LimitExceeded(expected.into()));
        for server in [&public.server, &rig.fake.server] {
            server.set(ASKED, Reaction::Endless);
        }
        assert!(matches!(forward(&rig, ASKED).await, Err(QueryError::LimitExceeded(_))));
        let rules = rules(GENESIS, 1);
        rig.fake.chain.lock().built = json!({
            "executionPayload": payload(&rules, Vec::new(), &[]), "blockValue": "0x9",
            "shouldOverrideBuilder": false, "executionRequests": [],
            "blobsBundle": "a".repeat(4000),
        });
        let id = rig.build(&rules).await.unwrap();
        rig.seal(id).await.expect("longer than that, and read");
        assert_eq!(rig.health.get(), EngineHealth::Synced);
    }
}
