//! Parameters as clients send them, and what is said about those that cannot be used.

use serde_json::{Value, json};

use crate::{
    answers::{CONTRACT, SENDER, block_hash},
    node::node,
};

#[tokio::test]
async fn a_missing_block_is_the_latest() {
    let node = node().await;
    for (method, params) in [
        ("eth_getBalance", json!([SENDER])),
        ("eth_getBalance", json!([SENDER, null])),
        ("eth_getTransactionCount", json!([SENDER])),
        ("eth_getCode", json!([SENDER])),
        ("eth_getStorageAt", json!([SENDER, "0x0"])),
        ("eth_call", json!([{ "to": CONTRACT }])),
        ("eth_estimateGas", json!([{ "to": CONTRACT }])),
    ] {
        node.ok(method, params).await;
        assert!(node.last_asked().contains("at: latest"), "{method}: {}", node.last_asked());
    }
}

#[tokio::test]
async fn a_block_is_named_by_number_tag_hash_or_object() {
    let node = node().await;
    let hash = block_hash();
    for (block, asked) in [
        (json!("0x1a"), "at: 0x1a".to_owned()),
        (json!("0x001a"), "at: 0x1a".to_owned()),
        (json!("pending"), "at: pending".to_owned()),
        (json!("safe"), "at: safe".to_owned()),
        (json!("finalized"), "at: finalized".to_owned()),
        (json!("earliest"), "at: earliest".to_owned()),
        (json!(hash), hash.to_string()),
        (json!({ "blockNumber": "0x1a" }), "at: 0x1a".to_owned()),
        (json!({ "blockHash": hash }), hash.to_string()),
        (json!({ "blockHash": hash, "requireCanonical": true }), "canonical".to_owned()),
    ] {
        node.ok("eth_getBalance", json!([SENDER, block])).await;
        assert!(node.last_asked().contains(&asked), "{block}: {}", node.last_asked());
    }
}

#[tokio::test]
async fn no_parameters_may_be_an_empty_array_null_or_nothing() {
    let node = node().await;
    for params in [json!([]), Value::Null] {
        assert_eq!(node.ok("eth_chainId", params).await, "0x1092");
    }
    let (_, answer) = node.send(r#"{"jsonrpc":"2.0","id":"a","method":"eth_chainId"}"#).await;
    assert_eq!(answer, json!({ "jsonrpc": "2.0", "id": "a", "result": "0x1092" }));
}

#[tokio::test]
async fn what_cannot_be_used_is_named() {
    let node = node().await;
    for (method, params, named) in [
        ("eth_getBalance", json!([]), "missing value for required argument 0 (address)"),
        ("eth_getBalance", json!(["0x12"]), "invalid argument 0 (address): hex string has length 2, want 40"),
        ("eth_getBalance", json!([7]), "invalid argument 0 (address)"),
        ("eth_getBalance", json!([SENDER, "newest"]), "invalid argument 1 (block)"),
        ("eth_getBalance", json!([SENDER, 26]), "invalid argument 1 (block)"),
        ("eth_getBalance", json!([SENDER, "latest", 1]), "too many arguments, want at most 2"),
        ("eth_getBalance", json!([0, 0, 0, 0, 0, 0, 0, 0, 0]), "too many arguments"),
        ("eth_getBalance", json!({ "address": SENDER }), "non-array args"),
        ("eth_getBlockByNumber", json!([]), "required argument 0 (block)"),
        ("eth_getBlockByNumber", json!(["latest", "yes"]), "invalid argument 1 (full transactions)"),
        ("eth_getBlockByHash", json!(["0x1a", false]), "invalid argument 0 (block hash)"),
        ("eth_getStorageAt", json!([SENDER, "0xzz"]), "invalid argument 1 (storage slot)"),
        ("eth_call", json!([]), "required argument 0 (transaction)"),
        ("eth_call", json!(["0x"]), "invalid argument 0 (transaction)"),
        ("eth_call", json!([{ "to": "0x1" }]), "invalid argument 0 (transaction)"),
        ("eth_call", json!([{ "data": "0x1", "to": SENDER }]), "invalid argument 0 (transaction)"),
        ("eth_call", json!([{}, "latest", { "0x1": {} }]), "invalid argument 2 (state override)"),
        ("eth_call", json!([{}, "latest", {}, { "time": "x" }]), "invalid argument 3 (block override)"),
        ("eth_getProof", json!([SENDER]), "required argument 1 (storage keys)"),
        ("eth_getProof", json!([SENDER, ["0xzz"]]), "invalid argument 1 (storage keys)"),
        ("eth_getProof", json!([SENDER, vec!["0x0"; 1025]]), "too many slots (max 1024)"),
        (
            "eth_sendRawTransaction",
            json!(["0x123"]),
            "invalid argument 0 (transaction): hex string of odd length",
        ),
        ("eth_sendRawTransaction", json!(["1234"]), "hex string without 0x prefix"),
        ("eth_getTransactionByHash", json!(["0x12"]), "invalid argument 0 (transaction hash)"),
        ("eth_getLogs", json!([{ "fromBlock": "0x2", "toBlock": "0x1" }]), "invalid argument 0 (filter)"),
        ("eth_getLogs", json!([{ "toBlock": "pending" }]), "pending logs are not supported"),
        ("eth_feeHistory", json!(["some", "latest"]), "invalid argument 0 (block count)"),
        ("eth_chainId", json!([1]), "too many arguments, want at most 0"),
    ] {
        let (code, message, data) = node.err(method, params.clone()).await;
        assert_eq!(code, -32602, "{method} {params}: {message}");
        assert!(message.contains(named), "{method} {params}: {message}");
        assert_eq!(data, Value::Null, "{method} {params}");
    }
    assert!(node.asked.lock().is_empty(), "the engine is not asked what is malformed");
}

#[tokio::test]
async fn what_is_well_formed_and_contradicts_itself_is_refused_in_geths_words() {
    let node = node().await;
    let both = json!([{ "gasPrice": "0x1", "maxFeePerGas": "0x1" }]);
    for (method, params, text) in [
        ("eth_call", json!([{ "chainId": "0x1" }]), "chainId does not match node's (have=1, want=4242)"),
        ("eth_call", both.clone(), "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified"),
        (
            "eth_estimateGas",
            both.clone(),
            "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified",
        ),
        ("eth_createAccessList", both, "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified"),
        (
            "eth_feeHistory",
            json!(["0x1", "latest", [50, 10]]),
            "invalid reward percentile: #0:50.000000 >= #1:10.000000",
        ),
        ("eth_feeHistory", json!(["0x1", "latest", [101]]), "invalid reward percentile: 101.000000"),
    ] {
        let refused = node.err(method, params).await;
        assert_eq!(refused, (-32000, text.to_owned(), Value::Null), "{method}");
    }
    assert!(node.asked.lock().is_empty(), "the engine is not asked");
}

#[tokio::test]
async fn of_input_and_data_the_newer_name_counts() {
    let node = node().await;
    let both = json!([{ "to": CONTRACT, "data": "0x01", "input": "0x02" }]);
    assert_eq!(node.ok("eth_call", both).await, "0x02");
}

#[tokio::test]
async fn the_older_names_and_forms_of_clients_are_understood() {
    let node = node().await;
    let data = json!({ "to": CONTRACT, "data": "0x12", "from": SENDER, "gas": "0x5208", "value": "0x0" });
    assert_eq!(node.ok("eth_call", json!([data, "latest", null, {}])).await, "0x12");
    let padded = json!({ "to": CONTRACT, "data": "0x", "gas": "0x0005208", "nonce": "0x00" });
    assert_eq!(node.ok("eth_call", json!([padded, "latest"])).await, "0x");
    node.ok("eth_feeHistory", json!([2, "latest", null])).await;
    node.ok("eth_feeHistory", json!(["2", "latest"])).await;
    let slot = json!([CONTRACT, format!("0x{:064x}", 5), "latest"]);
    assert_eq!(node.ok("eth_getStorageAt", slot).await, format!("0x{:064x}", 5));
    let topics = json!([{ "topics": [null, [block_hash(), null]], "address": [CONTRACT], "toBlock": null }]);
    node.ok("eth_getLogs", topics).await;
}
