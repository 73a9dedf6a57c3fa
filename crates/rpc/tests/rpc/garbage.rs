//! Nothing that is sent makes the server fall over.

use proptest::{
    prelude::{Just, Strategy, any, prop},
    prop_oneof,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use crate::{answers, node::node};

/// Every method, as the server lists them in `src/methods`.
const METHODS: [&str; 44] = [
    "web3_clientVersion",
    "web3_sha3",
    "net_version",
    "net_listening",
    "net_peerCount",
    "eth_chainId",
    "eth_accounts",
    "eth_syncing",
    "eth_blockNumber",
    "eth_getBlockByNumber",
    "eth_getBlockByHash",
    "eth_getBlockTransactionCountByNumber",
    "eth_getBlockTransactionCountByHash",
    "eth_getTransactionByBlockNumberAndIndex",
    "eth_getTransactionByBlockHashAndIndex",
    "eth_getBlockReceipts",
    "eth_getUncleCountByBlockNumber",
    "eth_getUncleCountByBlockHash",
    "eth_getUncleByBlockNumberAndIndex",
    "eth_getUncleByBlockHashAndIndex",
    "eth_getBalance",
    "eth_getTransactionCount",
    "eth_getCode",
    "eth_getStorageAt",
    "eth_call",
    "eth_estimateGas",
    "eth_createAccessList",
    "debug_getRawBlock",
    "debug_getRawHeader",
    "debug_getRawReceipts",
    "eth_sendRawTransaction",
    "eth_getTransactionByHash",
    "eth_getTransactionReceipt",
    "eth_gasPrice",
    "eth_maxPriorityFeePerGas",
    "eth_feeHistory",
    "eth_getLogs",
    "alys_status",
    "alys_health",
    "eth_nothing",
    "",
    "eth_subscribe",
    "rpc.discover",
    "\u{0}\u{1F980}",
];

/// A value that is nearly what some method wants.
fn nearly() -> impl Strategy<Value = Value> {
    let hex = prop::collection::vec(any::<u8>(), 0..40)
        .prop_map(|bytes| json!(alloy_primitives::hex::encode_prefixed(bytes)));
    let quantity = any::<u64>().prop_map(|number| json!(format!("0x{number:x}")));
    let tag = prop::sample::select(vec!["latest", "pending", "safe", "0x", "0x00", "", "null"])
        .prop_map(|tag| json!(tag));
    let known = prop_oneof![
        Just(json!(answers::SENDER)),
        Just(json!(answers::block_hash())),
        Just(json!(answers::transaction_hash())),
    ];
    prop_oneof![hex, quantity, tag, known]
}

/// Any JSON, with the keys that methods look for.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,12}".prop_map(Value::from),
        nearly(),
    ];
    let key = prop_oneof![
        prop::sample::select(vec![
            "to",
            "from",
            "data",
            "input",
            "gas",
            "value",
            "nonce",
            "chainId",
            "accessList",
            "type",
            "authorizationList",
            "blockHash",
            "blockNumber",
            "requireCanonical",
            "fromBlock",
            "toBlock",
            "address",
            "topics",
            "gasPrice",
            "maxFeePerGas",
        ])
        .prop_map(str::to_owned),
        ".{0,5}",
    ];
    leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A request that is nearly right.
fn request() -> impl Strategy<Value = Value> {
    let params = prop_oneof![prop::collection::vec(value(), 0..5).prop_map(Value::from), value()];
    (prop::sample::select(METHODS.to_vec()), params, value()).prop_map(
        |(method, params, id)| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }),
    )
}

/// A request that is nearly right, or any JSON, or any text.
fn body() -> impl Strategy<Value = String> {
    let batch = prop::collection::vec(prop_oneof![request(), value()], 0..4).prop_map(Value::from);
    prop_oneof![
        6 => request().prop_map(|value| value.to_string()),
        2 => batch.prop_map(|value| value.to_string()),
        1 => value().prop_map(|value| value.to_string()),
        1 => "[\\[{]?.{0,60}",
    ]
}

#[tokio::test]
async fn panic_abort_whatever_is_sent_the_server_answers_and_goes_on() {
    let node = node().await;
    let mut runner = TestRunner::new(Config::default());
    for _ in 0..3000 {
        let body = body().new_tree(&mut runner).unwrap().current();
        let answer = node.post(body.clone()).send().await;
        let response = answer.unwrap_or_else(|error| panic!("{error} after {body}"));
        let text = response.text().await.unwrap();
        if !text.is_empty() {
            let answer: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text} after {body}"));
            assert!(!text.contains("-32603"), "an internal error after {body}: {answer}");
        }
    }
    assert_eq!(node.ok("eth_chainId", json!([])).await, "0x1092");
}

#[tokio::test]
async fn deep_nesting_is_refused_and_not_followed() {
    let node = node().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in [
        deep.clone(),
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{deep}]}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{{"accessList":{deep}}}]}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{{"unknown":{deep}}}]}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[{{"topics":{deep}}}]}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":{deep},"method":"eth_chainId"}}"#),
    ] {
        node.send(body).await;
    }
    assert_eq!(node.ok("eth_chainId", json!([])).await, "0x1092");
}
