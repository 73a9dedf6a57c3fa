//! Each method's answer has the shape that clients read.

use alloy_consensus::{Block, Header, ReceiptEnvelope, TxEnvelope};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{Bytes, hex};
use alloy_rlp::Decodable;
use alys_bus::protocol::chain::SyncState;
use serde_json::{Value, json};

use crate::{
    answers::{self, CONTRACT, SENDER, block_hash, transaction_hash},
    node::{Setup, node},
};

#[tokio::test]
async fn a_client_learns_who_answers_and_on_which_chain() {
    let node = node().await;
    assert_eq!(node.ok("web3_clientVersion", json!([])).await, "alys/v0/test");
    assert_eq!(
        node.ok("web3_sha3", json!(["0x68656c6c6f20776f726c64"])).await,
        "0x47173285a8d7341e5e972fc677286384f802f8ef42a5ec5f03bbfa254cb01fad"
    );
    assert_eq!(node.ok("net_version", json!([])).await, "4242");
    assert_eq!(node.ok("net_listening", json!([])).await, true);
    assert_eq!(node.ok("net_peerCount", json!([])).await, "0x0");
    assert_eq!(node.ok("eth_chainId", json!([])).await, "0x1092");
    assert_eq!(node.ok("eth_accounts", json!([])).await, json!([]));
    assert_eq!(node.ok("eth_blockNumber", json!([])).await, "0x1a");
}

#[tokio::test]
async fn syncing_is_false_at_the_tip_and_an_object_before() {
    let at_tip = node().await;
    assert_eq!(at_tip.ok("eth_syncing", json!([])).await, false);
    let setup = Setup { status: Some(answers::status(SyncState::Syncing)), ..Setup::default() };
    let behind = setup.start(answers::engine).await;
    assert_eq!(
        behind.ok("eth_syncing", json!([])).await,
        json!({ "startingBlock": "0x0", "currentBlock": "0x1a", "highestBlock": "0x1a" })
    );
}

#[tokio::test]
async fn a_block_comes_with_hashes_or_with_whole_transactions() {
    let node = node().await;
    let hashes = node.ok("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(hashes["hash"], json!(block_hash()));
    assert_eq!(hashes["number"], "0x1a");
    assert_eq!(hashes["baseFeePerGas"], "0x3b9aca00");
    assert_eq!(hashes["transactions"], json!([transaction_hash()]));
    for field in ["parentHash", "miner", "logsBloom", "stateRoot", "gasLimit", "timestamp", "uncles", "size"]
    {
        assert!(!hashes[field].is_null(), "{field}");
    }
    let full = node.ok("eth_getBlockByHash", json!([block_hash(), true])).await;
    assert_eq!(full["transactions"][0]["hash"], json!(transaction_hash()));
    assert_eq!(full["transactions"][0]["from"], json!(SENDER));
    for method in ["eth_getBlockByNumber", "eth_getBlockByHash"] {
        let missing = if method.ends_with("Hash") { json!(transaction_hash()) } else { json!("0x99") };
        assert_eq!(node.ok(method, json!([missing, false])).await, Value::Null);
    }
}

#[tokio::test]
async fn a_pending_block_has_neither_hash_nor_nonce_nor_payee() {
    let node = node().await;
    let pending = node.ok("eth_getBlockByNumber", json!(["pending", false])).await;
    let fields = pending.as_object().unwrap();
    assert_eq!(fields.get("hash"), Some(&Value::Null));
    assert_eq!(fields.get("nonce"), Some(&Value::Null));
    assert_eq!(fields.get("miner"), Some(&Value::Null));
    assert_eq!(fields.get("parentBeaconBlockRoot"), None);
    assert_eq!(pending["number"], "0x1a");
}

#[tokio::test]
async fn what_a_block_holds_can_be_counted_and_taken_by_place() {
    let node = node().await;
    let hash = json!(block_hash());
    assert_eq!(node.ok("eth_getBlockTransactionCountByNumber", json!(["0x1a"])).await, "0x1");
    assert_eq!(node.ok("eth_getBlockTransactionCountByHash", json!([hash])).await, "0x1");
    assert_eq!(node.ok("eth_getBlockTransactionCountByNumber", json!(["0x99"])).await, Value::Null);
    assert_eq!(node.ok("eth_getUncleCountByBlockNumber", json!(["0x1a"])).await, "0x0");
    assert_eq!(node.ok("eth_getUncleCountByBlockHash", json!([hash])).await, "0x0");
    assert_eq!(node.ok("eth_getUncleByBlockNumberAndIndex", json!(["0x1a", "0x0"])).await, Value::Null);
    assert_eq!(node.ok("eth_getUncleByBlockHashAndIndex", json!([hash, "0x0"])).await, Value::Null);
    for (method, block) in [
        ("eth_getTransactionByBlockNumberAndIndex", json!("latest")),
        ("eth_getTransactionByBlockHashAndIndex", hash.clone()),
    ] {
        let found = node.ok(method, json!([block, "0x0"])).await;
        assert_eq!(found["hash"], json!(transaction_hash()));
        assert_eq!(node.ok(method, json!([block, "0x1"])).await, Value::Null);
        assert_eq!(node.ok(method, json!([block, "0xffffffffffffffff"])).await, Value::Null);
    }
    let receipts = node.ok("eth_getBlockReceipts", json!(["0x1a"])).await;
    assert_eq!(receipts[0]["transactionHash"], json!(transaction_hash()));
    assert_eq!(node.ok("eth_getBlockReceipts", json!(["0x99"])).await, Value::Null);
    assert_eq!(node.ok("eth_getBlockReceipts", json!(["pending"])).await, Value::Null);
}

#[tokio::test]
async fn a_header_is_the_block_without_what_is_in_it() {
    let node = node().await;
    for (method, block) in
        [("eth_getHeaderByNumber", json!("0x1a")), ("eth_getHeaderByHash", json!(block_hash()))]
    {
        let header = node.ok(method, json!([block])).await;
        assert_eq!((&header["number"], &header["hash"]), (&json!("0x1a"), &json!(block_hash())));
        for field in ["transactions", "uncles", "withdrawals", "size"] {
            assert!(header.get(field).is_none(), "{method}: {field}");
        }
    }
    assert_eq!(node.ok("eth_getHeaderByNumber", json!(["0x99"])).await, Value::Null);
    assert_eq!(node.ok("eth_getHeaderByNumber", json!(["pending"])).await, Value::Null);
}

#[tokio::test]
async fn a_transaction_is_given_back_as_it_was_sent() {
    let node = node().await;
    let sent = json!(alloy_primitives::Bytes::from(answers::envelope().encoded_2718()));
    for (method, params) in [
        ("eth_getRawTransactionByHash", json!([transaction_hash()])),
        ("debug_getRawTransaction", json!([transaction_hash()])),
        ("eth_getRawTransactionByBlockNumberAndIndex", json!(["0x1a", "0x0"])),
        ("eth_getRawTransactionByBlockHashAndIndex", json!([block_hash(), "0x0"])),
    ] {
        assert_eq!(node.ok(method, params).await, sent, "{method}");
    }
    for (method, params) in [
        ("eth_getRawTransactionByHash", json!([block_hash()])),
        ("eth_getRawTransactionByBlockNumberAndIndex", json!(["0x1a", "0x1"])),
        ("eth_getRawTransactionByBlockNumberAndIndex", json!(["0x99", "0x0"])),
    ] {
        assert_eq!(node.ok(method, params).await, "0x", "{method}");
    }
}

#[tokio::test]
async fn an_account_has_balance_nonce_code_and_storage() {
    let node = node().await;
    assert_eq!(node.ok("eth_getBalance", json!([SENDER, "latest"])).await, "0x21e19e0c9bab2400000");
    assert_eq!(node.ok("eth_getTransactionCount", json!([SENDER, "pending"])).await, "0x6");
    assert_eq!(node.ok("eth_getCode", json!([CONTRACT, "latest"])).await, "0x6000");
    let word = node.ok("eth_getStorageAt", json!([CONTRACT, "0x5", "latest"])).await;
    assert_eq!(word, format!("0x{:064x}", 5));
}

#[tokio::test]
async fn calls_and_estimates_are_executed() {
    let node = node().await;
    let call = json!({ "to": CONTRACT, "input": "0xabcd" });
    assert_eq!(node.ok("eth_call", json!([call, "latest"])).await, "0xabcd");
    assert_eq!(node.ok("eth_estimateGas", json!([call])).await, "0x5208");
}

#[tokio::test]
async fn what_a_call_overrides_reaches_the_engine_and_nothing_is_overridden_by_nothing() {
    let node = node().await;
    let call = json!({ "to": CONTRACT, "input": "0xabcd" });
    let state = json!({ SENDER.to_string(): { "balance": "0x7" } });
    assert_eq!(node.ok("eth_call", json!([call, "latest", state, { "time": "0x9" }])).await, "0x0709");
    assert_eq!(node.ok("eth_call", json!([call, "latest", null, { "time": "0x9" }])).await, "0x0009");
    assert_eq!(node.ok("eth_estimateGas", json!([call, "latest", state])).await, "0x7530");
    for nothing in [json!([call, "latest", {}, {}]), json!([call, "latest", null, null]), json!([call])] {
        assert_eq!(node.ok("eth_call", nothing).await, "0xabcd");
        assert!(node.last_asked().starts_with("Call {"), "{}", node.last_asked());
    }
}

#[tokio::test]
async fn an_access_list_comes_with_its_gas_and_why_the_transaction_fails() {
    let node = node().await;
    let call = json!({ "to": CONTRACT });
    let state = json!({ SENDER.to_string(): { "balance": "0x7" } });
    for (params, gas) in [
        (json!([call]), "0x1"),
        (json!([call, "latest", {}]), "0x1"),
        (json!([call, "latest", state]), "0x2"),
    ] {
        let list = json!({ "accessList": [], "gasUsed": gas, "error": "execution reverted" });
        assert_eq!(node.ok("eth_createAccessList", params).await, list);
    }
}

#[tokio::test]
async fn raw_blocks_headers_and_receipts_are_the_bytes_that_are_hashed() {
    let node = node().await;
    let raw =
        async |method| -> Bytes { serde_json::from_value(node.ok(method, json!(["0x1a"])).await).unwrap() };
    let block = Block::<TxEnvelope>::decode(&mut raw("debug_getRawBlock").await.as_ref()).unwrap();
    assert_eq!(block.body.transactions, [answers::envelope()]);
    assert_eq!(block.header, answers::block(false).header.inner);
    let header = Header::decode(&mut raw("debug_getRawHeader").await.as_ref()).unwrap();
    assert_eq!(header, block.header);
    let receipts = node.ok("debug_getRawReceipts", json!([block_hash()])).await;
    let bytes = hex::decode(receipts[0].as_str().unwrap()).unwrap();
    let receipt = ReceiptEnvelope::decode_2718_exact(&bytes).unwrap();
    assert_eq!((receipt.status(), receipt.logs().len()), (true, 1));
    // What is not there.
    for method in ["debug_getRawBlock", "debug_getRawHeader"] {
        assert_eq!(node.ok(method, json!(["0x99"])).await, "0x");
        for missing in [json!([transaction_hash()]), json!(["pending"])] {
            let (code, text, _) = node.err(method, missing).await;
            assert!(code == -32000 && text.ends_with("not found"), "{text}");
        }
    }
    assert_eq!(node.ok("debug_getRawReceipts", json!(["0x99"])).await, Value::Null);
}

#[tokio::test]
async fn a_proof_names_its_slots_as_they_were_asked_for() {
    let node = node().await;
    let word = format!("0x{:064x}", 5);
    let proof = node.ok("eth_getProof", json!([CONTRACT, ["0x5", word, "5"], "latest"])).await;
    assert_eq!((&proof["address"], &proof["nonce"]), (&json!(CONTRACT), &json!("0x6")));
    assert_eq!(proof["accountProof"], json!(["0x01"]));
    for (slot, key) in ["0x5", word.as_str(), "0x5"].into_iter().enumerate() {
        assert_eq!(proof["storageProof"][slot], json!({ "key": key, "value": "0x5", "proof": ["0x02"] }));
    }
}

#[tokio::test]
async fn a_transaction_is_sent_and_found_with_its_receipt() {
    let node = node().await;
    let sent = node.ok("eth_sendRawTransaction", json!(["0x02c0"])).await;
    assert_eq!(sent, json!(alloy_primitives::keccak256([0x02, 0xc0])));
    let found = node.ok("eth_getTransactionByHash", json!([transaction_hash()])).await;
    assert_eq!(found["type"], "0x2");
    assert_eq!(found["blockNumber"], "0x1a");
    assert_eq!(found["nonce"], "0x5");
    for field in ["r", "s", "v", "yParity", "chainId", "maxFeePerGas", "gasPrice", "accessList", "input"] {
        assert!(!found[field].is_null(), "{field}");
    }
    let receipt = node.ok("eth_getTransactionReceipt", json!([transaction_hash()])).await;
    assert_eq!(receipt["status"], "0x1");
    assert_eq!(receipt["effectiveGasPrice"], "0x77359400");
    assert_eq!(receipt["logs"][0]["logIndex"], "0x0");
    assert_eq!(receipt["contractAddress"], Value::Null);
    for method in ["eth_getTransactionByHash", "eth_getTransactionReceipt"] {
        assert_eq!(node.ok(method, json!([block_hash()])).await, Value::Null, "{method}");
    }
}

#[tokio::test]
async fn logs_are_found_by_filter() {
    let node = node().await;
    let logs = node.ok("eth_getLogs", json!([{ "address": CONTRACT, "fromBlock": "earliest" }])).await;
    assert_eq!(logs[0]["address"], json!(CONTRACT));
    assert_eq!(logs[0]["blockHash"], json!(block_hash()));
    assert_eq!(logs[0]["removed"], false);
}

#[tokio::test]
async fn fees_cover_the_next_block() {
    let node = node().await;
    assert_eq!(node.ok("eth_maxPriorityFeePerGas", json!([])).await, "0xf4240");
    // The next base fee, 1.1 gwei, and the tip.
    assert_eq!(node.ok("eth_gasPrice", json!([])).await, format!("0x{:x}", 1_101_000_000));
    let history = node.ok("eth_feeHistory", json!(["0x2", "latest", [25, 75]])).await;
    assert_eq!(history["oldestBlock"], "0x19");
    assert_eq!(history["baseFeePerGas"].as_array().unwrap().len(), 3);
    assert_eq!(history["gasUsedRatio"], json!([0.5, 0.5]));
    assert_eq!(history["reward"], json!([["0x1", "0x1"], ["0x1", "0x1"]]));
    assert_eq!(node.ok("eth_blobBaseFee", json!([])).await, "0x1");
    assert_eq!(node.ok("txpool_status", json!([])).await, json!({ "pending": "0x3", "queued": "0x1" }));
    let none = node.ok("eth_feeHistory", json!(["0x0", "latest", []])).await;
    assert_eq!(none["oldestBlock"], "0x0");
}

#[tokio::test]
async fn the_node_tells_operators_how_it_is() {
    let node = node().await;
    let status = node.ok("alys_status", json!([])).await;
    assert_eq!(status["version"], "alys/v0/test");
    assert_eq!(status["chain"], "test");
    assert_eq!(status["head"]["height"], 26);
    assert_eq!(status["sync"], "synced");
    assert_eq!(status["pool"], json!({ "pending": 3, "queued": 1 }));
    let health = node.ok("alys_health", json!([])).await;
    assert_eq!(health["healthy"], false);
    assert_eq!(
        health["actors"][1],
        json!({ "actor": "engine", "state": "hung", "restarts": 2, "inFlight": 1 })
    );
    assert!(!health.to_string().contains("secret"), "why an actor ended stays in the log");
}
