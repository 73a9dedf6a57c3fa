//! Random chains: every block's state root equals a rebuild from scratch, whatever came before.

use alloy_primitives::{Address, B256, U256};
use alys_database::{MemoryDisk, Reader, RedbDatabase, Snapshots};
use alys_engine::{BlockId, BuiltPayload, EmbeddedEngine, EngineLimits, Forkchoice, GenesisBlock, StateView};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::common::{
    Engine, FEE_SINK, STORE, Send, build_with, deploy_and_destroy, deploy_store, finalize, genesis_with,
    import, open_on, rebuilt_root, rules, set_head, signer, withdrawal,
};

const KEYS: u64 = 6;
const SLOTS: u64 = 8;

/// What a random chain can touch: the rebuild reads these, and nothing else may exist.
pub(crate) struct Known {
    pub(crate) accounts: Vec<Address>,
    pub(crate) slots: Vec<U256>,
}

impl Known {
    pub(crate) fn new() -> Self {
        let mut accounts = vec![FEE_SINK, STORE, crate::common::REVERTER, crate::common::LOADER];
        // Keys beyond the funded ones only ever receive.
        accounts.extend((0..KEYS * 2).map(|key| signer(key).address()));
        Self { accounts, slots: (0..SLOTS).map(U256::from).collect() }
    }

    /// A contract may be made again, on another branch.
    fn add(&mut self, address: Address) {
        if !self.accounts.contains(&address) {
            self.accounts.push(address);
        }
    }

    pub(crate) fn root(&self, view: &StateView) -> B256 {
        rebuilt_root(view, &self.accounts, &self.slots)
    }
}

/// A random block on `parent`; contracts it makes are added to `known`.
pub(crate) fn random_block<D: Snapshots>(
    engine: &EmbeddedEngine<D>,
    parent: B256,
    known: &mut Known,
    rng: &mut ChaCha8Rng,
) -> BuiltPayload {
    let view = engine.reads().state(BlockId::Hash(parent)).unwrap();
    let mut txs = Vec::new();
    for from in 0..KEYS {
        let account = view.account(signer(from).address()).unwrap();
        let first = account.map_or(0, |account| account.nonce);
        let count = [0, 0, 1, 1, 2][rng.random_range(0..5)];
        txs.extend((first..first + count).map(|nonce| random_transaction(from, nonce, known, rng).sign()));
        if txs.len() >= 3 {
            break;
        }
    }
    let paid = match rng.random_range(0..3) {
        0 => vec![withdrawal(0, signer(rng.random_range(0..KEYS * 2)).address(), rng.random_range(0..9))],
        _ => Vec::new(),
    };
    build_with(engine, parent, txs, paid)
}

fn random_transaction(from: u64, nonce: u64, known: &mut Known, rng: &mut ChaCha8Rng) -> Send {
    let store = |rng: &mut ChaCha8Rng, contract| {
        let value = [0, 0, 1, 2, u64::MAX][rng.random_range(0..5)];
        Send::store(from, nonce, contract, rng.random_range(0..SLOTS), value)
    };
    match rng.random_range(0..20) {
        // Bounded, so that ten thousand rebuilds stay cheap.
        0 if known.accounts.len() < 60 => {
            known.add(signer(from).address().create(nonce));
            Send::create(from, nonce, deploy_store())
        }
        1 => Send::create(from, nonce, deploy_and_destroy()),
        2 => Send { value: U256::from(1), ..Send::create(from, nonce, deploy_and_destroy()) },
        3..13 => {
            // The store contracts, of which those made here sit behind the accounts known first.
            let made = known.accounts.len() as u64 - (4 + KEYS * 2);
            match rng.random_range(0..=made) {
                0 => store(rng, STORE),
                at => store(rng, known.accounts[(3 + KEYS * 2 + at) as usize]),
            }
        }
        13 => Send { gas: 40_000, ..store(rng, STORE) },
        _ => {
            let to = signer(rng.random_range(0..KEYS * 2)).address();
            Send::transfer(from, nonce, to, rng.random_range(0..1_000))
        }
    }
}

#[test]
fn state_roots_equal_a_full_rebuild_after_each_of_10_000_random_blocks_with_reorgs_and_restarts() {
    let blocks: u64 = std::env::var("ALYS_RANDOM_BLOCKS").map_or(10_000, |count| count.parse().unwrap());
    let genesis = genesis_with(KEYS, false);
    let disk = MemoryDisk::new();
    let limits = EngineLimits { window: 12, history: Some(30), proofs: 8, ..EngineLimits::default() };
    let mut engine = open_on(&disk, &genesis, &limits);
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut known = Known::new();
    let (mut reorgs, mut restarts, mut rollbacks) = (0, 0, 0);
    for _ in 0..blocks {
        let reads = engine.reads();
        let (base, head) = (reads.base().number, reads.head().number);
        let parent = match rng.random_range(0..10) {
            // A fork from any block that is not final.
            0 => reads.canonical_hash(rng.random_range(base..=head)).unwrap().unwrap(),
            _ => reads.head().hash,
        };
        reorgs += u64::from(parent != reads.head().hash);
        let built = random_block(&engine, parent, &mut known, &mut rng);
        if rng.random_range(0..2) == 0 {
            engine.adopt(&built).unwrap();
        } else {
            import(&mut engine, &built);
        }
        let hash = built.block().hash;
        let rebuilt = known.root(&engine.reads().state(BlockId::Hash(hash)).unwrap());
        assert_eq!(built.block().header.state_root, rebuilt, "block {:?}", built.block().reference());
        let final_height = built.block().header.number.saturating_sub(rng.random_range(0..20));
        engine.forkchoice(Forkchoice { head: hash, ..Forkchoice::default() }).unwrap();
        if let Some(safe) = engine.reads().canonical_hash(final_height).unwrap() {
            engine.forkchoice(Forkchoice { head: hash, safe, finalized: B256::ZERO }).unwrap();
        }
        match rng.random_range(0..200) {
            0 | 1 => {
                drop((reads, engine));
                engine = open_on(&disk, &genesis, &limits);
                restarts += 1;
            }
            2 => {
                let base = engine.reads().base().number;
                let to = rng.random_range(engine.reads().oldest_state()..=base);
                let target = engine.reads().canonical_hash(to).unwrap().unwrap();
                engine.rollback_to(target).unwrap();
                rollbacks += 1;
            }
            _ => continue,
        }
        let state = engine.reads().state(BlockId::Head).unwrap();
        let head = engine.reads().block(BlockId::Head).unwrap().unwrap();
        assert_eq!(known.root(&state), head.header.state_root, "after a restart or a rollback");
    }
    println!("{blocks} blocks, {reorgs} reorgs, {restarts} restarts, {rollbacks} rollbacks");
    assert!(blocks < 1_000 || (reorgs > 50 && restarts > 5 && rollbacks > 2));
    assert_nothing_is_left_over(&engine, &disk, &limits);
}

/// The database holds no more than one that was filled straight from the same blocks would.
fn assert_nothing_is_left_over(engine: &Engine, disk: &MemoryDisk, limits: &EngineLimits) {
    let base = engine.reads().base().number;
    let range = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
    let entries = engine.database().scan(range, alys_database::Order::Ascending, usize::MAX).unwrap();
    let heights = |table: u8| -> Vec<u64> {
        let of = entries.iter().filter(|(key, _)| key[0] == table);
        of.map(|(key, _)| u64::from_be_bytes(key[key.len() - 8..].try_into().unwrap())).collect()
    };
    let oldest = engine.reads().oldest_state();
    // What one commit takes at once is pruned with a later one.
    assert!(base - oldest <= limits.history.unwrap() + 20);
    for history in [6, 7, 8] {
        let heights = heights(history);
        assert!(heights.iter().all(|height| (oldest + 1..=base).contains(height)), "table {history}");
    }
    assert!(heights(9).iter().all(|height| *height > base - limits.proofs && *height <= base));
    assert_eq!(heights(10).len() as u64, base + 1, "one canonical hash for each height");
    assert!(disk.commits() > 0);
}

#[test]
fn redb_gives_back_after_reopening_what_was_final() {
    let folder = tempfile::tempdir().unwrap();
    let genesis = GenesisBlock::new(&genesis_with(KEYS, true), &rules()).unwrap();
    let open = || {
        let database = RedbDatabase::open(folder.path(), 16 << 20).unwrap();
        EmbeddedEngine::open(database, &genesis, rules(), EngineLimits::default()).unwrap()
    };
    let (mut known, mut rng) = (Known::new(), ChaCha8Rng::seed_from_u64(11));
    let mut engine = open();
    for round in 0..60 {
        let built = random_block(&engine, engine.head().hash, &mut known, &mut rng);
        import(&mut engine, &built);
        let head = built.block().reference();
        if round % 7 < 5 {
            finalize(&mut engine, head.hash);
        } else {
            set_head(&mut engine, head.hash);
        }
        if round % 7 == 4 {
            let values = |engine: &EmbeddedEngine<RedbDatabase>| {
                let state = engine.reads().state(BlockId::Head).unwrap();
                let proof = state.proof(STORE, &known.slots).unwrap();
                let accounts = known.accounts.iter().map(|address| state.account(*address).unwrap());
                (proof, accounts.collect::<Vec<_>>())
            };
            let before = values(&engine);
            drop(engine);
            engine = open();
            assert_eq!(engine.head(), head);
            assert_eq!(values(&engine), before);
        }
    }
}
