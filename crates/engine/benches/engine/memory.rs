//! Resident memory of an engine at 10^5 accounts, by the kernel's word.

use alloy_primitives::B256;
use alys_database::RedbDatabase;
use alys_engine::{BlockId, BuildAttributes, EmbeddedEngine, EngineLimits, Forkchoice};

use crate::load::{Kind, Load, PER_BLOCK};

const ACCOUNTS: usize = 100_000;
const BLOCKS: usize = 70;
const CACHE: u64 = 64 << 20;

pub(crate) fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let mut load = Load::new(Kind::Erc20, ACCOUNTS);
    {
        // The genesis is made and dropped: a node does it once in its life.
        let database = RedbDatabase::open(folder.path(), CACHE).unwrap();
        let genesis = load.genesis_block();
        drop(EmbeddedEngine::open(database, &genesis, Load::rules(), EngineLimits::default()).unwrap());
    }
    let genesis = load.genesis_block();
    load.genesis.alloc.clear();
    let start = resident();
    let database = RedbDatabase::open(folder.path(), CACHE).unwrap();
    let mut engine =
        EmbeddedEngine::open(database, &genesis, Load::rules(), EngineLimits::default()).unwrap();
    drop(genesis);
    let opened = resident();
    let line = |what: &str, now: u64| {
        println!("{what:>44} {now:>6} MiB, {:>+5} since the start", now as i64 - start as i64)
    };
    line("before the engine is opened (loads, freed heap)", start);
    line("opened", opened);
    for block in 0..BLOCKS {
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
        let txs = load.block();
        let built = engine.reads().build(attributes, &mut txs.into_iter(), &mut || false).unwrap();
        engine.adopt(&built).unwrap();
        let head = built.block().hash;
        // First nothing is final and every block stays in memory, then all of it is.
        let safe = if block + 1 == BLOCKS { head } else { B256::ZERO };
        if block + 1 == BLOCKS {
            line("64 full blocks in memory, nothing final", resident());
        }
        engine.forkchoice(Forkchoice { head, safe, finalized: B256::ZERO }).unwrap();
    }
    line("all of them final and committed", resident());
    println!("{:>44} {PER_BLOCK} ERC-20 transfers each", "a block has");
}

/// In MiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib =
        line.and_then(|line| line.trim().strip_suffix(" kB")).and_then(|kib| kib.trim().parse::<u64>().ok());
    kib.unwrap_or_default() / 1_024
}
