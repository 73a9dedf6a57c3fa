//! Old states, from anywhere in reach.

use std::collections::BTreeMap;

use alloy_primitives::{B256, U256, keccak256};
use alloy_trie::Nibbles;
use alloy_trie::proof::verify_proof;
use alys_database::MemoryDisk;
use alys_engine::{BlockId, EngineLimits, Forkchoice, StateError};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::common::{Engine, STORE, Send, build, genesis_with, import, open_on, signer};
use crate::random::{Known, random_block};

/// An account's balance and nonce, and its slots.
type Seen = (Option<(U256, u64)>, Vec<U256>);

/// Every value that a state shows, for a known set of keys.
fn values(engine: &Engine, known: &Known, id: BlockId) -> Vec<Seen> {
    let view = engine.reads().state(id).unwrap();
    let of = |address| {
        let account = view.account(address).unwrap().map(|account| (account.balance, account.nonce));
        let slots = known.slots.iter().map(|slot| view.storage(address, *slot).unwrap()).collect();
        (account, slots)
    };
    known.accounts.iter().map(|address| of(*address)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(25))]

    #[test]
    fn every_block_in_reach_reads_as_it_did_when_it_was_the_head(
        seed in any::<u64>(),
        window in 1u64..12,
        history in 1u64..20,
    ) {
        let genesis = genesis_with(6, false);
        let limits =
            EngineLimits { window, history: Some(history), proofs: 64, ..EngineLimits::default() };
        let disk = MemoryDisk::new();
        let mut engine = open_on(&disk, &genesis, &limits);
        let (mut known, mut rng) = (Known::new(), ChaCha8Rng::seed_from_u64(seed));
        let mut blocks = Vec::new();
        for _ in 0..30 {
            let built = random_block(&engine, engine.head().hash, &mut known, &mut rng);
            import(&mut engine, &built);
            let head = built.block().hash;
            let final_height = built.block().header.number.saturating_sub(rng.random_range(0..8));
            engine.forkchoice(Forkchoice { head, ..Forkchoice::default() }).unwrap();
            let safe = engine.reads().canonical_hash(final_height).unwrap().unwrap();
            engine.forkchoice(Forkchoice { head, safe, finalized: B256::ZERO }).unwrap();
            blocks.push(built);
        }
        // The model: the same blocks on an engine that keeps everything in memory.
        let all = EngineLimits { window: 1_000, ..EngineLimits::default() };
        let mut model = open_on(&MemoryDisk::new(), &genesis, &all);
        for built in &blocks {
            import(&mut model, built);
        }
        let oldest = engine.reads().oldest_state();
        let base = engine.reads().base().number;
        // At least what was asked for; what one commit takes at once is pruned with a later one.
        prop_assert!(base.saturating_sub(oldest) >= history.min(base));
        prop_assert!(base.saturating_sub(oldest) <= history + 12);
        for built in &blocks {
            let height = built.block().header.number;
            if height < oldest {
                let asked = engine.reads().state(BlockId::Number(height));
                let pruned = matches!(asked, Err(StateError::Pruned { oldest: at, .. }) if at == oldest);
                prop_assert!(pruned);
                continue;
            }
            let wanted = values(&model, &known, BlockId::Hash(built.block().hash));
            prop_assert_eq!(values(&engine, &known, BlockId::Number(height)), wanted);
        }
        // And the same again after a restart, up to the base.
        drop(engine);
        let engine = open_on(&disk, &genesis, &limits);
        for built in &blocks[..base as usize] {
            let height = built.block().header.number;
            if height >= oldest {
                let wanted = values(&model, &known, BlockId::Hash(built.block().hash));
                prop_assert_eq!(values(&engine, &known, BlockId::Number(height)), wanted);
            }
        }
    }
}

fn verify(engine: &Engine, height: u64, slots: &[U256]) {
    let root = engine.reads().block(BlockId::Number(height)).unwrap().unwrap().header.state_root;
    let view = engine.reads().state(BlockId::Number(height)).unwrap();
    for address in [STORE, signer(0).address(), signer(77).address()] {
        let proof = view.proof(address, slots).unwrap();
        let key = Nibbles::unpack(keccak256(address));
        verify_proof(root, key, proof.account.map(alloy_rlp::encode), &proof.nodes).unwrap();
        let Some(account) = proof.account else { continue };
        for slot in proof.slots {
            let key = Nibbles::unpack(keccak256(slot.slot.to_be_bytes::<32>()));
            let value = (!slot.value.is_zero()).then(|| alloy_rlp::encode(slot.value));
            verify_proof(account.storage_root, key, value, &slot.nodes).unwrap();
        }
    }
}

#[test]
fn proofs_verify_above_and_below_the_base_and_say_so_when_out_of_reach() {
    let genesis = genesis_with(2, true);
    let limits = EngineLimits { window: 3, history: None, proofs: 5, ..EngineLimits::default() };
    let disk = MemoryDisk::new();
    let mut engine = open_on(&disk, &genesis, &limits);
    let slots: Vec<_> = (0..4).map(U256::from).collect();
    for nonce in 0..20u64 {
        let tx = Send::store(0, nonce, STORE, nonce % 4, nonce % 3).sign();
        let built = build(&engine, engine.head().hash, vec![tx]);
        import(&mut engine, &built);
        engine.forkchoice(Forkchoice { head: built.block().hash, ..Forkchoice::default() }).unwrap();
    }
    assert_eq!(engine.reads().base().number, 17);
    for height in 12..=20 {
        verify(&engine, height, &slots);
    }
    let old = engine.reads().state(BlockId::Number(11)).unwrap();
    let refused = old.proof(STORE, &[]).unwrap_err();
    assert!(matches!(refused, StateError::ProofOutOfReach { asked: 11, oldest: 12 }), "{refused}");
    assert!(old.storage(STORE, U256::ZERO).is_ok(), "flat values reach further");
    drop((engine, old));
    let engine = open_on(&disk, &genesis, &limits);
    for height in 12..=17 {
        verify(&engine, height, &slots);
    }
}

#[test]
fn a_view_keeps_its_moment_while_the_base_moves_past_it() {
    let genesis = genesis_with(1, true);
    let limits = EngineLimits { history: Some(1), ..EngineLimits::default() };
    let mut engine = open_on(&MemoryDisk::new(), &genesis, &limits);
    let mut views = BTreeMap::new();
    for nonce in 0..10u64 {
        let built =
            build(&engine, engine.head().hash, vec![Send::store(0, nonce, STORE, 3, nonce + 1).sign()]);
        import(&mut engine, &built);
        let head = built.block().hash;
        engine.forkchoice(Forkchoice { head, safe: head, finalized: head }).unwrap();
        views.insert(nonce + 1, engine.reads().state(BlockId::Head).unwrap());
    }
    for (value, view) in views {
        assert_eq!(view.storage(STORE, U256::from(3)).unwrap(), U256::from(value));
    }
}
