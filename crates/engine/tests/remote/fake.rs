//! A client that behaves: a chain of empty and of prepared blocks, kept as a real client would. Tests tell
//! the server in front of it where it shall not.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{B256, U64};
use alloy_rpc_types_eth::{Block, Transaction};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::server::{Reaction, Server};

/// This chain, in tests.
pub(super) const CHAIN_ID: u64 = 4242;
pub(super) const GENESIS: B256 = B256::repeat_byte(0x10);

/// What the client has.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) chain_id: u64,
    pub(super) genesis: B256,
    /// Height by hash.
    pub(super) blocks: BTreeMap<B256, u64>,
    pub(super) head: B256,
    /// Receipts by block.
    pub(super) receipts: BTreeMap<B256, Value>,
    /// Whether receipts are there before their block is the head.
    pub(super) receipts_of_any: bool,
    /// What `engine_getPayload` hands out.
    pub(super) built: Value,
}

/// A server with such a client behind it.
pub(super) struct Fake {
    pub(super) server: Server,
    pub(super) chain: Arc<Mutex<Chain>>,
}

impl Chain {
    fn new() -> Self {
        Self {
            chain_id: CHAIN_ID,
            genesis: GENESIS,
            blocks: BTreeMap::from([(GENESIS, 0)]),
            head: GENESIS,
            receipts: BTreeMap::new(),
            receipts_of_any: true,
            built: Value::Null,
        }
    }

    /// As after its data were thrown away.
    pub(super) fn wipe(&mut self) {
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
            "engine_forkchoiceUpdatedV3" => self.forkchoice(&params[0], &params[1]),
            "engine_getPayloadV4" => self.built.clone(),
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
        self.head = head;
        let id = (!attributes.is_null()).then(|| {
            // As Geth: a digest of what is to be built.
            let digest = alloy_primitives::keccak256(format!("{head}{attributes}"));
            alloy_primitives::hex::encode_prefixed(&digest[..8])
        });
        json!({ "payloadStatus": { "status": "VALID", "latestValidHash": head }, "payloadId": id })
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

impl Fake {
    pub(super) async fn start() -> Self {
        Self::on(0, Arc::new(Mutex::new(Chain::new()))).await
    }

    /// The same client again on the same port, after it was away.
    pub(super) async fn on(port: u16, chain: Arc<Mutex<Chain>>) -> Self {
        let answering = Arc::clone(&chain);
        let server = Server::on(port, move |method, params| answering.lock().answer(method, params)).await;
        Self { server, chain }
    }
}
