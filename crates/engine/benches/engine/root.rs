//! The state root against the accounts touched.

use std::time::{Duration, Instant};

use alloy_primitives::{U256, keccak256};
use alloy_trie::TrieAccount;
use alloy_trie::root::state_root;
use alys_database::RedbDatabase;
use alys_engine::state::{AccountChange, Basics, StateChanges, StateView, seal_overlay};
use alys_engine::{BlockId, EmbeddedEngine, EngineLimits};

use crate::load::{Kind, Load};

const ACCOUNTS: usize = 100_000;
const ROUNDS: usize = 9;

pub(crate) fn measure() {
    let load = Load::new(Kind::Transfer, ACCOUNTS);
    let folder = tempfile::tempdir().unwrap();
    let database = RedbDatabase::open(folder.path(), 256 << 20).unwrap();
    let genesis = load.genesis_block();
    let engine = EmbeddedEngine::open(database, &genesis, Load::rules(), EngineLimits::default()).unwrap();
    let view = engine.reads().state(BlockId::Head).unwrap();
    let addresses: Vec<_> = load.genesis.alloc.keys().copied().collect();
    let hashed: Vec<_> = addresses.iter().map(keccak256).collect();
    let mut full: Vec<(_, TrieAccount)> =
        hashed.iter().map(|hash| (*hash, view.hashed_account(hash).unwrap().unwrap())).collect();
    full.sort_by_key(|(hash, _)| *hash);
    let rebuild = median(|_| {
        let start = Instant::now();
        assert_eq!(state_root(full.iter().copied()), genesis.header().state_root);
        start.elapsed()
    });
    println!("{:>8} {:>12} {:>14} {:>14} {:>16}", "touched", "time", "per account", "nodes", "rebuild / it");
    for touched in [1, 10, 100, 1_000, 10_000] {
        let mut nodes = 0;
        let time = median(|round| {
            let changes = changes(&view, &hashed, touched, round);
            let start = Instant::now();
            let (_, overlay) = seal_overlay(&view, changes).unwrap();
            let time = start.elapsed();
            nodes = overlay.nodes.len();
            time
        });
        let each = time / u32::try_from(touched).unwrap();
        let ratio = rebuild.as_secs_f64() / time.as_secs_f64();
        println!("{touched:>8} {time:>12.1?} {each:>14.1?} {nodes:>14} {ratio:>16.1}");
    }
    println!("{:>8} {rebuild:>12.1?}", "rebuild");
}

/// Another balance for `touched` accounts all over the trie.
fn changes(
    view: &StateView,
    hashed: &[alloy_primitives::B256],
    touched: usize,
    round: usize,
) -> StateChanges {
    let mut changes = StateChanges::default();
    let step = hashed.len() / touched;
    for hash in hashed.iter().skip(round % step.max(1)).step_by(step).take(touched) {
        let before = view.hashed_account(hash).unwrap();
        let basics = before.map(|account| Basics {
            nonce: account.nonce,
            balance: account.balance + U256::from(round + 1),
            code_hash: account.code_hash,
        });
        changes.accounts.insert(*hash, AccountChange { before, basics, ..AccountChange::default() });
    }
    changes
}

fn median(mut run: impl FnMut(usize) -> Duration) -> Duration {
    let mut times: Vec<_> = (0..ROUNDS).map(&mut run).collect();
    times.sort();
    times[ROUNDS / 2]
}
