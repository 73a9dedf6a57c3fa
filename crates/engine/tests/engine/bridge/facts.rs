//! What a VALID brings: the burns and cancellations of the payload, from the actor as consensus asks it.

use std::sync::Arc;

use alloy_primitives::{B256, U256, keccak256};
use alys_bus::{Address as BusAddress, Clock, Context, Limits, WorkerMode};
use alys_database::MemoryDisk;
use alys_engine::messages::{EngineMessage, PayloadVerdict};
use alys_engine::{EmbeddedClient, EmbeddedEngine, EngineConfig, GenesisBlock, Rules};
use alys_primitives::{Block, Body, ChainSpec, ExecutionFacts, Header, payload::PayloadRules};
use alys_testkit::PATIENCE;
use alys_testkit::contract::engine::spec;
use alys_testkit::wallet::{Unsigned, payer};

use super::*;

type Engines = BusAddress<EngineMessage>;

/// An engine actor at the genesis of a development spec.
async fn start(spec: &ChainSpec) -> Engines {
    let (config, disk, of) = (EngineConfig::default(), MemoryDisk::new(), spec.clone());
    let (limits, clock) = (config.limits(), Clock::at(spec.blocks.genesis_ms));
    let client = EmbeddedClient::new(config, clock, WorkerMode::Thread, Limits::default(), move || {
        let rules = Rules::alys(of.chain_id, of.blocks.gas_limit);
        let genesis = GenesisBlock::new(&of.execution_genesis_file(), &rules)?;
        EmbeddedEngine::open(disk.open()?, &genesis, rules, limits.clone())
    });
    let address = BusAddress::new(Limits::default());
    alys_engine::spawn(&address, None, client).await.unwrap();
    address
}

/// The first block from the pool.
async fn build(engine: &Engines, spec: &ChainSpec) -> Block {
    let ctx = || Context::root(PATIENCE);
    let rules = PayloadRules {
        parent_hash: spec.execution_genesis_header().hash_slow(),
        block_number: 1,
        timestamp: spec.blocks.genesis_ms / 1000 + 2,
        prev_randao: B256::ZERO,
        fee_recipient: spec.blocks.fee_sink,
        gas_limit: spec.blocks.gas_limit,
        parent_beacon_block_root: keccak256("parent"),
        withdrawals: Vec::new(),
    };
    let (parent, rules) = (rules.parent_beacon_block_root, Box::new(rules));
    let id = engine.ask(ctx(), |reply| EngineMessage::BuildExecutionPayload { rules, reply }).await.unwrap();
    let sealed = engine.ask(ctx(), |reply| EngineMessage::SealPayload { id, reply }).await.unwrap();
    let (payload, body) = (sealed.payload, Body::default());
    let header = Header {
        height: 1,
        payload_hash: payload.payload_inner.payload_inner.block_hash,
        parent,
        body_root: body.root(),
        ..Header::default()
    };
    Block { header, body, payload, execution_requests: Vec::new().try_into().unwrap() }
}

async fn valid(engine: &Engines, block: &Block) -> ExecutionFacts {
    let block = Arc::new(block.clone());
    let verdict = engine
        .ask(Context::root(PATIENCE), |reply| EngineMessage::ValidatePayload { block, reply })
        .await
        .unwrap();
    let PayloadVerdict::Valid(facts) = verdict else { panic!("{verdict:?}") };
    facts
}

#[tokio::test]
async fn a_valid_brings_the_burns_and_cancellations_of_the_payload() {
    let spec = spec();
    let (ours, theirs) = (start(&spec).await, start(&spec).await);
    let least = sats(spec.peg.min_payout);
    let calls = [
        (least, request(ADDRESS.as_bytes())),
        (U256::ZERO, cancel(0)),
        // Refused: below the minimum of this spec.
        (least - sats(1), request(ADDRESS.as_bytes())),
        (least + sats(1), bounded(ADDRESS, sats(7))),
    ];
    for (nonce, (value, input)) in (0..).zip(calls) {
        let raw = Unsigned { value, input, ..Unsigned::transfer(spec.chain_id, nonce, BRIDGE, 0) }.sign();
        let sent = ours.ask(Context::root(PATIENCE), |reply| EngineMessage::SubmitTransaction { raw, reply });
        sent.await.unwrap();
    }
    let block = build(&ours, &spec).await;
    let facts = valid(&theirs, &block).await;
    assert_eq!(valid(&ours, &block).await, facts, "built and executed alike");
    let burn = |log_index, id, value, max_fee| Burn {
        log_index,
        id,
        burner: payer(),
        bitcoin_address: ADDRESS.as_bytes().into(),
        value,
        max_fee,
    };
    assert_eq!(facts.burns, [burn(0, 0, least, U256::MAX), burn(3, 1, least + sats(1), sats(7))]);
    assert_eq!(facts.cancellations, [Cancellation { log_index: 2, id: 0, burner: payer() }]);
    assert!(facts.fees > U256::ZERO);
}
