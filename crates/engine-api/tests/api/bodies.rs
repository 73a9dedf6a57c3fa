//! Bodies and logs of many blocks: what comes is whose it was asked for, or none of it is taken.

use alloy_primitives::{Address, B256};
use alys_engine_api::{ApiError, EngineApi, Transport, TransportConfig};
use serde_json::{Value, json};

use crate::server::{Reaction, Server, key, now};

fn api(server: &Server) -> EngineApi {
    EngineApi::new(Transport::new(TransportConfig::engine(server.url(), key(), now())).unwrap())
}

/// A body that tells its number.
fn body(number: u64) -> Value {
    json!({ "transactions": [format!("{number:#04x}")], "withdrawals": [] })
}

fn number(quantity: &Value) -> u64 {
    u64::from_str_radix(quantity.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

#[tokio::test]
async fn bodies_are_asked_for_32_at_a_time_and_fewer_where_that_is_too_many() {
    let body = json!({ "transactions": ["0x01"], "withdrawals": [] });
    let server = Server::start(move |_, params| match params[0].as_array().unwrap().len() {
        few if few <= 8 => Reaction::Result(json!(vec![body.clone(); few])),
        _ => Reaction::Error(-38004, "Too large request"),
    })
    .await;
    let hashes: Vec<_> = (0..70).map(B256::with_last_byte).collect();
    let bodies = api(&server).payload_bodies_by_hash(&hashes).await.unwrap();
    assert_eq!(bodies.len(), 70);
    let sizes: Vec<_> = server.log().iter().map(|(_, p)| p[0].as_array().unwrap().len()).collect();
    assert!(sizes.iter().all(|size| *size <= 32), "{sizes:?}");
    let server = Server::start(|_, _| Reaction::Error(-38004, "Too large request")).await;
    let error = api(&server).payload_bodies_by_hash(&hashes).await.unwrap_err();
    assert_eq!(error.rpc().map(|error| error.code), Some(-38004), "one at a time is refused too");
}

#[tokio::test]
async fn bodies_by_range_name_their_numbers_in_hex_and_may_be_absent() {
    let server = Server::start(|_, _| Reaction::Result(json!([null, { "transactions": [] }]))).await;
    let bodies = api(&server).payload_bodies_by_range(10, 2).await.unwrap();
    assert!(bodies[0].is_none() && bodies[1].as_ref().is_some_and(|body| body.withdrawals.is_none()));
    assert_eq!(server.log()[0].1, json!(["0xa", "0x2"]));
}

#[tokio::test]
async fn more_or_fewer_bodies_than_hashes_are_not_taken_for_any_of_them() {
    for came in [0, 1, 3] {
        let server = Server::start(move |_, _| Reaction::Result(json!(vec![body(1); came]))).await;
        let error = api(&server).payload_bodies_by_hash(&[B256::ZERO; 2]).await.unwrap_err();
        assert!(matches!(error, ApiError::BadResult { .. }), "{error}");
    }
    let server = Server::start(|_, _| Reaction::Result(json!(vec![body(1); 3]))).await;
    let error = api(&server).payload_bodies_by_range(1, 2).await.unwrap_err();
    assert!(matches!(error, ApiError::BadResult { .. }), "{error}");
}

#[tokio::test]
async fn a_long_range_is_asked_for_in_spans_shorter_ones_where_those_are_too_long_and_ends_at_the_head() {
    const HEAD: u64 = 90;
    let server = Server::start(|_, params| {
        let (start, count) = (number(&params[0]), number(&params[1]));
        match count {
            0 | 9.. => Reaction::Error(-38004, "Too large request"),
            _ => Reaction::Result((start..start + count).take_while(|at| *at <= HEAD).map(body).collect()),
        }
    })
    .await;
    let bodies = api(&server).payload_bodies_by_range(10, 70).await.unwrap();
    let numbers: Vec<_> = bodies.iter().map(|body| body.as_ref().unwrap().transactions[0][0]).collect();
    assert_eq!(numbers, (10..80).collect::<Vec<u8>>(), "each once, in order");
    let counts: Vec<_> = server.log().iter().map(|(_, params)| number(&params[1])).collect();
    assert_eq!((counts[0], counts[1], counts[2]), (32, 16, 8), "{counts:?}");
    assert_eq!(api(&server).payload_bodies_by_range(80, 1000).await.unwrap().len(), 11, "up to the head");
    assert!(api(&server).payload_bodies_by_range(80, 0).await.unwrap().is_empty());
    let server = Server::start(|_, _| Reaction::Error(-38004, "Too large request")).await;
    let error = api(&server).payload_bodies_by_range(1, 70).await.unwrap_err();
    assert_eq!(error.rpc().map(|error| error.code), Some(-38004), "one at a time is refused too");
}

/// A log of the block whose hash is made of `block`.
fn log(block: u8) -> Value {
    json!({
        "address": Address::repeat_byte(block), "topics": [], "data": "0x", "blockHash": B256::repeat_byte(block),
        "blockNumber": "0x1", "transactionHash": B256::ZERO, "transactionIndex": "0x0", "logIndex": "0x0",
        "removed": false,
    })
}

#[tokio::test]
async fn logs_of_many_blocks_come_in_the_order_of_the_blocks_and_a_refused_one_is_an_error() {
    let server = Server::start(|_, params| {
        let hash = &params[0]["blockHash"];
        match (1..=3).find(|block| *hash == json!(B256::repeat_byte(*block))) {
            Some(2) => Reaction::Result(json!([])),
            Some(block) => Reaction::Result(json!(vec![log(block); usize::from(block)])),
            None => Reaction::Error(-32000, "unknown block"),
        }
    })
    .await;
    let hashes: Vec<_> = [1, 2, 3].map(B256::repeat_byte).into();
    let logs = api(&server).logs_of(&hashes).await.unwrap();
    assert_eq!(logs.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0, 3]);
    assert!(logs[2].iter().all(|log| log.block_hash == Some(hashes[2])));
    assert_eq!((server.arrays(), server.count("eth_getLogs")), (1, 3));
    let error = api(&server).logs_of(&[hashes[0], B256::ZERO]).await.unwrap_err();
    assert_eq!(error.rpc().map(|error| error.code), Some(-32000), "{error}");
    assert!(api(&server).logs_of(&[]).await.unwrap().is_empty());
}
