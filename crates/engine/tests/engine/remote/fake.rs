//! A client that behaves: a chain of empty and of prepared blocks, kept as a real client would. Tests tell
//! the server in front of it where it shall not. The whole node's tests use it too.
#![allow(dead_code, reason = "each test binary uses some of it")]

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_consensus::{EMPTY_ROOT_HASH, ReceiptEnvelope};
use alloy_primitives::{B256, Bloom, Bytes, U64, U256};
use alloy_rpc_types_engine::{ExecutionPayloadV1, ExecutionPayloadV2, ExecutionPayloadV3, PayloadAttributes};
use alloy_rpc_types_eth::{Block, Transaction};
use alys_primitives::payload::{PayloadRules, block_hash};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::server::{Reaction, Server};

/// This chain, in tests.
pub(crate) const CHAIN_ID: u64 = 4242;
pub(crate) const GENESIS: B256 = B256::repeat_byte(0x10);
pub(crate) const GAS_LIMIT: u64 = 30_000_000;
pub(crate) const BASE_FEE: u64 = 1_000_000_000;

/// What the client has.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) chain_id: u64,
    pub(crate) genesis: B256,
    /// Height by hash.
    pub(crate) blocks: BTreeMap<B256, u64>,
    pub(crate) head: B256,
    /// Receipts by block.
    pub(crate) receipts: BTreeMap<B256, Value>,
    /// Whether receipts are there before their block is the head.
    pub(crate) receipts_of_any: bool,
    /// Whether it says VALID of every head, builds on it, and stays where it is.
    pub(crate) stays: bool,
    /// Where it goes on the next forkchoice, which it refuses with -38002. Geth has been seen to.
    pub(crate) strays: Option<B256>,
    /// What `engine_getPayload` hands out; null: an empty block by the attributes asked for last.
    pub(crate) built: Value,
    asked: Option<(B256, PayloadAttributes)>,
}

/// A server with such a client behind it.
pub(crate) struct Fake {
    pub(crate) server: Server,
    pub(crate) chain: Arc<Mutex<Chain>>,
}

impl Chain {
    /// At this genesis.
    pub(crate) fn at_genesis(chain_id: u64, genesis: B256) -> Self {
        Self {
            chain_id,
            genesis,
            blocks: BTreeMap::from([(genesis, 0)]),
            head: genesis,
            receipts: BTreeMap::new(),
            receipts_of_any: true,
            stays: false,
            strays: None,
            built: Value::Null,
            asked: None,
        }
    }

    /// As after its data were thrown away.
    pub(crate) fn wipe(&mut self) {
        self.blocks = BTreeMap::from([(self.genesis, 0)]);
        self.head = self.genesis;
    }

    fn block(&self, hash: &B256) -> Value {
        let Some(number) = self.blocks.get(hash) else { return Value::Null };
        let mut block = json!(Block::<Transaction>::default());
        block["hash"] = json!(hash);
        block["number"] = json!(U64::from(*number));
        block
    }

    fn at(&self, at: &Value) -> Value {
        match at.as_str().unwrap() {
            "latest" => self.block(&self.head),
            number => {
                let number: u64 = number.parse::<U64>().unwrap().to();
                let found = self.blocks.iter().find(|(_, height)| **height == number);
                found.map_or(Value::Null, |(hash, _)| self.block(hash))
            }
        }
    }

    fn answer(&mut self, method: &str, params: &Value) -> Reaction {
        let result = match method {
            "eth_chainId" => json!(U64::from(self.chain_id)),
            "engine_exchangeCapabilities" => params[0].clone(),
            "eth_getBlockByNumber" => self.at(&params[0]),
            "eth_getBlockByHash" => self.block(&hash(&params[0])),
            "engine_newPayloadV4" => self.new_payload(&params[0]),
            "engine_forkchoiceUpdatedV3" if let Some(elsewhere) = self.strays.take() => {
                self.head = elsewhere;
                return Reaction::Error(-38002, "Invalid forkchoice state");
            }
            "engine_forkchoiceUpdatedV3" => self.forkchoice(&params[0], &params[1]),
            "engine_getPayloadV4" => self.payload(),
            "eth_getBlockReceipts" => self.receipts(&hash(&params[0])),
            _ => return Reaction::Error(-32601, "the method does not exist/is not available"),
        };
        Reaction::Result(result)
    }

    fn new_payload(&mut self, payload: &Value) -> Value {
        let (parent, own) = (hash(&payload["parentHash"]), hash(&payload["blockHash"]));
        let Some(height) = self.blocks.get(&parent).copied() else { return json!({ "status": "SYNCING" }) };
        self.blocks.insert(own, height + 1);
        json!({ "status": "VALID", "latestValidHash": own, "validationError": null })
    }

    fn forkchoice(&mut self, choice: &Value, attributes: &Value) -> Value {
        let head = hash(&choice["headBlockHash"]);
        if !self.blocks.contains_key(&head) {
            return json!({ "payloadStatus": { "status": "SYNCING" }, "payloadId": null });
        }
        if !self.stays {
            self.head = head;
        }
        if let Ok(attributes) = serde_json::from_value(attributes.clone()) {
            self.asked = Some((head, attributes));
        }
        let id = (!attributes.is_null()).then(|| {
            // As Geth: a digest of what is to be built.
            let digest = alloy_primitives::keccak256(format!("{head}{attributes}"));
            alloy_primitives::hex::encode_prefixed(&digest[..8])
        });
        json!({ "payloadStatus": { "status": "VALID", "latestValidHash": head }, "payloadId": id })
    }

    fn payload(&self) -> Value {
        let Some((parent, attributes)) = self.asked.as_ref().filter(|_| self.built.is_null()) else {
            return self.built.clone();
        };
        let rules = PayloadRules {
            parent_hash: *parent,
            block_number: self.blocks[parent] + 1,
            timestamp: attributes.timestamp,
            prev_randao: attributes.prev_randao,
            fee_recipient: attributes.suggested_fee_recipient,
            gas_limit: GAS_LIMIT,
            parent_beacon_block_root: attributes.parent_beacon_block_root.unwrap(),
            withdrawals: attributes.withdrawals.clone().unwrap(),
        };
        built(&payload(&rules, Vec::new(), &[]))
    }

    fn receipts(&self, block: &B256) -> Value {
        match self.receipts.get(block) {
            Some(receipts) if self.receipts_of_any || self.head == *block => receipts.clone(),
            _ => Value::Null,
        }
    }
}

fn hash(value: &Value) -> B256 {
    value.as_str().unwrap().parse().unwrap()
}

/// What `engine_getPayload` answers with.
pub(crate) fn built(payload: &ExecutionPayloadV3) -> Value {
    json!({
        "executionPayload": payload, "blockValue": "0x9", "shouldOverrideBuilder": false,
        "blobsBundle": { "commitments": [], "proofs": [], "blobs": [] }, "executionRequests": [],
    })
}

/// A payload by the rules, with these transactions and receipts.
pub(crate) fn payload(
    rules: &PayloadRules,
    transactions: Vec<Bytes>,
    receipts: &[ReceiptEnvelope],
) -> ExecutionPayloadV3 {
    let receipts_root = match receipts {
        [] => EMPTY_ROOT_HASH,
        some => alloy_consensus::proofs::calculate_receipt_root(some),
    };
    let logs_bloom = receipts.iter().fold(Bloom::ZERO, |bloom, receipt| bloom | *receipt.logs_bloom());
    let v1 = ExecutionPayloadV1 {
        parent_hash: rules.parent_hash,
        fee_recipient: rules.fee_recipient,
        state_root: B256::repeat_byte(0x57),
        receipts_root,
        logs_bloom,
        prev_randao: rules.prev_randao,
        block_number: rules.block_number,
        gas_limit: rules.gas_limit,
        gas_used: receipts.last().map_or(0, |receipt| receipt.cumulative_gas_used()),
        timestamp: rules.timestamp,
        extra_data: Bytes::new(),
        base_fee_per_gas: U256::from(BASE_FEE),
        block_hash: B256::ZERO,
        transactions,
    };
    let payload_inner = ExecutionPayloadV2 { payload_inner: v1, withdrawals: rules.withdrawals.clone() };
    let mut payload = ExecutionPayloadV3 { payload_inner, blob_gas_used: 0, excess_blob_gas: 0 };
    payload.payload_inner.payload_inner.block_hash =
        block_hash(&payload, rules.parent_beacon_block_root, &[]).unwrap();
    payload
}

impl Fake {
    pub(crate) async fn start() -> Self {
        Self::on(0, Arc::new(Mutex::new(Chain::at_genesis(CHAIN_ID, GENESIS)))).await
    }

    /// The same client again on the same port, after it was away.
    pub(crate) async fn on(port: u16, chain: Arc<Mutex<Chain>>) -> Self {
        let answering = Arc::clone(&chain);
        let server = Server::on(port, move |method, params| answering.lock().answer(method, params)).await;
        Self { server, chain }
    }
}
