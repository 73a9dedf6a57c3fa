//! What goes wrong reaches clients as the code, message and data they parse, and nothing of the inside does.

use alloy_primitives::{Bytes, U256};
use alys_bus::{
    Limits,
    protocol::{
        EngineMessage,
        engine::EngineError,
        query::{QueryError, TransactionRefusal},
    },
};
use serde_json::{Value, json};

use crate::{
    answers,
    node::{Node, Setup, node},
};

/// A node whose engine answers each call by `error`.
async fn failing(error: QueryError) -> Node {
    Setup::default()
        .start(move |message| match message {
            EngineMessage::Call { reply, .. } => reply.send(Err(error.clone())),
            EngineMessage::EstimateGas { reply, .. } => reply.send(Err(error.clone())),
            other => answers::engine(other),
        })
        .await
}

/// A node whose engine refuses each transaction by `refusal`.
async fn refusing(refusal: TransactionRefusal) -> Node {
    Setup::default()
        .start(move |message| match message {
            EngineMessage::SubmitTransaction { reply, .. } => reply.send(Err(refusal.clone())),
            other => answers::engine(other),
        })
        .await
}

#[tokio::test]
async fn a_revert_is_error_3_with_its_reason_and_its_data() {
    let output = Bytes::from_static(&[0x08, 0xc3, 0x79, 0xa0]);
    let with_reason = QueryError::Reverted { output: output.clone(), reason: Some("not yours".to_owned()) };
    let node = failing(with_reason).await;
    let expected = (3, "execution reverted: not yours".to_owned(), json!("0x08c379a0"));
    assert_eq!(node.err("eth_call", json!([{}])).await, expected);
    assert_eq!(node.err("eth_estimateGas", json!([{}])).await, expected);
    let node = failing(QueryError::Reverted { output: Bytes::new(), reason: None }).await;
    let expected = (3, "execution reverted".to_owned(), json!("0x"));
    assert_eq!(node.err("eth_call", json!([{}])).await, expected);
}

#[tokio::test]
async fn other_ends_of_a_call_have_their_codes() {
    for (error, code, message) in [
        (QueryError::Halted { reason: "out of gas".to_owned() }, -32000, "out of gas"),
        (QueryError::BlockNotFound("0x99".to_owned()), -32000, "header not found"),
        (QueryError::BlockNotFound(format!("0x{:064x}", 9)), -32000, "header for hash not found"),
        (QueryError::HistoryGone { asked: 3, oldest: 9 }, -32000, "the oldest is 9"),
        (QueryError::InvalidQuery("no such thing".to_owned()), -32602, "no such thing"),
        (QueryError::LimitExceeded("too long".to_owned()), -32005, "too long"),
        (QueryError::TimedOut, -32002, "request timed out"),
        (
            QueryError::Refused(TransactionRefusal::InsufficientFunds {
                balance: U256::ZERO,
                cost: U256::ONE,
            }),
            -32000,
            "insufficient funds for gas * price + value",
        ),
    ] {
        let node = failing(error.clone()).await;
        let got = node.err("eth_call", json!([{}])).await;
        assert_eq!(got.0, code, "{error:?}");
        assert!(got.1.contains(message), "{error:?}: {}", got.1);
        assert_eq!(got.2, Value::Null, "{error:?}");
    }
}

#[tokio::test]
async fn refusals_of_transactions_read_as_geths() {
    for (refusal, message) in [
        (TransactionRefusal::NonceTooLow { next: 5, nonce: 3 }, "nonce too low: next nonce 5, tx nonce 3"),
        (TransactionRefusal::ReplacementUnderpriced, "replacement transaction underpriced"),
        (TransactionRefusal::AlreadyKnown, "already known"),
        (
            TransactionRefusal::IntrinsicGas { gas: 1, needed: 21_000 },
            "intrinsic gas too low: gas 1, minimum needed 21000",
        ),
        (
            TransactionRefusal::InsufficientFunds { balance: U256::ONE, cost: U256::from(3) },
            "insufficient funds for gas * price + value: balance 1, tx cost 3, overshot 2",
        ),
        (
            TransactionRefusal::WrongChain { have: Some(1), want: 2 },
            "invalid sender: invalid chain id for signer: have 1 want 2",
        ),
        (
            TransactionRefusal::WrongChain { have: None, want: 2 },
            "only replay-protected (EIP-155) transactions allowed over RPC",
        ),
        (TransactionRefusal::ExceedsBlockGasLimit { gas: 2, limit: 1 }, "exceeds block gas limit"),
        (
            TransactionRefusal::TipAboveFeeCap { tip: 2, cap: 1 },
            "max priority fee per gas higher than max fee per gas",
        ),
        (
            TransactionRefusal::Underpriced { tip: 0, needed: 1 },
            "transaction gas price below minimum: gas tip cap 0, minimum needed 1",
        ),
        (
            TransactionRefusal::InitCodeTooLarge { size: 2, limit: 1 },
            "max initcode size exceeded: code size 2 limit 1",
        ),
        (TransactionRefusal::PoolFull, "txpool is full"),
    ] {
        let node = refusing(refusal.clone()).await;
        let (code, text, data) = node.err("eth_sendRawTransaction", json!(["0x00"])).await;
        assert_eq!(code, -32000, "{refusal:?}");
        assert_eq!(text, message, "{refusal:?}");
        assert_eq!(data, Value::Null);
    }
}

#[tokio::test]
async fn a_method_that_is_not_served_is_named_and_no_more_than_its_beginning() {
    let node = node().await;
    let (code, message, _) = node.err("eth_mining", json!([])).await;
    assert_eq!((code, message.as_str()), (-32601, "the method eth_mining does not exist/is not available"));
    let (code, message, _) = node.err(&"long".repeat(1000), json!([])).await;
    assert_eq!(code, -32601);
    assert!(message.len() < 200, "{message}");
}

#[tokio::test]
async fn an_actors_own_troubles_stay_inside() {
    let inside = "cannot open /var/lib/alys/state.redb";
    let node = Setup::default()
        .start(move |message| match message {
            EngineMessage::Head { reply } => reply.send(Err(EngineError::Failed(inside.to_owned()))),
            EngineMessage::Call { reply, .. } => {
                reply.send(Err(QueryError::Unavailable(inside.to_owned())));
            }
            other => drop(other),
        })
        .await;
    for (method, params) in [
        ("eth_blockNumber", json!([])),
        ("eth_call", json!([{}])),
        ("eth_getBalance", json!([answers::SENDER])),
    ] {
        let (code, message, data) = node.err(method, params).await;
        assert_eq!(code, -32002, "{method}: {message}");
        assert_eq!(message, "the node cannot answer this now; try again");
        assert_eq!(data, Value::Null);
    }
}

#[tokio::test]
async fn a_chain_that_is_starting_is_no_answer_yet_and_a_missing_supervisor_is_said() {
    let setup = Setup { status: None, supervised: false, ..Setup::default() };
    let node = setup.start(answers::engine).await;
    assert_eq!(node.err("eth_syncing", json!([])).await.0, -32002);
    assert_eq!(node.err("alys_status", json!([])).await.0, -32002);
    assert_eq!(node.err("alys_health", json!([])).await.0, -32004);
}

#[tokio::test]
async fn what_the_engine_does_not_support_is_said() {
    let node = Setup::default().start(alys_bus::unsupported).await;
    assert_eq!(node.err("eth_getLogs", json!([{}])).await.0, -32004);
}

#[tokio::test]
async fn a_slow_engine_ends_in_a_timeout() {
    let mut held = Vec::new();
    let node = Setup::default()
        .config(|config| config.request_timeout_ms = 100)
        .start(move |message| held.push(message))
        .await;
    let (code, message, _) = node.err("eth_blockNumber", json!([])).await;
    assert_eq!((code, message.as_str()), (-32002, "request timed out"));
}

#[tokio::test]
async fn an_overloaded_engine_is_a_limit_that_clients_know() {
    let mut held = Vec::new();
    let limits = Limits { normal: 1, waiters: 0, ..Limits::default() };
    let setup = Setup { engine_limits: limits, ..Setup::default() };
    let node = setup.start(move |message| held.push(message)).await;
    let first = node.send(r#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}"#);
    let second = async {
        crate::node::soon(async {
            while node.asked.lock().is_empty() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        node.err("eth_blockNumber", json!([])).await
    };
    tokio::select! {
        biased;
        (code, message, _) = second => assert_eq!(code, -32005, "{message}"),
        answer = first => panic!("the first is still being worked on: {answer:?}"),
    }
}
