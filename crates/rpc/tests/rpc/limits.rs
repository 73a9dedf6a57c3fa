//! Bounds: bodies, batches, answers, connections, requests in flight.

use std::sync::Arc;

use alloy_primitives::Bytes;
use alys_bus::protocol::EngineMessage;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    answers,
    node::{Setup, node, soon},
};

#[tokio::test]
async fn a_batch_is_answered_in_its_order_with_errors_in_their_places() {
    let node = node().await;
    let batch = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "eth_chainId" },
        { "jsonrpc": "2.0", "id": "two", "method": "eth_nothing" },
        { "jsonrpc": "2.0", "method": "eth_chainId" },
        7,
        { "jsonrpc": "2.0", "id": 4, "method": "eth_blockNumber", "params": [] },
    ]);
    let (status, answer) = node.send(batch.to_string()).await;
    assert_eq!(status, 200);
    let answers = answer.as_array().unwrap();
    assert_eq!(answers.len(), 4, "a notification has no answer: {answer}");
    assert_eq!(answers[0], json!({ "jsonrpc": "2.0", "id": 1, "result": "0x1092" }));
    assert_eq!(answers[1]["id"], "two");
    assert_eq!(answers[1]["error"]["code"], -32601);
    assert_eq!(answers[2]["error"]["code"], -32600);
    assert_eq!(answers[3], json!({ "jsonrpc": "2.0", "id": 4, "result": "0x1a" }));
}

#[tokio::test]
async fn a_batch_has_a_bound_and_one_deadline() {
    let mut held = Vec::new();
    let node = Setup::default()
        .config(|config| {
            config.max_batch = 3;
            config.request_timeout_ms = 2000;
        })
        .start(move |message| held.push(message))
        .await;
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber" });
    let (status, answer) = node.send(json!([request, request, request, request]).to_string()).await;
    assert_eq!((status, &answer["error"]["code"]), (200, &json!(-32005)), "{answer}");
    let clock = alys_bus::Clock::system();
    let began = clock.now();
    let (_, answer) = node.send(json!([request, request, request]).to_string()).await;
    for one in answer.as_array().unwrap() {
        assert_eq!(one["error"]["message"], "request timed out");
    }
    let took = clock.now() - began;
    assert!(took < std::time::Duration::from_secs(4), "more than one deadline in a row: {took:?}");
}

#[tokio::test]
async fn an_empty_batch_is_an_invalid_request() {
    let (status, answer) = node().await.send("[]").await;
    assert_eq!((status, &answer["error"]["code"]), (200, &json!(-32600)), "{answer}");
}

#[tokio::test]
async fn a_body_above_the_bound_is_refused_unread() {
    let node = Setup::default().config(|config| config.max_request_bytes = 1000).start(answers::engine).await;
    let long = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#, "x".repeat(1000));
    let (status, answer) = node.send(long).await;
    assert_eq!(status, 413);
    assert_eq!(answer["error"]["code"], -32005);
    assert_eq!(answer["id"], Value::Null);
    // Without a Content-Length it is counted as it comes.
    let mut socket = TcpStream::connect(node.address).await.unwrap();
    let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
        transfer-encoding: chunked\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(format!("7d0\r\n[{}\r\n", "1".repeat(1999)).as_bytes()).await.unwrap();
    let mut answer = vec![0; 200];
    let read = soon(socket.read(&mut answer)).await.unwrap();
    assert!(String::from_utf8_lossy(&answer[..read]).starts_with("HTTP/1.1 413"));
}

#[tokio::test]
async fn a_body_that_never_ends_is_not_waited_for() {
    let node =
        Setup::default().config(|config| config.transfer_timeout_ms = 100).start(answers::engine).await;
    let mut socket = TcpStream::connect(node.address).await.unwrap();
    let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 200];
    let read = soon(socket.read(&mut answer)).await.unwrap();
    assert!(String::from_utf8_lossy(&answer[..read]).starts_with("HTTP/1.1 408"));
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let node = Setup::default().config(|config| config.idle_timeout_ms = 100).start(answers::engine).await;
    let mut socket = TcpStream::connect(node.address).await.unwrap();
    let mut nothing = Vec::new();
    // Closed by the server, with or without a word.
    let _ = soon(socket.read_to_end(&mut nothing)).await;
}

#[tokio::test]
async fn an_answer_above_the_bound_says_so() {
    let node = Setup::default()
        .config(|config| config.max_response_bytes = 2000)
        .start(|message| match message {
            EngineMessage::Code { reply, .. } => reply.send(Ok(Bytes::from(vec![0; 4000]))),
            other => answers::engine(other),
        })
        .await;
    let (code, message, _) = node.err("eth_getCode", json!([answers::SENDER])).await;
    assert_eq!(code, -32005, "{message}");
    let request =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber", "params": ["latest"] });
    let (_, answer) = node.send(json!([request, request, request]).to_string()).await;
    assert_eq!(answer["error"]["code"], -32005, "{answer}");
}

#[tokio::test]
async fn connections_above_the_bound_are_refused_and_places_come_back() {
    let node = Setup::default().config(|config| config.max_connections = 2).start(answers::engine).await;
    let first = TcpStream::connect(node.address).await.unwrap();
    let second = TcpStream::connect(node.address).await.unwrap();
    let mut third = TcpStream::connect(node.address).await.unwrap();
    let mut answer = String::new();
    third.write_all(b"POST / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    soon(third.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["error"]["code"], -32005);
    drop((first, second));
    soon(async {
        while !node.post("{}").send().await.is_ok_and(|response| response.status() != 503) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(node.ok("eth_chainId", json!([])).await, "0x1092");
}

#[tokio::test]
async fn requests_in_flight_are_bounded() {
    let held: Arc<Mutex<Vec<EngineMessage>>> = Arc::default();
    let engine = Arc::clone(&held);
    let node = Setup::default()
        .config(|config| config.max_in_flight = 1)
        .start(move |message| engine.lock().push(message))
        .await;
    let (slow, quick) = tokio::join!(node.ok("eth_blockNumber", json!([])), async {
        soon(async {
            while held.lock().is_empty() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let quick = node.err("eth_chainId", json!([])).await;
        held.lock().drain(..).for_each(answers::engine);
        quick
    });
    assert_eq!(slow, "0x1a");
    assert_eq!(quick.0, -32005);
    assert_eq!(node.ok("eth_chainId", json!([])).await, "0x1092");
}

#[tokio::test]
async fn what_is_no_json_rpc_is_refused_as_the_specification_says() {
    let node = node().await;
    for (body, status, code) in [
        ("", 400, -32700),
        ("hello", 400, -32700),
        ("{", 200, -32700),
        ("[{]", 200, -32700),
        (r#"{"id":1,"method":"eth_chainId"}"#, 200, -32600),
        (r#"{"jsonrpc":"2.0","id":1}"#, 200, -32600),
    ] {
        let (got, answer) = node.send(body).await;
        assert_eq!((got, &answer["error"]["code"]), (status, &json!(code)), "{body}: {answer}");
    }
    let plain = node.client().post(node.url()).body("{}").header("content-type", "text/plain").send();
    assert_eq!(plain.await.unwrap().status(), 415);
    assert_eq!(node.client().get(node.url()).send().await.unwrap().status(), 405);
}
