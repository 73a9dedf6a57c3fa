//! Canonical blocks in short: always those of the chain, wherever they lie.

use alloy_primitives::B256;
use alys_database::MemoryDisk;
use alys_engine::{BlockId, BlockSummary, EngineLimits, Forkchoice};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::common::{Engine, genesis_with, open_on, set_head};
use crate::random::{Known, random_block};

/// All summaries from `from` on, read by read.
fn summaries(engine: &Engine, from: u64) -> Vec<BlockSummary> {
    let (reads, mut all) = (engine.reads(), Vec::new());
    loop {
        let next = from + all.len() as u64;
        let some = reads.summaries(next, u64::MAX).unwrap();
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

/// Every canonical block has its summary, and no other has one.
fn check(engine: &Engine) {
    let head = engine.head().number;
    let found = summaries(engine, 0);
    assert_eq!(found.len() as u64, head + 1);
    for (height, found) in (0..).zip(found) {
        let block = engine.reads().block(BlockId::Number(height)).unwrap().unwrap();
        assert_eq!(found, BlockSummary::of(&block), "height {height}");
    }
    let middle = head / 2;
    let some = engine.reads().summaries(middle, middle + 1).unwrap();
    assert_eq!(some.first().map(|first| first.header.number), Some(middle));
    assert!(engine.reads().summaries(middle + 1, middle).unwrap().is_empty());
    assert!(engine.reads().summaries(head + 1, u64::MAX).unwrap().is_empty());
}

#[test]
fn every_canonical_block_has_its_summary_after_reorgs_restarts_and_rollbacks() {
    let limits = EngineLimits { window: 6, ..EngineLimits::default() };
    let (disk, genesis) = (MemoryDisk::new(), genesis_with(6, false));
    let mut engine = open_on(&disk, &genesis, &limits);
    let (mut known, mut rng) = (Known::new(), ChaCha8Rng::seed_from_u64(11));
    let mut branch = engine.head().hash;
    for round in 0..300 {
        let built = random_block(&engine, branch, &mut known, &mut rng);
        engine.adopt(&built).unwrap();
        set_head(&mut engine, built.block().hash);
        // Now and then the next block stands beside this one, or beside its parent.
        let back = [0, 0, 0, 0, 1, 2][rng.random_range(0..6)];
        let height = engine.head().number.saturating_sub(back).max(engine.reads().base().number);
        branch = engine.reads().canonical_hash(height).unwrap().unwrap();
        if round % 50 == 49 {
            check(&engine);
        }
    }
    assert!(engine.head().number > 100);
    drop(engine);
    let mut engine = open_on(&disk, &genesis, &limits);
    check(&engine);
    let target = engine.reads().canonical_hash(engine.head().number - 20).unwrap().unwrap();
    engine.rollback_to(target).unwrap();
    check(&engine);
    let built = random_block(&engine, target, &mut known, &mut rng);
    engine.adopt(&built).unwrap();
    let head = built.block().hash;
    engine.forkchoice(Forkchoice { head, safe: head, finalized: B256::ZERO }).unwrap();
    check(&engine);
}
