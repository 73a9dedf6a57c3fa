//! Starting, stopping, starting again.

use std::sync::Arc;

use alys_bus::protocol::EngineMessage;
use alys_rpc::{ConfigError, RpcConfig};
use parking_lot::Mutex;
use serde_json::json;
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
};

use crate::{
    actor::incarnation,
    answers,
    node::{Setup, node, soon},
};

#[tokio::test]
async fn a_port_in_use_is_named_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = Setup::default()
        .config(|config| config.listen = address)
        .try_start(answers::engine)
        .await
        .err()
        .unwrap();
    assert!(error.contains(&address.to_string()), "{error}");
    assert!(error.contains("in use") && error.contains("rpc.listen"), "{error}");
}

#[tokio::test]
async fn a_stopped_server_answers_what_is_under_way_and_takes_no_more() {
    let held: Arc<Mutex<Vec<EngineMessage>>> = Arc::default();
    let engine = Arc::clone(&held);
    // It waits for what is under way, however long that takes on a busy machine.
    let node = Setup::default()
        .config(|config| config.shutdown_grace_ms = 60_000)
        .start(move |message| engine.lock().push(message))
        .await;
    let (address, url) = (node.address, node.url());
    let client = node.client().clone();
    let (answer, ()) = tokio::join!(
        async {
            let body = r#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}"#;
            let request = client.post(url).header("content-type", "application/json").body(body);
            request.send().await.unwrap().text().await.unwrap()
        },
        async {
            soon(async {
                while held.lock().is_empty() {
                    tokio::task::yield_now().await;
                }
            })
            .await;
            let (stopped, ()) = tokio::join!(soon(node.actor.stop()), async {
                soon(async {
                    while TcpStream::connect(address).await.is_ok() {
                        tokio::task::yield_now().await;
                    }
                })
                .await;
                for message in held.lock().drain(..) {
                    answers::engine(message);
                }
            });
            stopped
        }
    );
    assert!(answer.contains("0x1a"), "{answer}");
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_keep_the_server_from_stopping() {
    let mut held = Vec::new();
    let node = Setup::default()
        .config(|config| config.shutdown_grace_ms = 50)
        .start(move |message| held.push(message))
        .await;
    let request = node.post(r#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}"#).send();
    let (outcome, ()) = tokio::join!(request, async {
        soon(async {
            while node.asked.lock().is_empty() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        soon(node.actor.stop()).await;
    });
    assert!(outcome.is_err(), "it was cut off");
}

#[tokio::test]
async fn the_next_incarnation_takes_the_port_of_the_last() {
    let first = node().await;
    let (address, bound) = (first.address, first.bound.clone());
    soon(first.actor.stop()).await;
    let second = Setup { bound, ..Setup::default() }.start(answers::engine).await;
    assert_eq!(second.address, address);
    assert_eq!(second.ok("eth_chainId", json!([])).await, "0x1092");
}

#[tokio::test]
async fn stale_ref_an_engine_that_was_started_again_answers_the_same_server() {
    let mut node = node().await;
    assert_eq!(node.ok("eth_blockNumber", json!([])).await, "0x1a");
    let first = std::mem::replace(&mut node.engine_actor, incarnation(&node.engine, answers::engine).await.1);
    soon(first.kill()).await;
    assert_eq!(node.ok("eth_blockNumber", json!([])).await, "0x1a");
    let second = std::mem::replace(&mut node.engine_actor, incarnation(&node.engine, drop).await.1);
    soon(second.kill()).await;
    node.engine.unbind();
    assert_eq!(node.err("eth_blockNumber", json!([])).await.0, -32002);
}

#[tokio::test]
async fn reply_to_the_gone_a_client_that_left_takes_nothing_with_it() {
    let held: Arc<Mutex<Vec<EngineMessage>>> = Arc::default();
    let engine = Arc::clone(&held);
    let node = Setup::default().start(move |message| engine.lock().push(message)).await;
    let request = node.post(r#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}"#).send();
    {
        let mut request = std::pin::pin!(request);
        soon(async {
            while held.lock().is_empty() {
                let _ = futures::poll!(request.as_mut());
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    let given_up = || {
        held.lock()
            .iter()
            .all(|message| matches!(message, EngineMessage::Head { reply } if reply.is_abandoned()))
    };
    soon(async {
        while !given_up() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    held.lock().drain(..).for_each(answers::engine);
    assert_eq!(node.engine.stats().lanes.iter().map(|lane| lane.in_flight).sum::<usize>(), 0);
    assert_eq!(node.ok("eth_chainId", json!([])).await, "0x1092");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_is_back_at_once_on_its_port_and_its_connections_are_cut_off() {
    let mut node = node().await;
    for _ in 0..20 {
        let (address, bound) = (node.address, node.bound.clone());
        let mut held = TcpStream::connect(address).await.unwrap();
        node.ok("eth_chainId", json!([])).await;
        soon(node.actor.kill()).await;
        node = soon(Setup { bound, ..Setup::default() }.start(answers::engine)).await;
        assert_eq!(node.address, address);
        assert_eq!(node.ok("eth_chainId", json!([])).await, "0x1092");
        let mut rest = Vec::new();
        // Closed, with or without a word.
        let _ = soon(held.read_to_end(&mut rest)).await;
    }
}

#[tokio::test]
async fn a_configuration_that_cannot_work_is_refused_by_its_field() {
    let zero = RpcConfig { max_batch: 0, ..RpcConfig::default() };
    assert_eq!(zero.validate(), Err(ConfigError::Zero { field: "max_batch" }));
    let small = RpcConfig { max_buffered_bytes: 1, ..RpcConfig::default() };
    assert!(matches!(small.validate(), Err(ConfigError::BufferTooSmall { .. })));
    for origin in ["wallet.example", "https://", "https://wallet.example/", "https://*.example"] {
        let config = RpcConfig { cors_origins: vec![origin.to_owned()], ..RpcConfig::default() };
        assert!(matches!(config.validate(), Err(ConfigError::NotAnOrigin { .. })), "{origin}");
    }
    for host in ["https://node.example", "node.example:8545", ""] {
        let config = RpcConfig { allowed_hosts: vec![host.to_owned()], ..RpcConfig::default() };
        assert!(matches!(config.validate(), Err(ConfigError::NotAHost { .. })), "{host}");
    }
    assert_eq!(RpcConfig::default().validate(), Ok(()));
    let text = serde_json::to_string(&RpcConfig::default()).unwrap();
    assert_eq!(serde_json::from_str::<RpcConfig>(&text).unwrap(), RpcConfig::default());
    assert!(serde_json::from_str::<RpcConfig>(r#"{"max_bach":1}"#).is_err());
}
