//! Searches over many blocks: by their summaries, and by decoding each block as a whole.

use std::time::Instant;

use alloy_primitives::B256;
use alys_database::RedbDatabase;
use alys_engine::{BlockId, BuildAttributes, EmbeddedEngine, EngineLimits, Forkchoice};

use crate::load::{Kind, Load};

/// Blocks on the disk.
const LENGTH: u64 = 64;

pub(crate) fn measure() {
    let mut load = Load::new(Kind::Erc20, 1_000);
    let folder = tempfile::tempdir().unwrap();
    let database = RedbDatabase::open(folder.path(), 256 << 20).unwrap();
    let limits = EngineLimits::default();
    let mut engine = EmbeddedEngine::open(database, &load.genesis_block(), Load::rules(), limits).unwrap();
    for _ in 0..LENGTH {
        let head = engine.reads().block(BlockId::Head).unwrap().unwrap();
        let attributes = BuildAttributes {
            parent: head.hash,
            timestamp: head.header.timestamp + 2,
            prev_randao: B256::ZERO,
            fee_recipient: Default::default(),
            withdrawals: Vec::new(),
            parent_beacon_block_root: B256::ZERO,
            gas_limit: head.header.gas_limit,
            max_bytes: usize::MAX,
            extra_data: Default::default(),
        };
        let transactions = load.block();
        let built = engine.reads().build(attributes, &mut transactions.into_iter(), &mut || false).unwrap();
        engine.adopt(&built).unwrap();
        let head = built.block().hash;
        engine.forkchoice(Forkchoice { head, safe: head, finalized: B256::ZERO }).unwrap();
    }
    let reads = engine.reads();
    let start = Instant::now();
    let mut logs = 0;
    for height in 1..=LENGTH {
        let block = reads.block(BlockId::Number(height)).unwrap().unwrap();
        logs += block.receipts.iter().map(|receipt| receipt.logs.len()).sum::<usize>();
    }
    let whole = start.elapsed() / LENGTH as u32;
    let start = Instant::now();
    let mut next = 1;
    while next <= LENGTH {
        next += reads.summaries(next, LENGTH).unwrap().len() as u64;
    }
    let short = start.elapsed() / LENGTH as u32;
    println!(
        "{} transactions and {} logs a block: whole {whole:.1?} a block, in short {short:.1?}: {:.0} times faster",
        crate::load::PER_BLOCK,
        logs as u64 / LENGTH,
        whole.as_secs_f64() / short.as_secs_f64(),
    );
}
