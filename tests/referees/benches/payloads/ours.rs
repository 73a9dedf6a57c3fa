//! The embedded engine, behind its actor, on the disk.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, Bytes};
use alys_bus::{
    Address, Clock, Context, Limits, WorkerMode,
    protocol::engine::{EngineMessage, Forkchoice, PayloadVerdict},
};
use alys_database::{Backend, DatabaseConfig, open_with_snapshots};
use alys_engine::{EmbeddedClient, EmbeddedEngine, EngineConfig};
use alys_primitives::{Block, Body, Header, payload::PayloadRules};
use alys_referees::genesis::{self, GAS_LIMIT, GENESIS_TIME};
use parking_lot::Mutex;
use tempfile::TempDir;

use crate::{loads::Load, ms};

const PATIENCE: Duration = Duration::from_secs(60);

/// An engine on a chain of its own.
pub(crate) struct Engine {
    address: Address<EngineMessage>,
    head: Mutex<B256>,
    _folder: TempDir,
}

impl Engine {
    pub(crate) async fn start(load: &Load) -> Self {
        let folder = TempDir::new().unwrap();
        // A build gets all the time that it needs.
        let config = EngineConfig { build_budget_ms: 60_000, ..EngineConfig::default() };
        let (limits, database) =
            (config.limits(), DatabaseConfig::new(Backend::Redb, folder.path().join("state")));
        let block = genesis::block(&load.genesis()).unwrap();
        let head = Mutex::new(block.hash());
        let client =
            EmbeddedClient::new(config, Clock::system(), WorkerMode::Thread, Limits::default(), move || {
                let database = open_with_snapshots(&database)?;
                EmbeddedEngine::open(database, &block, genesis::rules(), limits.clone())
            });
        let address = Address::new(Limits::default());
        alys_engine::spawn(&address, None, client).await.unwrap();
        Self { address, head, _folder: folder }
    }

    pub(crate) async fn submit(&self, raw: &Bytes) {
        let raw = raw.clone();
        let ctx = Context::root(PATIENCE);
        self.address.ask(ctx, |reply| EngineMessage::SubmitTransaction { raw, reply }).await.unwrap();
    }

    /// The block at `height` from the pool, and how long it took from the order to the payload.
    pub(crate) async fn build(&self, height: u64) -> (Block, f64) {
        let parent = B256::from(alloy_primitives::U256::from(height));
        let rules = PayloadRules {
            parent_hash: *self.head.lock(),
            block_number: height,
            timestamp: GENESIS_TIME + 2 * height,
            prev_randao: B256::repeat_byte(1),
            fee_recipient: alloy_primitives::Address::repeat_byte(0xfe),
            gas_limit: GAS_LIMIT,
            parent_beacon_block_root: parent,
            withdrawals: Vec::new(),
        };
        let started = Instant::now();
        let rules = Box::new(rules);
        let ctx = Context::root(PATIENCE);
        let id = self
            .address
            .ask(ctx, |reply| EngineMessage::BuildExecutionPayload { rules, reply })
            .await
            .unwrap();
        let sealed = self.address.ask(ctx, |reply| EngineMessage::SealPayload { id, reply }).await.unwrap();
        let took = ms(started.elapsed());
        let body = Body::default();
        let payload_hash = sealed.payload.payload_inner.payload_inner.block_hash;
        let header = Header { height, payload_hash, parent, body_root: body.root(), ..Header::default() };
        (Block { header, body, payload: sealed.payload, execution_requests: Default::default() }, took)
    }

    /// Judges a block, and makes it head and final: how long each took.
    pub(crate) async fn follow(&self, block: &Block) -> (f64, f64) {
        let head = block.header.payload_hash;
        let block = Arc::new(block.clone());
        let started = Instant::now();
        let ctx = Context::root(PATIENCE);
        let verdict =
            self.address.ask(ctx, |reply| EngineMessage::ValidatePayload { block, reply }).await.unwrap();
        let validate = ms(started.elapsed());
        assert!(matches!(verdict, PayloadVerdict::Valid(_)), "{verdict:?}");
        let started = Instant::now();
        let choice = Forkchoice { head, safe: head, finalized: B256::ZERO };
        let now =
            self.address.ask(ctx, |reply| EngineMessage::ForkchoiceUpdate { choice, reply }).await.unwrap();
        assert_eq!(now.hash, head);
        *self.head.lock() = head;
        (validate, ms(started.elapsed()))
    }
}
