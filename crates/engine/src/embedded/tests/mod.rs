//! What can only be seen from inside: nothing is executed twice, and the pool follows any head.

mod follow;

use std::sync::Arc;
use std::time::Duration;

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::Encodable2718;
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alys_bus::{Clock, Context, Limits, Owner, WorkerMode};
use alys_database::MemoryDisk;
use alys_primitives::payload::PayloadRules;
use alys_primitives::{Block, Body, Header};

use super::{EmbeddedClient, EngineConfig, Opened, building};
use crate::client::ExecutionClient;
use crate::config::Rules;
use crate::engine::EmbeddedEngine;
use crate::execute::Transaction;
use crate::genesis::{GenesisBlock, system_contracts};
use crate::messages::{EngineMessage, PayloadVerdict, SealedPayload};

const CHAIN_ID: u64 = 77;
const GAS_LIMIT: u64 = 30_000_000;

fn key(index: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256([index])).unwrap()
}

fn genesis() -> Genesis {
    let rich = GenesisAccount::default().with_balance(U256::from(10).pow(U256::from(20)));
    let mut alloc = system_contracts();
    alloc.extend((0..4).map(|index| (key(index).address(), rich.clone())));
    Genesis { alloc, gas_limit: GAS_LIMIT, timestamp: 1_000, ..Genesis::default() }
}

/// An attached client whose threads run inline, and its open engine.
async fn open(config: EngineConfig) -> (EmbeddedClient, Arc<Opened>) {
    let (disk, limits) = (MemoryDisk::new(), config.limits());
    let open = move || {
        let rules = Rules::alys(CHAIN_ID, GAS_LIMIT);
        let genesis = GenesisBlock::new(&genesis(), &rules)?;
        EmbeddedEngine::open(disk.open()?, &genesis, rules, limits.clone())
    };
    let client = EmbeddedClient::new(config, Clock::at(0), WorkerMode::Inline, Limits::default(), open);
    client.attach(Owner::watched("test").0).await.unwrap();
    let opened = client.opened().unwrap();
    (client, opened)
}

fn signed(from: u8, nonce: u64, value: u64, tip: u128) -> Bytes {
    let tx = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: tip,
        to: TxKind::Call(Address::repeat_byte(0xee)),
        value: U256::from(value),
        ..Default::default()
    };
    let signature = key(from).sign_hash_sync(&tx.signature_hash()).unwrap();
    Transaction::from(tx.into_signed(signature)).encoded_2718().into()
}

fn rules_on(parent: B256, number: u64, salt: u64) -> PayloadRules {
    PayloadRules {
        parent_hash: parent,
        block_number: number,
        timestamp: 1_000 + 2 * number,
        prev_randao: keccak256(salt.to_be_bytes()),
        fee_recipient: Address::repeat_byte(0xfe),
        gas_limit: GAS_LIMIT,
        parent_beacon_block_root: keccak256(parent),
        withdrawals: Vec::new(),
    }
}

fn propose(opened: &Opened, rules: PayloadRules) -> Block {
    let root = rules.parent_beacon_block_root;
    let (id, _) = building::begin(opened, rules).unwrap();
    let ctx = Context::root(Duration::from_secs(5));
    let SealedPayload { payload, .. } = building::seal(opened, &Clock::at(0), ctx, id).unwrap();
    let header = Header { parent: root, ..Header::default() };
    Block { header, body: Body::default(), payload, execution_requests: Default::default() }
}

async fn validate(client: &EmbeddedClient, block: &Block) -> PayloadVerdict {
    let (reply, answer) = alys_bus::Reply::detached("engine");
    let ctx = Context::root(Duration::from_secs(5));
    client.handle(ctx, EngineMessage::ValidatePayload { block: Arc::new(block.clone()), reply });
    answer.wait(ctx.deadline).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_payload_that_was_built_here_is_not_executed_again() {
    let (client, opened) = open(EngineConfig::default()).await;
    opened.submit(&signed(0, 0, 1, 1)).unwrap();
    let block = propose(&opened, rules_on(opened.head().hash, 1, 0));
    assert!(matches!(validate(&client, &block).await, PayloadVerdict::Valid(_)));
    let hash = block.payload_hash_as_given();
    let built = opened.builds.lock().built(&hash).unwrap().candidate.clone();
    // The very object: the state that building led to was taken over.
    assert!(Arc::ptr_eq(&opened.reads.world().candidates[&hash], &built));
}

#[tokio::test(start_paused = true)]
async fn a_build_that_runs_out_of_time_seals_what_it_has() {
    let (_client, opened) = open(EngineConfig::default()).await;
    for nonce in 0..50 {
        opened.submit(&signed(0, nonce, 1, 1)).unwrap();
    }
    let (id, new) = building::begin(&opened, rules_on(opened.head().hash, 1, 0)).unwrap();
    assert!(new);
    // No time is left: half of nothing is nothing. An empty payload is better than none.
    let ctx = Context::root(Duration::ZERO);
    let sealed = building::seal(&opened, &Clock::at(0), ctx, id).unwrap();
    assert!(sealed.payload.payload_inner.payload_inner.transactions.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_last_attempt_that_pays_less_does_not_displace_the_version_there_is() {
    let (_client, opened) = open(EngineConfig { seal_budget_ms: 0, ..EngineConfig::default() }).await;
    for nonce in 0..5 {
        opened.submit(&signed(0, nonce, 1, 1)).unwrap();
    }
    let (id, _) = building::begin(&opened, rules_on(opened.head().hash, 1, 0)).unwrap();
    building::first_version(&opened, &Clock::at(0), id);
    opened.submit(&signed(1, 0, 1, 1)).unwrap();
    // In no time at all the attempt ends with an empty payload.
    let ctx = Context::root(Duration::from_secs(5));
    let sealed = building::seal(&opened, &Clock::at(0), ctx, id).unwrap();
    assert_eq!(sealed.payload.payload_inner.payload_inner.transactions.len(), 5);
}

#[test]
fn the_default_configuration_is_valid_and_a_wrong_field_is_named() {
    assert_eq!(EngineConfig::default().validate(), Ok(()));
    let default = EngineConfig::default;
    let cases = [
        (EngineConfig { window: 0, ..default() }, "window"),
        (EngineConfig { history: 3, ..default() }, "history"),
        (EngineConfig { candidates: 64, ..default() }, "candidates"),
        (EngineConfig { commit_every: 0, ..default() }, "commit_every"),
        (EngineConfig { build_budget_ms: 0, ..default() }, "build_budget_ms"),
        (EngineConfig { max_payload_bytes: 5, ..default() }, "max_payload_bytes"),
        (EngineConfig { call_gas: 20_999, ..default() }, "call_gas"),
        (EngineConfig { call_timeout_ms: 0, ..default() }, "call_timeout_ms"),
        (EngineConfig { call_threads: 0, ..default() }, "call_threads"),
        (EngineConfig { search_threads: 0, ..default() }, "search_threads"),
        (EngineConfig { lookup_threads: 65, ..default() }, "lookup_threads"),
        (EngineConfig { max_log_blocks: 0, ..default() }, "max_log_blocks"),
        (EngineConfig { max_logs: 0, ..default() }, "max_logs"),
        (EngineConfig { max_fee_history: 0, ..default() }, "max_fee_history"),
    ];
    for (config, field) in cases {
        let error = config.validate().unwrap_err().to_string();
        assert!(error.starts_with(&format!("engine.{field} is ")), "{error}");
    }
    let parsed: EngineConfig = serde_json::from_str(r#"{"pool": {"min_tip": 5}}"#).unwrap();
    assert_eq!(parsed.pool.min_tip, 5);
    assert!(serde_json::from_str::<EngineConfig>(r#"{"windw": 5}"#).is_err());
}
