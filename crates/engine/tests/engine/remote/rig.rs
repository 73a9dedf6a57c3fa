//! An engine actor in front of a client that answers as it is told.

use std::sync::Arc;
use std::time::Duration;

use alloy_consensus::{Receipt, ReceiptEnvelope, ReceiptWithBloom};
use alloy_eips::Decodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, Log, keccak256};
use alloy_rpc_types_engine::ExecutionPayloadV3;
use alys_bus::protocol::engine::EngineHealth;
use alys_bus::{Address as BusAddress, AskError, Clock, Context, Inbox, Latest, Limits, Reply};
use alys_engine::messages::{
    EngineError, EngineHead, EngineMessage, EnginePrivate, Forkchoice, PayloadVerdict, SealedPayload,
};
use alys_engine::{ExecutionClient as _, RemoteClient, RemoteConfig};
use alys_engine_api::ManagedProcess;
use alys_primitives::payload::PayloadRules;
use alys_primitives::{Block, Header};
use alys_testkit::{PATIENCE, within};
use ractor::ActorRef;
use serde_json::{Value, json};

use crate::remote::fake::{CHAIN_ID, Fake, GAS_LIMIT, GENESIS, payload};
use crate::remote::figures::gauge;
use crate::remote::server::{NOW, key};

pub(super) type Outcome<T, E> = Result<T, AskError<E>>;

/// A running actor.
pub(super) struct Rig {
    pub(super) fake: Fake,
    pub(super) address: BusAddress<EngineMessage>,
    pub(super) health: Latest<EngineHealth>,
    client: RemoteClient,
    actor: ActorRef<Inbox<EngineMessage, EnginePrivate>>,
}

/// Looks every few milliseconds; ends a wait only where the client is silent, however busy the machine.
pub(super) fn config(url: String) -> RemoteConfig {
    RemoteConfig {
        timeout_multiplier: 4.0,
        min_build: Duration::ZERO,
        probe_offline: Duration::from_millis(20),
        probe_online: Duration::from_millis(100),
        ..RemoteConfig::new(url, key(), CHAIN_ID, GENESIS)
    }
}

impl Rig {
    /// In front of a client that behaves, and is known to be there.
    pub(super) async fn start() -> Self {
        Self::configured(|_| {}).await
    }

    /// The same, with another configuration.
    pub(super) async fn configured(change: impl FnOnce(&mut RemoteConfig)) -> Self {
        let fake = Fake::start().await;
        let mut config = config(fake.server.url());
        change(&mut config);
        let rig = Self::with(fake, config, None).await.unwrap();
        rig.becomes(EngineHealth::Synced).await;
        rig
    }

    /// # Errors
    /// Why the actor does not start.
    pub(super) async fn with(
        fake: Fake,
        config: RemoteConfig,
        managed: Option<Arc<dyn ManagedProcess>>,
    ) -> Result<Self, String> {
        let health = Latest::new(EngineHealth::default());
        // A clock that stands still: the server's.
        let clock = Clock::at(NOW * 1000);
        let client = RemoteClient::new(config, clock, Limits::default(), health.clone(), managed).unwrap();
        assert_eq!(health.get(), EngineHealth::Offline, "nobody may believe in it before it answered");
        let address = BusAddress::new(Limits::default());
        let spawned = alys_engine::spawn(&address, None, client.clone()).await;
        let (actor, _) = spawned.map_err(|error| error.to_string())?;
        Ok(Self { fake, address, health, client, actor })
    }

    /// Where the breaker stands, by its figure: 0 closed, 1 half open, 2 open.
    pub(super) fn breaker(&self) -> Option<f64> {
        gauge("alys_engine_client_breaker", || self.client.publish())
    }

    pub(super) async fn becomes(&self, health: EngineHealth) {
        within(self.health.reader().wait_for(|now| *now == health)).await;
    }

    pub(super) async fn ask<T, E>(&self, make: impl FnOnce(Reply<T, E>) -> EngineMessage) -> Outcome<T, E> {
        self.address.ask(Context::root(PATIENCE), make).await
    }

    pub(super) async fn judge(&self, block: &Block) -> PayloadVerdict {
        let block = Arc::new(block.clone());
        self.ask(|reply| EngineMessage::ValidatePayload { block, reply }).await.unwrap()
    }

    /// Why a block cannot be judged now.
    pub(super) async fn unavailable(&self, block: &Block) -> String {
        match self.judge(block).await {
            PayloadVerdict::Unavailable { what, .. } => what,
            other => panic!("must not be judged: {other:?}"),
        }
    }

    pub(super) async fn follow(&self, head: B256) -> Outcome<EngineHead, EngineError> {
        let choice = Forkchoice { head, ..Forkchoice::default() };
        self.ask(|reply| EngineMessage::ForkchoiceUpdate { choice, reply }).await
    }

    pub(super) async fn head(&self) -> Outcome<EngineHead, EngineError> {
        self.ask(|reply| EngineMessage::Head { reply }).await
    }

    pub(super) async fn build(&self, rules: &PayloadRules) -> Outcome<[u8; 8], EngineError> {
        let rules = Box::new(rules.clone());
        self.ask(|reply| EngineMessage::BuildExecutionPayload { rules, reply }).await
    }

    pub(super) async fn seal(&self, id: [u8; 8]) -> Outcome<Box<SealedPayload>, EngineError> {
        self.ask(|reply| EngineMessage::SealPayload { id, reply }).await
    }

    pub(super) async fn reset(&self) -> Outcome<(), EngineError> {
        self.ask(|reply| EngineMessage::Reset { reply }).await
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.actor.kill();
    }
}

/// The actor's own refusal.
pub(super) fn refusal<T>(outcome: Outcome<T, EngineError>) -> EngineError {
    match outcome {
        Err(AskError::Actor(error)) => error,
        Err(error) => panic!("ended on the way: {error}"),
        Ok(_) => panic!("must be refused"),
    }
}

/// The rules of the block at `height` on `parent`.
pub(super) fn rules(parent: B256, height: u64) -> PayloadRules {
    PayloadRules {
        parent_hash: parent,
        block_number: height,
        timestamp: NOW + 2 * height,
        prev_randao: keccak256(parent),
        fee_recipient: Address::repeat_byte(0xfe),
        gas_limit: GAS_LIMIT,
        parent_beacon_block_root: keccak256(height.to_be_bytes()),
        withdrawals: Vec::new(),
    }
}

/// A block around a payload.
pub(super) fn block_of(payload: ExecutionPayloadV3, parent: B256) -> Block {
    let v1 = &payload.payload_inner.payload_inner;
    let header = Header { height: v1.block_number, payload_hash: v1.block_hash, parent, ..Header::default() };
    Block { header, body: Default::default(), payload, execution_requests: Vec::new().try_into().unwrap() }
}

/// A block without transactions.
pub(super) fn empty(parent: B256, height: u64) -> Block {
    let rules = rules(parent, height);
    block_of(payload(&rules, Vec::new(), &[]), rules.parent_beacon_block_root)
}

/// A block with one transfer, whose receipt has these logs; and the receipt as a client tells it.
pub(super) fn with_transfer(parent: B256, height: u64, logs: Vec<Log>) -> (Block, Value) {
    let raw = alys_testkit::wallet::Unsigned::transfer(CHAIN_ID, 0, Address::repeat_byte(0xbb), 7).sign();
    let receipt = Receipt { status: true.into(), cumulative_gas_used: 21_000, logs };
    let receipt = ReceiptEnvelope::Eip1559(ReceiptWithBloom::from(receipt));
    let rules = rules(parent, height);
    let payload = payload(&rules, vec![raw.clone()], std::slice::from_ref(&receipt));
    let hash = payload.payload_inner.payload_inner.block_hash;
    let told = told(&receipt, hash, height, &raw);
    (block_of(payload, rules.parent_beacon_block_root), json!([told]))
}

fn told(receipt: &ReceiptEnvelope, block: B256, height: u64, raw: &Bytes) -> Value {
    let transaction = alloy_consensus::TxEnvelope::decode_2718_exact(raw).unwrap();
    let number = alloy_primitives::U64::from(height);
    let logs: Vec<_> = receipt
        .logs()
        .iter()
        .enumerate()
        .map(|(index, log)| {
            json!({
                "address": log.address, "topics": log.data.topics(), "data": log.data.data, "blockHash": block,
                "blockNumber": number, "transactionHash": transaction.tx_hash(), "transactionIndex": "0x0",
                "logIndex": format!("{index:#x}"), "removed": false,
            })
        })
        .collect();
    json!({
        "type": "0x2", "status": "0x1", "cumulativeGasUsed": "0x5208", "logs": logs,
        "logsBloom": receipt.logs_bloom(), "transactionHash": transaction.tx_hash(), "transactionIndex": "0x0",
        "blockHash": block, "blockNumber": number, "gasUsed": "0x5208", "effectiveGasPrice": "0x77359400",
        "from": alys_testkit::wallet::payer(), "to": Address::repeat_byte(0xbb), "contractAddress": null,
    })
}
