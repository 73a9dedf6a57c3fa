//! The tree over random insertions and moves of its root.

use std::sync::Arc;

use alloy_primitives::FixedBytes;
use alys_primitives::{B256, Block, Header, SignedProposal, Slot, spec::DevelopmentChain};
use proptest::prelude::*;

use super::*;

fn block() -> Block {
    let chain = DevelopmentChain {
        name: "tree".to_owned(),
        chain_id: 1,
        genesis_ms: 0,
        slot_seconds: 2,
        gas_limit: 30_000_000,
        members: Vec::new(),
        commitment: Vec::new(),
        funded: BTreeMap::new(),
    };
    chain.spec().genesis().block
}

/// A block with no more than a place; `salt` sets rivals apart.
fn node(template: &Block, parent: (B256, u64), slot: Slot, salt: u8) -> Node {
    let header =
        Header { parent: parent.0, height: parent.1 + 1, slot, epoch: u64::from(salt), ..Header::default() };
    let block = Block { header, ..template.clone() };
    let hash = block.hash();
    Node::new(hash, Arc::new(SignedProposal { block, signature: FixedBytes::ZERO }))
}

fn tree(template: &Block) -> Tree {
    let hash = template.hash();
    let genesis = SignedProposal { block: template.clone(), signature: FixedBytes::ZERO };
    Tree::new(Node::new(hash, Arc::new(genesis)), BTreeSet::new())
}

#[test]
fn candidates_are_bounded_and_what_a_certificate_speaks_for_is_kept() {
    let template = block();
    let mut tree = tree(&template);
    let root = (template.hash(), 0);
    let certified = node(&template, root, 1, 9).hash;
    tree.insert(node(&template, root, 1, 9));
    assert_eq!(tree.certify(certified), None);
    for slot in 2..=(2 * MAX_CANDIDATES as u64) {
        tree.insert(node(&template, root, slot, 0));
    }
    assert!(tree.contains(certified));
    assert_eq!(tree.nodes.len(), MAX_CANDIDATES + 2);
    let newest = node(&template, root, 2 * MAX_CANDIDATES as u64, 0).hash;
    assert!(tree.contains(newest), "the lowest slots go first");
    assert_eq!(tree.unsettled().len(), MAX_CANDIDATES + 1);
}

#[test]
fn a_block_beside_the_final_chain_is_not_taken() {
    let template = block();
    let mut tree = tree(&template);
    let root = (template.hash(), 0);
    let (first, rival) = (node(&template, root, 1, 0), node(&template, root, 2, 0));
    let (first_hash, rival_hash) = (first.hash, rival.hash);
    assert!(tree.insert(first) && tree.insert(rival));
    tree.set_root(first_hash);
    assert!(!tree.contains(rival_hash));
    assert!(!tree.insert(node(&template, (rival_hash, 1), 3, 0)));
    assert!(!tree.insert(node(&template, root, 4, 0)));
    assert!(tree.insert(node(&template, (first_hash, 1), 5, 0)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// After any insertions, in any order, and any moves of the root: every block but orphans descends from
    /// the root, a path has rising slots and heights without a gap, and the lists agree with the blocks.
    #[test]
    fn whatever_comes_all_blocks_descend_from_the_root_and_paths_have_no_gap(
        parents in prop::collection::vec((any::<prop::sample::Index>(), 1u64..4), 1..40),
        order in any::<u64>(),
        finals in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let template = block();
        let mut made = vec![(template.hash(), 0u64, 0u64)];
        let mut blocks = Vec::new();
        for (salt, (parent, gap)) in parents.into_iter().enumerate() {
            let (hash, height, slot) = *parent.get(&made);
            let child = node(&template, (hash, height), slot + gap, salt as u8);
            made.push((child.hash, height + 1, slot + gap));
            blocks.push(child);
        }
        // Some order that the seed decides.
        blocks.sort_by_key(|block| block.hash.0[(order % 32) as usize]);
        let mut tree = tree(&template);
        for block in blocks {
            tree.insert(block);
        }
        for index in finals {
            let hash = index.get(&made).0;
            if tree.path(hash).is_some() {
                tree.set_root(hash);
            }
            prop_assert!(tree.root().is_some());
        }
        for (hash, block) in &tree.nodes {
            prop_assert!(*hash == tree.root || block.slot() > tree.root_slot());
            if let Some(path) = tree.path(*hash) {
                let line = path.iter().filter_map(|hash| tree.get(*hash));
                let mut last = tree.root().map_or((0, 0), |root| (root.header.height, root.slot()));
                for node in line {
                    prop_assert!(node.header.height == last.0 + 1 && node.slot() > last.1);
                    last = (node.header.height, node.slot());
                }
            }
        }
        for hash in tree.unsettled() {
            prop_assert!(tree.contains(hash));
        }
        for hash in tree.children.values().flatten() {
            prop_assert!(tree.contains(*hash));
        }
    }
}
