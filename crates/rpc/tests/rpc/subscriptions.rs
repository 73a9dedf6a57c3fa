//! Subscriptions over WebSocket.

use std::time::Duration;

use alloy_primitives::B256;
use alys_bus::{Latest, protocol::chain::SyncState};
use alys_rpc::Execution;
use serde_json::{Value, json};

use crate::{
    answers,
    fake_chain::{EMITTER, FakeChain},
    node::{Node, Setup, node, soon},
    websocket::WebSocket,
};

async fn open(node: &Node) -> WebSocket {
    let (status, socket) = WebSocket::open(node.address, None).await;
    assert_eq!(status, 101);
    socket
}

async fn ask(socket: &mut WebSocket, method: &str, params: Value) -> Value {
    let request = json!({ "jsonrpc": "2.0", "id": 9, "method": method, "params": params });
    socket.send(&request.to_string()).await;
    loop {
        let answer = socket.next().await.expect("an answer");
        if answer["id"] == 9 {
            return answer;
        }
    }
}

async fn subscribe(socket: &mut WebSocket, params: Value) -> Value {
    let answer = ask(socket, "eth_subscribe", params).await;
    let id = answer["result"].as_str().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(id.len(), 34, "named as filters are: {id}");
    answer["result"].clone()
}

/// The next thing told under that name.
async fn told(socket: &mut WebSocket, id: &Value) -> Value {
    let message = socket.next().await.expect("a notification");
    assert_eq!(message["method"], "eth_subscription", "{message}");
    assert_eq!(&message["params"]["subscription"], id, "{message}");
    message["params"]["result"].clone()
}

#[tokio::test]
async fn new_heads_are_told_as_headers_in_order() {
    let chain = FakeChain::of(3);
    let node = Setup::default().start(chain.engine()).await;
    let mut socket = open(&node).await;
    let id = subscribe(&mut socket, json!(["newHeads"])).await;
    let new = [chain.grow(1, &[], 0), chain.grow(1, &[], 0)];
    for (number, hash) in (3..).zip(new) {
        let head = told(&mut socket, &id).await;
        assert_eq!((&head["hash"], &head["number"]), (&json!(hash), &json!(format!("{number:#x}"))));
        for field in
            ["parentHash", "stateRoot", "logsBloom", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas"]
        {
            assert!(head[field].is_string(), "{field}: {head}");
        }
        for field in ["transactions", "uncles", "withdrawals", "size"] {
            assert!(head.get(field).is_none(), "{field} is the block's: {head}");
        }
    }
}

#[tokio::test]
async fn a_head_wakes_its_subscribers_at_once() {
    let chain = FakeChain::of(3);
    let status = Latest::new(answers::status(SyncState::Synced));
    let execution = Execution { status: Some(status.reader()), ..Execution::default() };
    let node = Setup { execution, ..Setup::default() }.start(chain.engine()).await;
    let mut socket = open(&node).await;
    let id = subscribe(&mut socket, json!(["newHeads"])).await;
    let clock = alys_bus::Clock::system();
    let mut took = Vec::new();
    // By its own clock a subscription looks twice a second, and has just looked when the next head comes: only who
    // is woken hears of four so soon. A busy machine may be late with others.
    while took.iter().filter(|took: &&Duration| took.as_millis() < 200).count() < 4 {
        assert!(took.len() < 20, "{took:?}");
        let hash = chain.grow(1, &[], 0);
        let began = clock.now();
        status.update(|status| {
            status.head.height += 1;
            true
        });
        assert_eq!(told(&mut socket, &id).await["hash"], json!(hash));
        took.push(clock.now() - began);
    }
}

#[tokio::test]
async fn logs_are_told_and_taken_back() {
    let chain = FakeChain::of(3);
    let node = Setup::default().start(chain.engine()).await;
    let mut socket = open(&node).await;
    let id = subscribe(&mut socket, json!(["logs", { "address": EMITTER }])).await;
    let hash = chain.grow(1, &[], 1);
    let log = told(&mut socket, &id).await;
    assert_eq!((&log["blockHash"], &log["removed"]), (&json!(hash), &json!(false)));
    chain.drop_last(1);
    let other = chain.grow(2, &[], 1);
    let log = told(&mut socket, &id).await;
    assert_eq!((&log["blockHash"], &log["removed"]), (&json!(hash), &json!(true)));
    let log = told(&mut socket, &id).await;
    assert_eq!((&log["blockHash"], &log["removed"]), (&json!(other), &json!(false)));
}

#[tokio::test]
async fn transactions_that_wait_are_told_by_hash() {
    let chain = FakeChain::of(3);
    let node = Setup::default().start(chain.engine()).await;
    let mut socket = open(&node).await;
    let id = subscribe(&mut socket, json!(["newPendingTransactions"])).await;
    chain.wait(B256::repeat_byte(5));
    assert_eq!(told(&mut socket, &id).await, json!(B256::repeat_byte(5)));
}

#[tokio::test]
async fn an_external_client_is_followed_by_its_own_json_rpc() {
    let chain = FakeChain::of(3);
    let execution = Execution { forward: true, ..Execution::default() };
    let node = Setup { execution, ..Setup::default() }.start(chain.client()).await;
    let mut socket = open(&node).await;
    let heads = subscribe(&mut socket, json!(["newHeads"])).await;
    let hash = chain.grow(1, &[], 1);
    assert_eq!(told(&mut socket, &heads).await["hash"], json!(hash));
    assert_eq!(ask(&mut socket, "eth_unsubscribe", json!([heads])).await["result"], true);
    let logs = subscribe(&mut socket, json!(["logs", {}])).await;
    let hash = chain.grow(1, &[], 1);
    assert_eq!(told(&mut socket, &logs).await["blockHash"], json!(hash));
    assert_eq!(ask(&mut socket, "eth_unsubscribe", json!([logs])).await["result"], true);
    let waiting = subscribe(&mut socket, json!(["newPendingTransactions"])).await;
    chain.wait(B256::repeat_byte(5));
    assert_eq!(told(&mut socket, &waiting).await, json!(B256::repeat_byte(5)));
}

#[tokio::test]
async fn what_was_unsubscribed_is_told_no_more() {
    let chain = FakeChain::of(3);
    let node = Setup::default().start(chain.engine()).await;
    let mut socket = open(&node).await;
    let first = subscribe(&mut socket, json!(["newHeads"])).await;
    assert_eq!(ask(&mut socket, "eth_unsubscribe", json!([first])).await["result"], true);
    assert_eq!(ask(&mut socket, "eth_unsubscribe", json!([first])).await["result"], false);
    let second = subscribe(&mut socket, json!(["newHeads"])).await;
    let hash = chain.grow(1, &[], 0);
    assert_eq!(told(&mut socket, &second).await["hash"], json!(hash));
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_is_refused_with_its_reason() {
    let node = node().await;
    let mut socket = open(&node).await;
    for (params, code, text) in [
        (json!(["newBlocks"]), -32601, "no \"newBlocks\" subscription in eth namespace"),
        (json!([]), -32602, "missing value for required argument 0 (subscription)"),
        (json!(["logs", { "address": "0x1" }]), -32602, "invalid argument 1 (filter)"),
        (json!(["newHeads", 1]), -32602, "too many arguments"),
        (json!({ "name": "newHeads" }), -32602, "non-array args"),
    ] {
        let answer = ask(&mut socket, "eth_subscribe", params.clone()).await;
        assert_eq!(answer["error"]["code"], code, "{params}: {answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(text), "{params}: {answer}");
    }
}

#[tokio::test]
async fn a_subscription_needs_a_websocket_and_a_request_of_its_own() {
    let node = node().await;
    for method in ["eth_subscribe", "eth_unsubscribe"] {
        let (code, message, _) = node.err(method, json!(["newHeads"])).await;
        assert_eq!((code, message.as_str()), (-32601, "notifications not supported"));
    }
    let mut socket = open(&node).await;
    socket.send(r#"[{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}]"#).await;
    assert_eq!(socket.next().await.unwrap()[0]["error"]["code"], -32600);
}

#[tokio::test]
async fn one_connection_holds_so_many_subscriptions_and_no_more() {
    let chain = FakeChain::of(3);
    let node = Setup::default().start(chain.engine()).await;
    let mut socket = open(&node).await;
    for _ in 0..64 {
        subscribe(&mut socket, json!(["newHeads"])).await;
    }
    let refused = ask(&mut socket, "eth_subscribe", json!(["newHeads"])).await;
    assert!(refused["error"]["code"].is_number(), "{refused}");
    subscribe(&mut open(&node).await, json!(["newHeads"])).await;
}

#[tokio::test]
async fn a_server_stops_in_time_with_subscriptions_open() {
    let chain = FakeChain::of(3);
    let node = Setup::default().start(chain.engine()).await;
    let mut socket = open(&node).await;
    subscribe(&mut socket, json!(["newHeads"])).await;
    soon(node.actor.stop()).await;
    assert_eq!(socket.next().await, None);
}
