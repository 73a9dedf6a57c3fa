//! The measurements: how many transactions reach blocks in a second, and how long one takes.

use std::time::{Duration, Instant};

use alloy_primitives::{Address, Bytes, hex};
use alys_testkit::token;
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    load::{Kind, Load},
    peer::{Peer, number},
};

/// Requests in a batch, and connections at work.
const BATCH: usize = 100;
const CONNECTIONS: usize = 4;
/// Single transactions whose way is timed.
const SAMPLES: usize = 30;
const PATIENCE: Duration = Duration::from_secs(180);

/// What a load came to.
pub(crate) struct Figures {
    pub(crate) mined_per_s: f64,
    pub(crate) accepted_per_s: f64,
    pub(crate) blocks: u64,
}

/// How long a transaction takes from sending to its receipt.
pub(crate) struct Latency {
    pub(crate) p50_ms: f64,
    pub(crate) p90_ms: f64,
}

/// Sends all of a load as fast as the node takes it, and waits until all of it is in blocks.
pub(crate) async fn rate(peer: &Peer, load: &Load) -> Figures {
    let token = match load.kind {
        Kind::Transfer => Address::ZERO,
        Kind::Erc20 => deploy(peer, load).await,
    };
    let mut nonces = Vec::new();
    for key in &load.keys {
        nonces.push(nonce(peer, key.address(), "latest").await);
    }
    let signed: Vec<Vec<Bytes>> =
        nonces.iter().enumerate().map(|(sender, nonce)| load.of_sender(sender, *nonce, token)).collect();
    let first_block = peer.height().await;
    let started = Instant::now();
    let mut sending = JoinSet::new();
    let shares = signed.len().div_ceil(CONNECTIONS);
    for share in signed.chunks(shares) {
        // Senders in turn, so that no account's queue grows beyond what a pool keeps of one.
        let longest = share.iter().map(Vec::len).max().unwrap_or(0);
        let order = (0..longest).flat_map(|index| share.iter().filter_map(move |of| of.get(index).cloned()));
        sending.spawn(send_all(peer.client.clone(), peer.url.clone(), order.collect()));
    }
    while let Some(outcome) = sending.join_next().await {
        outcome.unwrap();
    }
    let accepted = started.elapsed();
    for (key, nonce_before) in load.keys.iter().zip(&nonces) {
        let all = nonce_before + load.per_sender as u64;
        while nonce(peer, key.address(), "latest").await < all {
            assert!(started.elapsed() < PATIENCE, "{}: not all transactions reach a block", peer.name);
            sleep(Duration::from_millis(10)).await;
        }
    }
    let mined = started.elapsed();
    let total = (load.keys.len() * load.per_sender) as f64;
    Figures {
        mined_per_s: total / mined.as_secs_f64(),
        accepted_per_s: total / accepted.as_secs_f64(),
        blocks: peer.height().await - first_block,
    }
}

async fn send_all(client: reqwest::Client, url: String, transactions: Vec<Bytes>) {
    for batch in transactions.chunks(BATCH) {
        let requests: Vec<Value> = batch
            .iter()
            .enumerate()
            .map(|(id, raw)| {
                json!({ "jsonrpc": "2.0", "id": id, "method": "eth_sendRawTransaction",
                        "params": [hex::encode_prefixed(raw)] })
            })
            .collect();
        let sent = client.post(&url).json(&requests).send().await.unwrap();
        let answers: Vec<Value> = sent.json().await.unwrap();
        let refused = answers.iter().find(|answer| answer.get("error").is_some());
        assert!(refused.is_none(), "{url}: {refused:?}");
    }
}

async fn deploy(peer: &Peer, load: &Load) -> Address {
    let creation = token::creation(load.keys.iter().map(|key| key.address()));
    let at = nonce(peer, load.keys[0].address(), "latest").await;
    let raw = load.sign(0, at, None, 0, creation, 10_000_000);
    let hash = peer.call("eth_sendRawTransaction", json!([hex::encode_prefixed(raw)])).await;
    let receipt = receipt(peer, &hash).await;
    assert_eq!(receipt["status"], "0x1", "the token is not deployed: {receipt}");
    receipt["contractAddress"].as_str().unwrap().parse().unwrap()
}

async fn receipt(peer: &Peer, hash: &Value) -> Value {
    let started = Instant::now();
    loop {
        let receipt = peer.call("eth_getTransactionReceipt", json!([hash])).await;
        if !receipt.is_null() {
            return receipt;
        }
        assert!(started.elapsed() < PATIENCE, "{}: no receipt for {hash}", peer.name);
        sleep(Duration::from_millis(2)).await;
    }
}

/// Single transfers on an idle node, each sent at another moment of the slot.
pub(crate) async fn latency(peer: &Peer, load: &Load) -> Latency {
    let mut times = Vec::new();
    let mut next = nonce(peer, load.keys[0].address(), "latest").await;
    for sample in 0..SAMPLES {
        let raw = load.sign(0, next, Some(Address::repeat_byte(0x77)), 1, Bytes::new(), 21_000);
        next += 1;
        let started = Instant::now();
        let hash = peer.call("eth_sendRawTransaction", json!([hex::encode_prefixed(raw)])).await;
        receipt(peer, &hash).await;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
        sleep(Duration::from_millis((sample as u64 * 137) % 1000)).await;
    }
    times.sort_by(f64::total_cmp);
    Latency { p50_ms: times[times.len() / 2], p90_ms: times[times.len() * 9 / 10] }
}

async fn nonce(peer: &Peer, address: Address, tag: &str) -> u64 {
    number(&peer.call("eth_getTransactionCount", json!([address, tag])).await)
}
