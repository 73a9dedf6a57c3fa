//! The pool on a real chain with reorgs: looking only at what blocks touched is enough.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use alys_bus::{Context, Reply};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::messages::Forkchoice;
use crate::pool::AccountSource;

async fn forkchoice(client: &EmbeddedClient, head: B256, safe: B256) -> bool {
    let (reply, answer) = Reply::detached("engine");
    let ctx = Context::root(Duration::from_secs(5));
    let choice = Forkchoice { head, safe, finalized: B256::ZERO };
    client.handle(ctx, EngineMessage::ForkchoiceUpdate { choice, reply });
    answer.wait(ctx.deadline).await.is_ok()
}

/// What the pool says of every account, against the state of the head itself.
fn check(opened: &Opened) {
    let world = opened.reads.world();
    let state = world.state(&world.head.hash).unwrap();
    let following = opened.pool.lock();
    assert_eq!(following.world.head, world.head);
    let mut nonces: BTreeMap<Address, Vec<u64>> = BTreeMap::new();
    for tx in following.pool.iter() {
        nonces.entry(tx.sender()).or_default().push(tx.nonce());
    }
    for (sender, nonces) in nonces {
        let account = state.sender(sender).unwrap();
        let next = (account.nonce..).find(|nonce| !nonces.contains(nonce)).unwrap();
        assert_eq!(following.pool.next_nonce(sender).unwrap(), next);
        assert!(nonces.iter().all(|nonce| *nonce >= account.nonce), "a used nonce waits");
        let costs = following.pool.iter().filter(|tx| tx.sender() == sender).map(|tx| tx.cost());
        assert!(costs.fold(U256::ZERO, |sum, cost| sum + cost) <= account.balance);
    }
    // Nobody waits who is in the chain.
    assert!(following.pool.iter().all(|tx| world.transaction(&tx.hash()).unwrap().is_none()));
}

async fn random_chain(seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (client, opened) = open(EngineConfig { window: 6, history: 40, ..EngineConfig::default() }).await;
    let mut recent: Vec<(B256, u64)> = vec![(opened.head().hash, 0)];
    for step in 0..120u64 {
        for _ in 0..rng.random_range(0..4) {
            let from = rng.random_range(0..4u8);
            let next = opened.pool.lock().pool.next_nonce(key(from).address()).unwrap();
            let nonce = next + u64::from(rng.random_bool(0.2));
            // Most of an account now and then, so that balances matter.
            let value = if rng.random_bool(0.1) { 15_000_000_000_000_000_000 } else { 1 };
            // A refusal is fine: it is the state that is tested here.
            let _ = opened.submit(&signed(from, nonce, value, rng.random_range(1..9)));
        }
        let &(parent, number) = recent.choose(&mut rng).unwrap();
        let block = propose(&opened, rules_on(parent, number + 1, step));
        assert!(matches!(validate(&client, &block).await, PayloadVerdict::Valid(_)));
        let hash = block.payload_hash_as_given();
        recent.push((hash, number + 1));
        let head = if rng.random_bool(0.8) { hash } else { recent.choose(&mut rng).unwrap().0 };
        let safe = if rng.random_bool(0.1) { head } else { B256::ZERO };
        assert!(forkchoice(&client, head, safe).await);
        check(&opened);
        // Only what still descends from the base can be built on.
        let world = opened.reads.world();
        recent.retain(|(hash, _)| world.branch(hash).is_some());
        let lowest = recent.len().saturating_sub(6);
        recent.drain(..lowest);
        assert!(!recent.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn the_pool_agrees_with_the_heads_state_after_every_reorg() {
    for seed in 0..12 {
        random_chain(seed).await;
    }
}
