//! An engine actor, and the part of chain that makes blocks with it.

use std::sync::Arc;

use alloy_eips::{BlockId, Encodable2718};
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rpc_types_eth as eth;
use alys_bus::{Address as BusAddress, AskError, Clock, Context, Inbox, Limits, Reply, WorkerMode};
use alys_database::{MemoryDisk, Snapshots};
use alys_engine::messages::{
    EngineError, EngineHead, EngineMessage, EnginePrivate, PayloadVerdict, QueryError, SealedPayload,
    TransactionRefusal,
};
use alys_engine::{EmbeddedClient, EmbeddedEngine, EngineConfig, GenesisBlock, StateError};
use alys_primitives::payload::PayloadRules;
use alys_primitives::{Block, Body, ExecutionFacts, Header};
use alys_testkit::PATIENCE;
use ractor::ActorRef;

use crate::common::{FEE_SINK, GAS_LIMIT, Send, genesis_with, rules};

pub(super) const KEYS: u64 = 8;

pub(super) type Outcome<T, E> = Result<T, AskError<E>>;

/// A running engine with a chain that follows every block it makes.
pub(super) struct Rig {
    pub(super) address: BusAddress<EngineMessage>,
    pub(super) client: EmbeddedClient,
    pub(super) actor: ActorRef<Inbox<EngineMessage, EnginePrivate>>,
    /// The engine's head.
    pub(super) head: B256,
    pub(super) height: u64,
    pub(super) timestamp: u64,
}

impl Rig {
    /// On a disk of its own, threads inline.
    pub(super) async fn start() -> Self {
        Self::with(EngineConfig::default(), WorkerMode::Inline, &MemoryDisk::new()).await
    }

    pub(super) async fn with(config: EngineConfig, mode: WorkerMode, disk: &MemoryDisk) -> Self {
        let disk = disk.clone();
        Self::opening(config, mode, move || Ok(disk.open()?)).await
    }

    /// With a database of the test's choice.
    pub(super) async fn opening<D: Snapshots>(
        config: EngineConfig,
        mode: WorkerMode,
        open: impl Fn() -> Result<D, StateError> + std::marker::Send + Sync + 'static,
    ) -> Self {
        Self::around(client(config, mode, open)).await
    }

    /// On threads of its own, with a database that the engine may put aside.
    pub(super) async fn beginning_anew<D: Snapshots>(
        open: impl Fn() -> Result<D, StateError> + std::marker::Send + Sync + 'static,
        aside: impl Fn() -> Result<(), StateError> + std::marker::Send + Sync + 'static,
    ) -> Self {
        let client = client(EngineConfig::default(), WorkerMode::Thread, open);
        Self::around(client.begins_anew_by(aside)).await
    }

    async fn around(client: EmbeddedClient) -> Self {
        let address = BusAddress::new(Limits::default());
        let (actor, _) = alys_engine::spawn(&address, None, client.clone()).await.unwrap();
        let mut rig = Self { address, client, actor, head: B256::ZERO, height: 0, timestamp: 1_000 };
        rig.catch_up().await;
        rig
    }

    /// Takes over where the engine stands.
    pub(super) async fn catch_up(&mut self) {
        let head = self.ask(|reply| EngineMessage::Head { reply }).await.unwrap();
        (self.head, self.height) = (head.hash, head.number);
        self.timestamp = 1_000 + 2 * head.number;
    }

    pub(super) fn ctx() -> Context {
        Context::root(PATIENCE)
    }

    pub(super) async fn ask<T, E>(&self, make: impl FnOnce(Reply<T, E>) -> EngineMessage) -> Outcome<T, E> {
        self.address.ask(Self::ctx(), make).await
    }

    pub(super) fn rules_on(&self, parent: B256, height: u64, timestamp: u64) -> PayloadRules {
        PayloadRules {
            parent_hash: parent,
            block_number: height,
            timestamp,
            prev_randao: keccak256(timestamp.to_be_bytes()),
            fee_recipient: FEE_SINK,
            gas_limit: GAS_LIMIT,
            parent_beacon_block_root: keccak256(parent),
            withdrawals: Vec::new(),
        }
    }

    pub(super) fn next_rules(&self) -> PayloadRules {
        self.rules_on(self.head, self.height + 1, self.timestamp + 2)
    }

    pub(super) async fn build(&self, rules: PayloadRules) -> Outcome<[u8; 8], EngineError> {
        self.ask(|reply| EngineMessage::BuildExecutionPayload { rules: Box::new(rules), reply }).await
    }

    pub(super) async fn seal(&self, id: [u8; 8]) -> Outcome<Box<SealedPayload>, EngineError> {
        self.ask(|reply| EngineMessage::SealPayload { id, reply }).await
    }

    pub(super) async fn validate(&self, block: Block) -> PayloadVerdict {
        let block = Arc::new(block);
        self.ask(|reply| EngineMessage::ValidatePayload { block, reply }).await.unwrap()
    }

    pub(super) async fn forkchoice(&self, head: B256, safe: B256) -> Outcome<EngineHead, EngineError> {
        let choice = alys_engine::messages::Forkchoice { head, safe, finalized: B256::ZERO };
        self.ask(|reply| EngineMessage::ForkchoiceUpdate { choice, reply }).await
    }

    /// Builds and seals a block on `rules`, without telling the engine to follow.
    pub(super) async fn propose(&self, rules: PayloadRules) -> Block {
        let root = rules.parent_beacon_block_root;
        let id = self.build(rules).await.unwrap();
        let sealed = self.seal(id).await.unwrap();
        block_of(*sealed, root)
    }

    /// Makes the next block from the pool, and follows it.
    pub(super) async fn next_block(&mut self) -> (Block, ExecutionFacts) {
        let block = self.propose(self.next_rules()).await;
        let facts = self.follow(&block).await;
        (block, facts)
    }

    pub(super) async fn follow(&mut self, block: &Block) -> ExecutionFacts {
        let PayloadVerdict::Valid(facts) = self.validate(block.clone()).await else {
            panic!("a block that was built here is not valid");
        };
        let hash = block.payload_hash_as_given();
        let head = self.forkchoice(hash, B256::ZERO).await.unwrap();
        assert_eq!(head.hash, hash);
        let payload = &block.payload.payload_inner.payload_inner;
        (self.head, self.height, self.timestamp) = (hash, payload.block_number, payload.timestamp);
        facts
    }

    pub(super) async fn submit_raw(&self, raw: Bytes) -> Outcome<B256, TransactionRefusal> {
        self.ask(|reply| EngineMessage::SubmitTransaction { raw, reply }).await
    }

    pub(super) async fn submit(&self, send: &Send) -> Outcome<B256, TransactionRefusal> {
        self.submit_raw(send.sign().inner().encoded_2718().into()).await
    }

    /// The refusal of a transaction that must not be taken.
    pub(super) async fn refusal(&self, send: &Send) -> TransactionRefusal {
        self.submit(send).await.unwrap_err().into_actor().unwrap()
    }

    pub(super) async fn block(&self, at: BlockId, full: bool) -> Option<Box<eth::Block>> {
        self.ask(|reply| EngineMessage::BlockBy { at, full, reply }).await.unwrap()
    }

    pub(super) async fn receipt(&self, hash: B256) -> Option<Box<eth::TransactionReceipt>> {
        self.ask(|reply| EngineMessage::Receipt { hash, reply }).await.unwrap()
    }

    pub(super) async fn transaction(&self, hash: B256) -> Option<Box<eth::Transaction>> {
        self.ask(|reply| EngineMessage::Transaction { hash, reply }).await.unwrap()
    }

    pub(super) async fn nonce(&self, key: u64, at: BlockId) -> u64 {
        let address = crate::common::signer(key).address();
        self.ask(|reply| EngineMessage::Account { address, at, reply }).await.unwrap().nonce
    }

    pub(super) async fn call(&self, request: eth::TransactionRequest) -> Result<Bytes, Option<QueryError>> {
        let (request, at) = (Box::new(request), BlockId::latest());
        let outcome = self.ask(|reply| EngineMessage::Call { request, at, reply }).await;
        outcome.map_err(AskError::into_actor)
    }

    pub(super) async fn estimate(&self, request: eth::TransactionRequest) -> Result<u64, Option<QueryError>> {
        let (request, at) = (Box::new(request), BlockId::latest());
        let outcome = self.ask(|reply| EngineMessage::EstimateGas { request, at, reply }).await;
        outcome.map_err(AskError::into_actor)
    }

    pub(super) async fn logs(&self, filter: eth::Filter) -> Result<Vec<eth::Log>, Option<QueryError>> {
        let filter = Box::new(filter);
        self.ask(|reply| EngineMessage::Logs { filter, reply }).await.map_err(AskError::into_actor)
    }
}

fn client<D: Snapshots>(
    config: EngineConfig,
    mode: WorkerMode,
    open: impl Fn() -> Result<D, StateError> + std::marker::Send + Sync + 'static,
) -> EmbeddedClient {
    config.validate().unwrap();
    let limits = config.limits();
    EmbeddedClient::new(config, Clock::at(1_000_000), mode, Limits::default(), move || {
        let genesis = GenesisBlock::new(&genesis_with(KEYS, true), &rules())?;
        EmbeddedEngine::open(open()?, &genesis, rules(), limits.clone())
    })
}

/// A block of this chain around a payload.
pub(super) fn block_of(sealed: SealedPayload, parent: B256) -> Block {
    let payload = sealed.payload;
    let requests: Vec<_> =
        sealed.requests.iter().map(|request| request.to_vec().try_into().unwrap()).collect();
    Block {
        header: Header {
            height: payload.payload_inner.payload_inner.block_number,
            payload_hash: payload.payload_inner.payload_inner.block_hash,
            parent,
            ..Header::default()
        },
        body: Body::default(),
        payload,
        execution_requests: requests.try_into().unwrap(),
    }
}
