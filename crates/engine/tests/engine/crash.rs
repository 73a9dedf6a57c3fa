//! The power goes at every commit: what is opened afterwards is one block's state, whole.

use alloy_primitives::B256;
use alys_database::{Fault, Left, MemoryDisk};
use alys_engine::{BlockId, BuiltPayload, EngineLimits, Forkchoice};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::common::{Engine, genesis_with, import, open_on};
use crate::random::{Known, random_block};

fn limits() -> EngineLimits {
    EngineLimits { window: 3, history: Some(8), proofs: 4, ..EngineLimits::default() }
}

/// A chain of blocks and what it may touch.
fn chain(length: usize) -> (Vec<BuiltPayload>, Known) {
    let mut engine = open_on(&MemoryDisk::new(), &genesis_with(6, false), &limits());
    let (mut known, mut rng) = (Known::new(), ChaCha8Rng::seed_from_u64(3));
    let mut blocks = Vec::new();
    for _ in 0..length {
        let built = random_block(&engine, engine.head().hash, &mut known, &mut rng);
        engine.adopt(&built).unwrap();
        engine.forkchoice(Forkchoice { head: built.block().hash, ..Forkchoice::default() }).unwrap();
        blocks.push(built);
    }
    (blocks, known)
}

fn check(engine: &Engine, known: &Known, blocks: &[BuiltPayload]) {
    let head = engine.head();
    let block = engine.reads().block(BlockId::Head).unwrap().unwrap();
    assert_eq!(block.reference(), head, "height, hash and block are of one block");
    let root = known.root(&engine.reads().state(BlockId::Head).unwrap());
    assert_eq!(root, block.header.state_root, "the state is that block's");
    if let Some(index) = head.number.checked_sub(1) {
        assert_eq!(blocks[index as usize].block().reference(), head, "it is a block of the chain");
    }
    for height in engine.reads().oldest_state()..head.number {
        let block = engine.reads().block(BlockId::Number(height)).unwrap().unwrap();
        let state = engine.reads().state(BlockId::Number(height)).unwrap();
        assert_eq!(known.root(&state), block.header.state_root, "history at {height}");
    }
}

/// Runs the whole chain on a disk, block `final_lag` below the head final; `Err` when power went.
fn play(engine: &mut Engine, blocks: &[BuiltPayload]) -> Result<(), ()> {
    for (index, built) in blocks.iter().enumerate() {
        if built.block().header.number <= engine.head().number {
            continue;
        }
        import(engine, built);
        let safe = match index % 4 {
            3 => blocks[index - 1].block().hash,
            _ => B256::ZERO,
        };
        let choice = Forkchoice { head: built.block().hash, safe, finalized: B256::ZERO };
        engine.forkchoice(choice).map_err(|_| ())?;
    }
    Ok(())
}

#[test]
fn a_crash_at_every_commit_leaves_one_block_s_height_hash_and_state() {
    let (blocks, known) = chain(60);
    let genesis = genesis_with(6, false);
    let (mut at, mut crashes) = (0, 0);
    loop {
        let mut finished = 0;
        for left in [Left::Old, Left::New, Left::Torn(100), Left::Torn(5_000)] {
            let disk = MemoryDisk::new();
            disk.inject(at, Fault::Crash(left));
            // The crash may come with the genesis itself.
            let block = alys_engine::GenesisBlock::new(&genesis, &crate::common::rules()).unwrap();
            let opened = alys_engine::EmbeddedEngine::open(
                disk.open().unwrap(),
                &block,
                crate::common::rules(),
                limits(),
            );
            match opened.map_err(drop).and_then(|mut engine| play(&mut engine, &blocks)) {
                Ok(()) => finished += 1,
                Err(()) => crashes += 1,
            }
            disk.crash();
            let mut engine = open_on(&disk, &genesis, &limits());
            check(&engine, &known, &blocks);
            play(&mut engine, &blocks).unwrap();
            assert_eq!(engine.head(), blocks[59].block().reference());
            check(&engine, &known, &blocks);
        }
        if finished == 4 {
            break;
        }
        at += 1;
    }
    println!("{crashes} crashes at {at} commits");
    assert!(crashes >= 4 * 20, "the chain has more commits than that");
}

#[test]
fn a_crash_at_every_step_of_a_rollback_leaves_one_block_s_state() {
    let (blocks, known) = chain(20);
    let genesis = genesis_with(6, false);
    for at in 0..8 {
        for left in [Left::Old, Left::New, Left::Torn(64)] {
            let disk = MemoryDisk::new();
            let mut engine = open_on(&disk, &genesis, &limits());
            play(&mut engine, &blocks).unwrap();
            let oldest = engine.reads().oldest_state();
            let target = engine.reads().canonical_hash(oldest).unwrap().unwrap();
            disk.inject(at, Fault::Crash(left));
            let crashed = engine.rollback_to(target).is_err();
            drop(engine);
            disk.crash();
            disk.clear_faults();
            let mut engine = open_on(&disk, &genesis, &limits());
            check(&engine, &known, &blocks);
            engine.rollback_to(target).unwrap();
            check(&engine, &known, &blocks);
            play(&mut engine, &blocks).unwrap();
            check(&engine, &known, &blocks);
            assert!(crashed || at >= 8 - 1, "a rollback over 8 blocks has 8 commits");
        }
    }
}

#[test]
fn a_commit_that_fails_leaves_readers_where_they_were_and_is_an_error_until_reopened() {
    let (blocks, known) = chain(6);
    let genesis = genesis_with(6, false);
    let disk = MemoryDisk::new();
    let mut engine = open_on(&disk, &genesis, &limits());
    play(&mut engine, &blocks[..3]).unwrap();
    let reads = engine.reads();
    let before = reads.base();
    disk.inject(0, Fault::DiskFull);
    assert!(play(&mut engine, &blocks[3..]).is_err());
    assert_eq!(reads.base(), before);
    let head = reads.block(BlockId::Head).unwrap().unwrap();
    assert_eq!(known.root(&reads.state(BlockId::Head).unwrap()), head.header.state_root);
    drop((engine, reads));
    let mut engine = open_on(&disk, &genesis, &limits());
    play(&mut engine, &blocks).unwrap();
    check(&engine, &known, &blocks);
}
