//! One block's way, in parts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_consensus::TxReceipt;
use alloy_consensus::proofs::calculate_receipt_root;
use alloy_evm::revm::database::{CacheDB, EmptyDB};
use alloy_evm::{EthEvmFactory, Evm, EvmEnv, EvmFactory};
use alloy_primitives::{B256, U256, keccak256};
use alys_database::RedbDatabase;
use alys_engine::execute::{BlockState, Environment, Executor, Outcome, RecoveredTransaction, SenderCache};
use alys_engine::state::seal_overlay;
use alys_engine::{
    BlockId, BuildAttributes, BuiltPayload, EmbeddedEngine, EngineLimits, ExecutedBlock, Forkchoice,
};
use revm::context::{BlockEnv, CfgEnv};
use revm::primitives::hardfork::SpecId;
use revm::state::{AccountInfo, Bytecode};

use crate::load::{BLOCKS, Load, PER_BLOCK};

type Raw = CacheDB<EmptyDB>;

/// The time of each part for one block.
#[derive(Default)]
struct Times {
    raw: Vec<Duration>,
    /// Recovery one by one.
    one_core: Vec<Duration>,
    recovery: Vec<Duration>,
    execution: Vec<Duration>,
    root: Vec<Duration>,
    receipts: Vec<Duration>,
    commit: Vec<Duration>,
    batched: Vec<Duration>,
    all: Vec<Duration>,
    recovered: Vec<Duration>,
}

pub(crate) fn header() {
    println!(
        "{:>10} {:>8} | {:>8} {:>8} | {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} | {:>8} {:>9} | {:>9} {:>9}",
        "load",
        "accounts",
        "raw revm",
        "execute",
        "one core",
        "recovery",
        "root",
        "receipts",
        "commit",
        "by 16",
        "Mgas/s",
        "all",
        "recovered",
        "exec/raw",
        "recov/raw",
    );
}

pub(crate) fn measure(load: &mut Load) {
    let folder = tempfile::tempdir().unwrap();
    let database = RedbDatabase::open(folder.path(), 256 << 20).unwrap();
    let genesis = load.genesis_block();
    let limits = EngineLimits { senders: 4, ..EngineLimits::default() };
    let mut engine = EmbeddedEngine::open(database, &genesis, Load::rules(), limits).unwrap();
    let mut raw = raw_state(load);
    let mut times = Times::default();
    let mut gas = 0;
    for round in 0..BLOCKS + 2 {
        let (_, block) = built(&engine, load.block());
        gas = block.header.gas_used;
        let mut one = Times::default();
        run_raw(&mut raw, &block, &mut one);
        run_parts(&engine, &block, &mut one);
        run_whole(&mut engine, &block, &mut one);
        // The first blocks warm caches up.
        if round >= 2 {
            times.append(one);
        }
    }
    drop(engine);
    times.batched = vec![batched(load)];
    report(load, gas, times);
}

/// The commit's share of a block where the base moves every 16 blocks.
fn batched(load: &mut Load) -> Duration {
    const EVERY: u64 = 16;
    let folder = tempfile::tempdir().unwrap();
    let database = RedbDatabase::open(folder.path(), 256 << 20).unwrap();
    let limits = EngineLimits { commit_every: EVERY, ..EngineLimits::default() };
    load.start_again();
    let genesis = load.genesis_block();
    let mut engine = EmbeddedEngine::open(database, &genesis, Load::rules(), limits).unwrap();
    let mut commit = Duration::ZERO;
    for _ in 0..2 * EVERY {
        let (built, _) = built(&engine, load.block());
        engine.adopt(&built).unwrap();
        let head = built.block().hash;
        let start = Instant::now();
        engine.forkchoice(Forkchoice { head, safe: head, finalized: B256::ZERO }).unwrap();
        commit += start.elapsed();
    }
    commit / (2 * EVERY as u32)
}

fn built(
    engine: &EmbeddedEngine<RedbDatabase>,
    txs: Vec<RecoveredTransaction>,
) -> (BuiltPayload, Arc<ExecutedBlock>) {
    let head = engine.reads().block(BlockId::Head).unwrap().unwrap();
    let attributes = BuildAttributes {
        parent: head.hash,
        timestamp: head.header.timestamp + 2,
        prev_randao: B256::ZERO,
        fee_recipient: keccak256("fees")[..20].try_into().unwrap(),
        withdrawals: Vec::new(),
        parent_beacon_block_root: B256::ZERO,
        gas_limit: head.header.gas_limit,
        max_bytes: usize::MAX,
        extra_data: Default::default(),
    };
    let built = engine.reads().build(attributes, &mut txs.into_iter(), &mut || false).unwrap();
    let block = built.block().clone();
    assert_eq!(block.receipts.len(), PER_BLOCK);
    assert!(block.receipts.iter().all(|receipt| receipt.success));
    (built, block)
}

fn raw_state(load: &Load) -> Raw {
    let mut raw = Raw::default();
    for (address, account) in &load.genesis.alloc {
        let code = account.code.clone().map(Bytecode::new_raw).unwrap_or_default();
        let nonce = account.nonce.unwrap_or_default();
        let info = AccountInfo::new(account.balance, nonce, code.hash_slow(), code);
        raw.insert_account_info(*address, info);
        for (slot, value) in account.storage_slots() {
            raw.insert_account_storage(*address, slot.into(), value).unwrap();
        }
    }
    raw
}

fn environment(block: &ExecutedBlock) -> Environment {
    let header = &block.header;
    Environment {
        number: header.number,
        timestamp: header.timestamp,
        beneficiary: header.beneficiary,
        gas_limit: header.gas_limit,
        base_fee: header.base_fee_per_gas.unwrap(),
        prev_randao: header.mix_hash,
        parent_hash: header.parent_hash,
        parent_beacon_block_root: header.parent_beacon_block_root,
        excess_blob_gas: 0,
    }
}

/// revm alone on a state in memory: no recovery, no roots, no disk.
fn run_raw(raw: &mut Raw, block: &ExecutedBlock, times: &mut Times) {
    let header = &block.header;
    let cfg = CfgEnv::new_with_spec(SpecId::PRAGUE).with_chain_id(Load::rules().chain_id);
    let env = BlockEnv {
        number: U256::from(header.number),
        beneficiary: header.beneficiary,
        timestamp: U256::from(header.timestamp),
        gas_limit: header.gas_limit,
        basefee: header.base_fee_per_gas.unwrap(),
        prevrandao: Some(B256::ZERO),
        ..BlockEnv::default()
    };
    let start = Instant::now();
    let mut evm = EthEvmFactory::default().create_evm(raw, EvmEnv::new(cfg, env));
    for tx in &block.transactions {
        assert!(evm.transact_commit(tx.as_recovered_ref()).unwrap().is_success());
    }
    times.raw.push(start.elapsed());
}

/// The parts, each on its own.
fn run_parts(engine: &EmbeddedEngine<RedbDatabase>, block: &ExecutedBlock, times: &mut Times) {
    let senders = SenderCache::new(2);
    let plain: Vec<_> = block.transactions.iter().map(|tx| tx.inner().clone()).collect();
    let start = Instant::now();
    for tx in plain.clone() {
        assert!(senders.recover(tx).is_some());
    }
    times.one_core.push(start.elapsed());
    let senders = SenderCache::new(2);
    let start = Instant::now();
    assert!(senders.recover_all(plain).is_ok());
    times.recovery.push(start.elapsed());

    let (rules, environment) = (Load::rules(), environment(block));
    let state = engine.reads().state(BlockId::Hash(block.header.parent_hash)).unwrap();
    let start = Instant::now();
    let state = BlockState::new(state, Arc::new(|_| Ok(B256::ZERO)));
    let mut executor = Executor::begin(&rules, &environment, state).unwrap();
    for tx in &block.transactions {
        executor.transact(tx).unwrap();
    }
    let Outcome { view, changes, receipts, .. } = executor.finish(&[]).unwrap();
    times.execution.push(start.elapsed());

    let start = Instant::now();
    let (root, _) = seal_overlay(&view, changes).unwrap();
    times.root.push(start.elapsed());
    assert_eq!(root, block.header.state_root);

    let start = Instant::now();
    let receipts: Vec<_> = receipts.iter().map(TxReceipt::with_bloom_ref).collect();
    assert_eq!(calculate_receipt_root(&receipts), block.header.receipts_root);
    times.receipts.push(start.elapsed());
}

/// The whole way, as a node that did not build the block goes it; with senders known, without the
/// recovery that the pool did before.
fn run_whole(engine: &mut EmbeddedEngine<RedbDatabase>, block: &ExecutedBlock, times: &mut Times) {
    let payload = block.payload();
    let start = Instant::now();
    let done = engine.import(&payload, B256::ZERO, &[]).unwrap();
    let imported = start.elapsed();
    assert!(!done.known);
    let head = block.hash;
    let start = Instant::now();
    engine.forkchoice(Forkchoice { head, safe: head, finalized: B256::ZERO }).unwrap();
    let commit = start.elapsed();
    times.commit.push(commit);
    times.all.push(imported + commit);
    let recovery = *times.recovery.last().unwrap();
    times.recovered.push((imported + commit).saturating_sub(recovery));
}

impl Times {
    fn append(&mut self, mut one: Self) {
        self.raw.append(&mut one.raw);
        self.one_core.append(&mut one.one_core);
        self.recovery.append(&mut one.recovery);
        self.execution.append(&mut one.execution);
        self.root.append(&mut one.root);
        self.receipts.append(&mut one.receipts);
        self.commit.append(&mut one.commit);
        self.all.append(&mut one.all);
        self.recovered.append(&mut one.recovered);
    }
}

/// Thousand transactions a second, by the median.
fn rate(mut times: Vec<Duration>) -> f64 {
    times.sort();
    PER_BLOCK as f64 / times[times.len() / 2].as_secs_f64() / 1_000.0
}

fn report(load: &Load, gas: u64, times: Times) {
    let (raw, execution, recovered) = (rate(times.raw), rate(times.execution), rate(times.recovered));
    println!(
        "{:>10} {:>8} | {:>8.1} {:>8.1} | {:>8.1} {:>8.1} {:>8.1} {:>8.1} {:>8.1} {:>8.1} {:>8.0} | {:>8.1} {:>9.1} | {:>9.2} {:>9.2}",
        load.name(),
        load.accounts(),
        raw,
        execution,
        rate(times.one_core),
        rate(times.recovery),
        rate(times.root),
        rate(times.receipts),
        rate(times.commit),
        rate(times.batched),
        recovered * gas as f64 / PER_BLOCK as f64 / 1_000.0,
        rate(times.all),
        recovered,
        execution / raw,
        recovered / raw,
    );
}
