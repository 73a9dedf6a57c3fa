//! With an execution client that has a JSON-RPC of its own: what goes there, what does not, and that it comes back as
//! it is.

use alys_bus::{
    Latest, Limits,
    protocol::{EngineMessage, engine::EngineHealth, query::QueryError},
};
use alys_rpc::Execution;
use serde_json::{Value, json, value::RawValue};

use crate::{
    actor::Answers,
    answers,
    node::{Node, Setup, soon},
};

/// Everything of which an external client is asked.
const FORWARDED: [&str; 23] = [
    "eth_blockNumber",
    "eth_call",
    "eth_createAccessList",
    "eth_estimateGas",
    "eth_feeHistory",
    "eth_gasPrice",
    "eth_getBalance",
    "eth_getBlockByNumber",
    "eth_getBlockReceipts",
    "eth_getFilterChanges",
    "eth_getLogs",
    "eth_getProof",
    "eth_getStorageAt",
    "eth_getTransactionCount",
    "eth_getTransactionReceipt",
    "eth_maxPriorityFeePerGas",
    "eth_newFilter",
    "eth_sendRawTransaction",
    "eth_simulateV1",
    "eth_uninstallFilter",
    "txpool_status",
    "debug_getRawBlock",
    "debug_getRawTransaction",
];

/// What it is asked where the operator has opened it.
const COSTLY: [&str; 9] = [
    "debug_storageRangeAt",
    "debug_traceBlock",
    "debug_traceBlockByHash",
    "debug_traceBlockByNumber",
    "debug_traceCall",
    "debug_traceTransaction",
    "txpool_content",
    "txpool_contentFrom",
    "txpool_inspect",
];

/// What would use a key, or administer the client, or answer by another connection.
const NOT_FORWARDED: [&str; 25] = [
    "eth_sign",
    "eth_signTransaction",
    "eth_signTypedData_v4",
    "eth_sendTransaction",
    "eth_fillTransaction",
    "eth_submitWork",
    "eth_coinbase",
    "personal_listAccounts",
    "personal_unlockAccount",
    "admin_nodeInfo",
    "admin_addPeer",
    "admin_startHTTP",
    "miner_setGasLimit",
    "miner_start",
    "engine_forkchoiceUpdatedV3",
    "engine_newPayloadV4",
    "debug_setHead",
    "debug_chaindbCompact",
    "debug_cpuProfile",
    "debug_standardTraceBlockToFile",
    "debug_traceChain",
    "debug_writeMemProfile",
    "les_serverInfo",
    "rpc_modules",
    "eth_getbalance",
];

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

async fn forwarding(engine: impl Answers<EngineMessage>) -> Node {
    setup().start(engine).await
}

fn setup() -> Setup {
    Setup { execution: Execution { forward: true, ..Execution::default() }, ..Setup::default() }
}

/// A client that answers with what it was asked, and knows nothing typed.
fn echo(message: EngineMessage) {
    match message {
        EngineMessage::Forward { method, params, reply } => {
            let params = params.map_or_else(|| "none".to_owned(), |params| params.get().to_owned());
            reply.send(Ok(raw(&json!({ "method": method, "params": params }).to_string())));
        }
        other => alys_bus::unsupported(other),
    }
}

/// A client that refuses everything alike.
fn refusing(code: i32, message: &'static str, data: Option<&'static str>) -> impl Answers<EngineMessage> {
    move |asked| match asked {
        EngineMessage::Forward { reply, .. } => reply.send(Err(QueryError::Client {
            code,
            message: message.to_owned(),
            data: data.map(str::to_owned),
        })),
        other => alys_bus::unsupported(other),
    }
}

#[tokio::test]
async fn what_an_external_client_answers_is_asked_there_in_the_callers_words() {
    let node = forwarding(echo).await;
    for method in FORWARDED {
        for (sent, arrives) in [
            (r#","params":[ "0x0A", {"b":1,"a":[1.50]} ]"#, r#"[ "0x0A", {"b":1,"a":[1.50]} ]"#),
            (r#","params":{"by":"name"}"#, r#"{"by":"name"}"#),
            (r#","params":[]"#, "[]"),
            (r#","params":null"#, "none"),
            ("", "none"),
        ] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}"{sent}}}"#);
            let (status, answer) = node.send(body).await;
            assert_eq!(status, 200);
            assert_eq!(answer["result"], json!({ "method": method, "params": arrives }), "{method}{sent}");
        }
    }
    assert!(node.asked.lock().iter().all(|asked| asked.starts_with("Forward")));
}

#[tokio::test]
async fn what_may_cost_the_client_much_is_closed_until_the_operator_opens_it() {
    let node = forwarding(echo).await;
    for method in COSTLY {
        let (code, message, _) = node.err(method, json!([])).await;
        assert_eq!(code, -32601, "{method}: {message}");
        assert!(message.contains(method) && message.contains("rpc.debug = true"), "{message}");
    }
    assert!(node.asked.lock().is_empty(), "the client was asked: {:?}", node.asked.lock());
    let node = setup().config(|config| config.debug = true).start(echo).await;
    for method in COSTLY {
        let answer = node.ok(method, json!(["0x1"])).await;
        assert_eq!(answer, json!({ "method": method, "params": r#"["0x1"]"# }));
    }
    // It opens nothing that commands.
    for method in NOT_FORWARDED {
        assert_eq!(node.err(method, json!([])).await.0, -32601, "{method}");
    }
}

#[tokio::test]
async fn an_answer_comes_back_to_the_letter() {
    let answer = r#"{"z":1.50,"a":"0x00Ab","big":123456789012345678901234567890,"z2":[null,true]}"#;
    let node = forwarding(move |message| match message {
        EngineMessage::Forward { reply, .. } => reply.send(Ok(raw(answer))),
        other => alys_bus::unsupported(other),
    })
    .await;
    let response = node.post(r#"{"jsonrpc":"2.0","id":1,"method":"eth_getProof"}"#).send().await.unwrap();
    let text = response.text().await.unwrap();
    assert_eq!(text, format!(r#"{{"jsonrpc":"2.0","id":1,"result":{answer}}}"#));
}

#[tokio::test]
async fn a_refusal_of_the_client_reaches_the_caller_unchanged() {
    for (code, message, data, read) in [
        (3, "execution reverted: no", Some(r#""0x08c379a0""#), json!("0x08c379a0")),
        (-32000, "nonce too low: next nonce 2, tx nonce 1", None, Value::Null),
        (-32601, "the method eth_getProof does not exist/is not available", None, Value::Null),
        (-38013, "a code of simulations", Some(r#"{"reason":[1,"x"]}"#), json!({ "reason": [1, "x"] })),
        (-32602, "invalid argument 0: ü\"quoted\"", Some("17"), json!(17)),
        (4444, "pruned history unavailable", None, Value::Null),
    ] {
        let node = forwarding(refusing(code, message, data)).await;
        let refused = node.err("eth_getProof", json!([])).await;
        assert_eq!(refused, (i64::from(code), message.to_owned(), read));
    }
}

#[tokio::test]
async fn data_of_a_refusal_that_is_no_json_is_left_out_and_nothing_else() {
    let node = forwarding(refusing(-32000, "broken", Some("{"))).await;
    assert_eq!(node.err("eth_call", json!([])).await, (-32000, "broken".to_owned(), Value::Null));
}

#[tokio::test]
async fn what_would_use_a_key_or_administer_the_client_is_not_forwarded() {
    let node = forwarding(echo).await;
    for method in NOT_FORWARDED {
        let (code, message, _) = node.err(method, json!([])).await;
        assert_eq!(code, -32601, "{method}: {message}");
    }
    assert_eq!(node.ok("eth_accounts", json!([])).await, json!([]));
    assert!(node.asked.lock().is_empty(), "the client was asked: {:?}", node.asked.lock());
}

#[tokio::test]
async fn what_the_node_knows_better_it_says_itself() {
    let node = forwarding(echo).await;
    assert_eq!(node.ok("eth_chainId", json!([])).await, "0x1092");
    assert_eq!(node.ok("net_version", json!([])).await, "4242");
    assert_eq!(node.ok("net_listening", json!([])).await, true);
    assert_eq!(node.ok("net_peerCount", json!([])).await, "0x0");
    assert_eq!(node.ok("eth_syncing", json!([])).await, false);
    assert_eq!(node.ok("alys_status", json!([])).await["chain"], "test");
    let asked = node.asked.lock().clone();
    assert!(!asked.iter().any(|asked| asked.starts_with("Forward")), "{asked:?}");
}

#[tokio::test]
async fn without_the_switch_nothing_is_forwarded() {
    let node = Setup::default().start(answers::engine).await;
    assert_eq!(node.ok("eth_blockNumber", json!([])).await, "0x1a");
    for method in ["txpool_content", "debug_traceTransaction", "eth_simulateV1"] {
        assert_eq!(node.err(method, json!([])).await.0, -32601, "{method}");
    }
    assert!(!node.asked.lock().iter().any(|asked| asked.starts_with("Forward")));
}

#[tokio::test]
async fn the_client_version_names_node_and_client_and_the_node_alone_where_the_client_is_silent() {
    let says = |text: &'static str| {
        move |message| match message {
            EngineMessage::Forward { method, reply, .. } => {
                assert_eq!(method, "web3_clientVersion");
                reply.send(Ok(raw(text)));
            }
            other => alys_bus::unsupported(other),
        }
    };
    let node = forwarding(says(r#""Geth/v1.17.8-stable/linux-amd64/go1.26""#)).await;
    let version = node.ok("web3_clientVersion", json!([])).await;
    assert_eq!(version, "alys/v0/test Geth/v1.17.8-stable/linux-amd64/go1.26");
    for engine in [says(r#"{"no":"text"}"#), says("7")] {
        assert_eq!(forwarding(engine).await.ok("web3_clientVersion", json!([])).await, "alys/v0/test");
    }
    let node = forwarding(refusing(-32000, "not today", None)).await;
    assert_eq!(node.ok("web3_clientVersion", json!([])).await, "alys/v0/test");
    let mut held = Vec::new();
    let node = forwarding(move |message| held.push(message)).await;
    assert_eq!(node.ok("web3_clientVersion", json!([])).await, "alys/v0/test");
}

#[tokio::test]
async fn a_client_that_does_not_answer_ends_in_a_timeout() {
    let mut held = Vec::new();
    let setup = setup().config(|config| config.request_timeout_ms = 100);
    let node = setup.start(move |message| held.push(message)).await;
    let (code, message, _) = node.err("eth_getBalance", json!([])).await;
    assert_eq!((code, message.as_str()), (-32002, "request timed out"));
}

#[tokio::test]
async fn a_client_with_too_many_questions_is_a_limit() {
    let mut held = Vec::new();
    let limits = Limits { normal: 1, waiters: 0, ..Limits::default() };
    let setup = Setup { engine_limits: limits, ..setup() };
    let node = setup.start(move |message| held.push(message)).await;
    let first = node.post(r#"{"jsonrpc":"2.0","id":1,"method":"eth_call"}"#).send();
    let second = async {
        soon(async {
            while node.asked.lock().is_empty() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        node.err("eth_call", json!([])).await
    };
    tokio::select! {
        biased;
        (code, message, _) = second => assert_eq!(code, -32005, "{message}"),
        answer = first => panic!("the first is still being worked on: {answer:?}"),
    }
}

#[tokio::test]
async fn an_answer_of_the_client_above_the_bound_is_not_passed_on() {
    let setup = setup().config(|config| config.max_response_bytes = 1000);
    let node = setup
        .start(|message| match message {
            EngineMessage::Forward { reply, .. } => {
                reply.send(Ok(raw(&format!("\"{}\"", "a".repeat(2000)))));
            }
            other => alys_bus::unsupported(other),
        })
        .await;
    let (code, message, _) = node.err("eth_getLogs", json!([])).await;
    assert_eq!(code, -32005, "{message}");
    assert!(message.contains("response too large"), "{message}");
}

#[tokio::test]
async fn a_batch_may_mix_what_is_forwarded_with_what_is_not() {
    let node = forwarding(echo).await;
    let batch = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "eth_getCode", "params": ["0x1"] },
        { "jsonrpc": "2.0", "id": 2, "method": "eth_chainId" },
        { "jsonrpc": "2.0", "id": 3, "method": "admin_peers" },
    ]);
    let (_, answer) = node.send(batch.to_string()).await;
    assert_eq!(answer[0]["result"]["params"], r#"["0x1"]"#);
    assert_eq!(answer[1]["result"], "0x1092");
    assert_eq!(answer[2]["error"]["code"], -32601);
}

#[tokio::test]
async fn the_status_tells_how_the_execution_client_fares() {
    let unwatched = Setup::default().start(answers::engine).await;
    assert_eq!(unwatched.ok("alys_status", json!([])).await["execution"], Value::Null);
    let health = Latest::new(EngineHealth::Synced);
    let execution = Execution { health: Some(health.reader()), ..Execution::default() };
    let node = Setup { execution, ..Setup::default() }.start(answers::engine).await;
    for (fares, told) in [
        (EngineHealth::Synced, "synced"),
        (EngineHealth::Syncing, "syncing"),
        (EngineHealth::Offline, "offline"),
        (EngineHealth::AuthFailed, "auth-failed"),
    ] {
        health.set(fares);
        assert_eq!(node.ok("alys_status", json!([])).await["execution"], told);
    }
}
