//! The typed methods, as they are on the wire.

use alloy_primitives::{Address, B256, Bloom, Bytes, U256};
use alloy_rpc_types_engine::{ExecutionPayloadV1, ExecutionPayloadV2, ExecutionPayloadV3, PayloadAttributes};
use alys_engine_api::{
    ApiError, BlockTransactions, CAPABILITIES, EngineApi, ForkSchedule, Forkchoice, Identity, PayloadId,
    Status, Transport, TransportConfig,
};
use serde_json::{Value, json};

use crate::server::{Reaction, Server, key, now};

fn api(server: &Server) -> EngineApi {
    EngineApi::new(Transport::new(TransportConfig::engine(server.url(), key(), now())).unwrap())
}

fn payload(timestamp: u64) -> ExecutionPayloadV3 {
    let v1 = ExecutionPayloadV1 {
        parent_hash: B256::ZERO,
        fee_recipient: Address::ZERO,
        state_root: B256::ZERO,
        receipts_root: B256::ZERO,
        logs_bloom: Bloom::ZERO,
        prev_randao: B256::ZERO,
        block_number: 1,
        gas_limit: 30_000_000,
        gas_used: 0,
        timestamp,
        extra_data: Bytes::new(),
        base_fee_per_gas: U256::from(7),
        block_hash: B256::repeat_byte(1),
        transactions: Vec::new(),
    };
    let payload_inner = ExecutionPayloadV2 { payload_inner: v1, withdrawals: Vec::new() };
    ExecutionPayloadV3 { payload_inner, blob_gas_used: 0, excess_blob_gas: 0 }
}

fn valid() -> Value {
    json!({ "status": "VALID", "latestValidHash": null, "validationError": null })
}

#[tokio::test]
async fn the_version_is_chosen_by_the_payloads_fork() {
    let server = Server::start(|method, _| match method {
        "engine_getPayloadV3" | "engine_getPayloadV4" => Reaction::Result(json!({
            "executionPayload": payload(1), "blockValue": "0x5", "shouldOverrideBuilder": false,
            "blobsBundle": { "commitments": [], "proofs": [], "blobs": [] },
        })),
        "engine_forkchoiceUpdatedV3" => {
            Reaction::Result(json!({ "payloadStatus": valid(), "payloadId": "0x0102030405060708" }))
        }
        _ => Reaction::Result(valid()),
    })
    .await;
    let api = api(&server).with_forks(ForkSchedule { prague: Some(100) });
    let request = [Bytes::from_static(&[1, 2])];
    for timestamp in [99, 100] {
        api.new_payload(&payload(timestamp), B256::repeat_byte(2), &request).await.unwrap();
        let built = api.get_payload(PayloadId::ZERO, timestamp).await.unwrap();
        assert_eq!((built.block_value, built.requests.len()), (U256::from(5), 0));
        let attributes = PayloadAttributes { timestamp, withdrawals: Some(vec![]), ..Default::default() };
        let updated = api.forkchoice_updated(Forkchoice::default(), Some(&attributes)).await.unwrap();
        assert_eq!(updated.payload_id, Some(PayloadId::new([1, 2, 3, 4, 5, 6, 7, 8])));
    }
    let log = server.log();
    let called: Vec<_> = log.iter().map(|(method, _)| method.as_str()).collect();
    let fcu = "engine_forkchoiceUpdatedV3";
    assert_eq!(
        called,
        [
            "engine_newPayloadV3",
            "engine_getPayloadV3",
            fcu,
            "engine_newPayloadV4",
            "engine_getPayloadV4",
            fcu
        ]
    );
    let (cancun, prague) = (&log[0].1, &log[3].1);
    assert_eq!((cancun.as_array().unwrap().len(), prague.as_array().unwrap().len()), (3, 4));
    assert_eq!((&prague[1], &prague[3]), (&json!([]), &json!(["0x0102"])));
    assert_eq!(prague[2], json!(B256::repeat_byte(2)));
    assert_eq!(prague[0]["timestamp"], "0x64");
}

#[tokio::test]
async fn a_forkchoice_names_its_hashes_and_null_where_nothing_is_to_be_built() {
    let updated = json!({ "payloadStatus": { "status": "SYNCING" }, "payloadId": null });
    let server = Server::start(move |_, _| Reaction::Result(updated.clone())).await;
    let choice = Forkchoice { head: B256::repeat_byte(1), safe: B256::repeat_byte(2), finalized: B256::ZERO };
    let updated = api(&server).forkchoice_updated(choice, None).await.unwrap();
    assert_eq!((updated.payload_status.status, updated.payload_id), (Status::Syncing, None));
    let (_, params) = &server.log()[0];
    assert_eq!(params[0]["headBlockHash"], json!(choice.head));
    assert_eq!(params[0]["safeBlockHash"], json!(choice.safe));
    assert_eq!((&params[0]["finalizedBlockHash"], &params[1]), (&json!(B256::ZERO), &Value::Null));
}

#[tokio::test]
async fn all_three_ways_to_say_unknown_payload_are_understood() {
    for code in [-38001, -32001, -38005] {
        let server = Server::start(move |_, _| Reaction::Error(code, "what payload?")).await;
        let error = api(&server).get_payload(PayloadId::ZERO, 1).await.unwrap_err();
        assert!(EngineApi::is_unknown_payload(&error), "{error}");
    }
    let server = Server::start(|_, _| Reaction::Error(-38002, "no")).await;
    let error = api(&server).get_payload(PayloadId::ZERO, 1).await.unwrap_err();
    assert!(!EngineApi::is_unknown_payload(&error), "{error}");
}

#[tokio::test]
async fn capabilities_are_exchanged_without_naming_the_exchange() {
    let server = Server::start(|_, _| Reaction::Result(json!(["engine_newPayloadV4"]))).await;
    assert_eq!(api(&server).exchange_capabilities().await.unwrap(), ["engine_newPayloadV4"]);
    assert_eq!(server.log()[0].1, json!([CAPABILITIES]));
    assert!(!CAPABILITIES.contains(&"engine_exchangeCapabilities"));
}

#[tokio::test]
async fn a_client_that_does_not_say_its_version_has_none() {
    let server = Server::start(|_, _| Reaction::Error(-32601, "Method not found")).await;
    assert!(api(&server).client_version("0.1.0", "00000000").await.unwrap().is_empty());
    let geth = json!([{ "code": "GE", "name": "Geth", "version": "v1.17.8", "commit": "12345678" }]);
    let server = Server::start(move |_, _| Reaction::Result(geth.clone())).await;
    assert_eq!(api(&server).client_version("0.1.0", "00000000").await.unwrap()[0].name, "Geth");
}

fn block(number: u64, hash: u8) -> Value {
    json!({
        "hash": B256::repeat_byte(hash), "number": format!("{number:#x}"), "parentHash": B256::ZERO,
        "receiptsRoot": B256::ZERO, "logsBloom": Bloom::ZERO, "timestamp": "0x0",
    })
}

fn chain(id: &'static str, genesis: u8) -> impl Fn(&str, &Value) -> Reaction + Send + Sync {
    move |method, _| match method {
        "eth_chainId" => Reaction::Result(json!(id)),
        "eth_getBlockByNumber" => Reaction::Result(block(0, genesis)),
        _ => Reaction::Error(-32601, "Method not found"),
    }
}

#[tokio::test]
async fn an_identity_is_chain_id_and_genesis_of_each_port_alone() {
    let server = Server::start(chain("0x1092", 7)).await;
    let ours = Identity { chain_id: 4242, genesis: B256::repeat_byte(7) };
    assert_eq!(api(&server).identity().await.unwrap(), ours);
    assert_eq!(api(&server).public_identity().await.unwrap(), None);
    let public = Server::start(chain("0x1", 8)).await;
    public.set_key(None);
    let api = api(&server).with_public(Transport::new(TransportConfig::public(public.url())).unwrap());
    let theirs = Identity { chain_id: 1, genesis: B256::repeat_byte(8) };
    assert_eq!(api.public_identity().await.unwrap(), Some(theirs));
    public.set("eth_chainId", Reaction::HangUp);
    assert_eq!(api.identity().await.unwrap(), ours, "the public port is not asked");
    server.set("eth_getBlockByNumber", Reaction::Result(Value::Null));
    let error = api.identity().await.unwrap_err();
    assert!(matches!(error, ApiError::BadResult { .. }), "{error}");
}

/// EthereumJS has receipts at its public port only.
#[tokio::test]
async fn receipts_that_only_a_public_port_has_are_taken_there_and_its_faults_are_no_outage() {
    let engine = Server::start(|_, _| Reaction::Error(-32601, "Method not found")).await;
    let public = Server::start(|_, _| Reaction::Result(json!([receipt(1, 9)]))).await;
    public.set_key(None);
    let api = api(&engine).with_public(Transport::new(TransportConfig::public(public.url())).unwrap());
    let found = api.receipts(&[wanted(1, 9)]).await.unwrap();
    assert_eq!(found[0].as_ref().map(Vec::len), Some(1));
    public.set("eth_getBlockReceipts", Reaction::HangUp);
    let error = api.receipts(&[wanted(1, 9)]).await.unwrap_err();
    assert!(!error.is_outage() && error.to_string().contains("at the public port"), "{error}");
}

#[tokio::test]
async fn questions_go_over_the_public_port_and_consensus_over_the_engine_port() {
    let engine = Server::start(chain("0x1", 1)).await;
    let public = Server::start(chain("0x1", 1)).await;
    public.set_key(None);
    let public_port = Transport::new(TransportConfig::public(public.url())).unwrap();
    let api = api(&engine).with_public(public_port);
    api.chain_id().await.unwrap();
    api.head().await.unwrap();
    assert_eq!((engine.count("eth_chainId"), public.count("eth_chainId")), (0, 1));
    assert_eq!((engine.count("eth_getBlockByNumber"), public.count("eth_getBlockByNumber")), (1, 0));
    assert!(public.tokens().is_empty(), "the token is for the engine port only");
}

fn receipt(block: u8, tx: u8) -> Value {
    json!({
        "type": "0x2", "status": "0x1", "cumulativeGasUsed": "0x5208", "logs": [], "logsBloom": Bloom::ZERO,
        "transactionHash": B256::repeat_byte(tx), "transactionIndex": "0x0", "blockHash": B256::repeat_byte(block),
        "blockNumber": "0x1", "gasUsed": "0x5208", "effectiveGasPrice": "0x7", "from": Address::ZERO,
        "to": Address::ZERO, "contractAddress": null,
    })
}

fn wanted(block: u8, tx: u8) -> BlockTransactions {
    BlockTransactions { hash: B256::repeat_byte(block), transactions: vec![B256::repeat_byte(tx)] }
}

#[tokio::test]
async fn receipts_of_many_blocks_are_one_batch_and_absent_ones_are_none() {
    let server = Server::start(|method, params| {
        if method == "eth_getTransactionReceipt" {
            return Reaction::Error(-32000, "transaction indexing is in progress");
        }
        let asked = params[0].as_str().unwrap();
        match asked == B256::repeat_byte(1).to_string() {
            true => Reaction::Result(json!([receipt(1, 9)])),
            false if asked == B256::repeat_byte(2).to_string() => Reaction::Result(Value::Null),
            false => Reaction::Error(-32000, "Unknown block"),
        }
    })
    .await;
    let found = api(&server).receipts(&[wanted(1, 9), wanted(2, 9), wanted(3, 9)]).await.unwrap();
    assert_eq!(found[0].as_ref().map(Vec::len), Some(1));
    assert!(found[1].is_none() && found[2].is_none());
    assert_eq!(server.tokens().len(), 2, "one request, and one more for the transactions of absent ones");
}

#[tokio::test]
async fn without_receipts_by_block_they_are_asked_for_by_transaction() {
    let server = Server::start(|method, params| match method {
        "eth_getTransactionReceipt" if params[0] == json!(B256::repeat_byte(9)) => {
            Reaction::Result(receipt(1, 9))
        }
        "eth_getTransactionReceipt" => Reaction::Result(Value::Null),
        _ => Reaction::Error(-32601, "the method eth_getBlockReceipts does not exist/is not available"),
    })
    .await;
    // The same transaction in a rival block: that block's receipt is not there.
    let found = api(&server).receipts(&[wanted(1, 9), wanted(2, 9), wanted(1, 8)]).await.unwrap();
    assert_eq!(found[0].as_ref().map(Vec::len), Some(1));
    assert!(found[1].is_none() && found[2].is_none());
}

/// Seen with EthereumJS 0.10.5, once the block is canonical.
#[tokio::test]
async fn receipts_of_a_block_that_are_null_are_taken_by_transaction() {
    let server = Server::start(|method, _| match method {
        "eth_getTransactionReceipt" => Reaction::Result(receipt(1, 9)),
        _ => Reaction::Result(Value::Null),
    })
    .await;
    let found = api(&server).receipts(&[wanted(1, 9), wanted(2, 9)]).await.unwrap();
    assert_eq!(found[0].as_ref().map(Vec::len), Some(1));
    assert!(found[1].is_none(), "that block's it is not");
}

#[tokio::test]
async fn any_method_is_passed_on_as_it_is() {
    let server = Server::start(|_, params| Reaction::Result(json!({ "got": params }))).await;
    let params = serde_json::value::RawValue::from_string(r#"[{"a" : 1}]"#.into()).unwrap();
    let within = std::time::Duration::from_secs(60);
    let answer = api(&server).call("eth_getProof", Some(&params), within).await.unwrap();
    assert_eq!(answer.get(), r#"{"got":[{"a":1}]}"#);
    let answer = api(&server).call("eth_gasPrice", None, within).await.unwrap();
    assert_eq!(answer.get(), r#"{"got":[]}"#);
}
