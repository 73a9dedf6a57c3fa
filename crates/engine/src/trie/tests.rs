//! The trie against alloy-trie's rebuild from scratch.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::HashBuilder;
use alloy_trie::proof::verify_proof;
use nybbles::Nibbles;
use proptest::prelude::*;

use super::{Leaf, NodeSource, prove, update};
use crate::error::StateError;

#[derive(Default)]
struct Nodes(BTreeMap<Nibbles, Bytes>);

impl NodeSource for Nodes {
    fn node(&self, path: &Nibbles) -> Result<Option<Bytes>, StateError> {
        Ok(self.0.get(path).cloned())
    }

    fn owner(&self) -> Option<B256> {
        None
    }
}

impl Nodes {
    fn apply(&mut self, leaves: &[Leaf]) -> B256 {
        let done = update(self, leaves).unwrap();
        for (path, change) in done.nodes {
            assert_eq!(self.0.get(&path), change.before.as_ref(), "the value before is the stored one");
            match change.after {
                Some(rlp) => self.0.insert(path, rlp),
                None => self.0.remove(&path),
            };
        }
        done.root
    }
}

fn rebuilt(model: &BTreeMap<Nibbles, Vec<u8>>) -> B256 {
    let mut builder = HashBuilder::default();
    for (path, value) in model {
        builder.add_leaf(*path, value);
    }
    builder.root()
}

fn leaves(model: &BTreeMap<Nibbles, Vec<u8>>) -> Vec<Leaf> {
    model.iter().map(|(path, value)| (*path, Some(value.clone()))).collect()
}

/// Keys of one length: short ones make nodes that are inlined, hashed ones are what is used.
fn key(length: usize, index: u32) -> Nibbles {
    if length == 32 {
        return Nibbles::unpack(keccak256(index.to_be_bytes()));
    }
    Nibbles::unpack(&index.to_be_bytes()[4 - length..])
}

/// What one batch does to the keys with these indexes.
type Changes = BTreeMap<u32, Option<Vec<u8>>>;

fn batches() -> impl Strategy<Value = (usize, Vec<Changes>)> {
    let value = prop_oneof![Just(1usize), Just(3), Just(31), Just(33), Just(70)]
        .prop_flat_map(|length| prop::collection::vec(1u8.., length));
    let length = prop_oneof![Just(1usize), Just(2), Just(3), Just(32)];
    let space = prop_oneof![Just(4u32), Just(20), Just(200), Just(2000)];
    (length, space).prop_flat_map(move |(length, space)| {
        let space = if length == 1 { space.min(256) } else { space };
        let batch = prop::collection::btree_map(0..space, prop::option::weighted(0.6, value.clone()), 0..40);
        (Just(length), prop::collection::vec(batch, 1..12))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_batches_give_the_root_of_a_rebuild_and_leave_no_garbage((length, batches) in batches()) {
        let mut nodes = Nodes::default();
        let mut model = BTreeMap::new();
        for batch in batches {
            let batch: BTreeMap<_, _> =
                batch.into_iter().map(|(index, value)| (key(length, index), value)).collect();
            for (path, value) in &batch {
                match value {
                    Some(value) => model.insert(*path, value.clone()),
                    None => model.remove(path),
                };
            }
            let batch: Vec<_> = batch.into_iter().collect();
            prop_assert_eq!(nodes.apply(&batch), rebuilt(&model));
        }
        let mut fresh = Nodes::default();
        fresh.apply(&leaves(&model));
        prop_assert_eq!(nodes.0, fresh.0);
    }
}

#[test]
fn proofs_of_presence_and_absence_verify_with_alloy() {
    let model: BTreeMap<_, _> = (0u32..500).map(|i| (key(32, i), vec![1 + (i % 200) as u8; 40])).collect();
    let mut nodes = Nodes::default();
    let root = nodes.apply(&leaves(&model));
    for index in 0u32..600 {
        let hash = keccak256(index.to_be_bytes());
        let path = Nibbles::unpack(hash);
        let proof = prove(&nodes, hash).unwrap();
        verify_proof(root, path, model.get(&path).cloned(), &proof).unwrap();
    }
}

#[test]
fn a_hole_in_the_stored_trie_is_an_error_with_its_place() {
    let model: BTreeMap<_, _> = (0u32..50).map(|i| (key(32, i), vec![7; 40])).collect();
    let mut nodes = Nodes::default();
    nodes.apply(&leaves(&model));
    let (path, _) = nodes.0.iter().find(|(path, _)| path.len() == 1).map(|(p, n)| (*p, n.clone())).unwrap();
    nodes.0.remove(&path);
    let below = model.keys().find(|key| key.starts_with(&path)).unwrap();
    let error = update(&nodes, &[(*below, None)]).unwrap_err();
    assert!(matches!(error, StateError::MissingNode { path: hole, .. } if hole == path), "{error}");
}

proptest! {
    #[test]
    fn any_bytes_as_a_node_are_an_error_not_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut nodes = Nodes::default();
        nodes.0.insert(Nibbles::new(), Bytes::from(bytes));
        let _ = update(&nodes, &[(key(32, 1), Some(vec![1; 40]))]);
        let _ = prove(&nodes, keccak256([1]));
    }
}
