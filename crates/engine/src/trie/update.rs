//! Changing many keys of a trie at once.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use nybbles::Nibbles;

use super::node::{Child, Children, Node};
use super::{Leaf, NodeSource};
use crate::error::StateError;
use crate::state::Change;

/// What an update did to one trie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrieUpdate {
    /// The new root hash.
    pub root: B256,
    /// Every stored node that changed: its RLP before and after, `None` where there is none.
    pub nodes: BTreeMap<Nibbles, Change<Option<Bytes>>>,
}

/// Applies `leaves` to the trie that `source` holds.
///
/// `leaves` must be sorted by path, each path once. Nothing is written.
///
/// # Errors
/// [`StateError::MissingNode`] or [`StateError::BadNode`] where the stored trie has a hole or
/// damage; whatever `source` reports.
pub fn update<S: NodeSource>(source: &S, leaves: &[Leaf]) -> Result<TrieUpdate, StateError> {
    let mut batch = Batch { source, nodes: BTreeMap::new() };
    let mut path = Nibbles::new();
    let root = match source.node(&path)? {
        Some(rlp) => Some(batch.take(&path, rlp)?),
        None => None,
    };
    let root = match batch.change(&mut path, root, leaves)? {
        None => EMPTY_ROOT_HASH,
        Some(mut node) => {
            batch.settle_children(&mut path, &mut node);
            let rlp = node.encode();
            let hash = keccak256(&rlp);
            // The root is stored whatever its length: nobody holds a reference to it.
            batch.put(path, rlp);
            hash
        }
    };
    batch.nodes.retain(|_, change| change.before != change.after);
    Ok(TrieUpdate { root, nodes: batch.nodes })
}

struct Batch<'a, S> {
    source: &'a S,
    nodes: BTreeMap<Nibbles, Change<Option<Bytes>>>,
}

impl<S: NodeSource> Batch<'_, S> {
    /// Decodes a stored node and takes it out of the store; it is put back when it is encoded.
    fn take(&mut self, path: &Nibbles, rlp: Bytes) -> Result<Node, StateError> {
        let node = Node::decode(&rlp).map_err(|reason| self.damaged(path, reason))?;
        self.nodes.insert(*path, Change { before: Some(rlp), after: None });
        Ok(node)
    }

    fn put(&mut self, path: Nibbles, rlp: Bytes) {
        // What was there before was taken out by this batch, or nothing was there.
        self.nodes.entry(path).or_insert(Change { before: None, after: None }).after = Some(rlp);
    }

    fn damaged(&self, path: &Nibbles, reason: &'static str) -> StateError {
        StateError::BadNode { owner: self.source.owner(), path: *path, reason }
    }

    fn open(&mut self, path: &Nibbles, child: Child) -> Result<Option<Node>, StateError> {
        match child {
            Child::Empty => Ok(None),
            Child::Live(node) => Ok(Some(*node)),
            Child::Inline(rlp) => Node::decode(&rlp).map(Some).map_err(|reason| self.damaged(path, reason)),
            Child::Hash(hash) => {
                let rlp = self.source.node(path)?.ok_or(StateError::MissingNode {
                    owner: self.source.owner(),
                    path: *path,
                    hash,
                })?;
                self.take(path, rlp).map(Some)
            }
        }
    }

    /// The node at `path` after `leaves`, all of which start with `path`.
    fn change(
        &mut self,
        path: &mut Nibbles,
        node: Option<Node>,
        leaves: &[Leaf],
    ) -> Result<Option<Node>, StateError> {
        if leaves.is_empty() {
            return Ok(node);
        }
        match node {
            None => self.insert(path, leaves),
            Some(Node::Leaf(rest, value)) => self.change_leaf(path, rest, value, leaves),
            Some(Node::Extension(rest, child)) => self.change_extension(path, rest, child, leaves),
            Some(Node::Branch(children)) => self.change_branch(path, children, leaves),
        }
    }

    /// Builds a sub-trie where there is none.
    fn insert(&mut self, path: &mut Nibbles, leaves: &[Leaf]) -> Result<Option<Node>, StateError> {
        let depth = path.len();
        let mut inserted = leaves.iter().filter(|(_, value)| value.is_some());
        let (Some((first, value)), last) = (inserted.next(), inserted.next_back()) else {
            return Ok(None);
        };
        let Some((last, _)) = last else {
            let value = value.clone().unwrap_or_default();
            return Ok(Some(Node::Leaf(first.slice(depth..), value)));
        };
        let shared = first.slice(depth..);
        let shared = shared.slice(..shared.common_prefix_length(&last.slice(depth..)));
        // Deletions of what is not there say nothing about where the insertions part.
        let within = |leaf: &Leaf| leaf.0.slice(depth..).starts_with(&shared);
        let from = leaves.partition_point(|leaf| leaf.0 < *first);
        let to = leaves.partition_point(|leaf| leaf.0 <= *last);
        let leaves = &leaves[from..to];
        debug_assert!(leaves.iter().all(within));
        path.extend(&shared);
        let branch = self.change_branch(path, Box::default(), leaves);
        path.truncate(depth);
        Ok(branch?.map(|node| prepend(shared, node)))
    }

    fn change_leaf(
        &mut self,
        path: &mut Nibbles,
        rest: Nibbles,
        value: Vec<u8>,
        leaves: &[Leaf],
    ) -> Result<Option<Node>, StateError> {
        let key = path.join(&rest);
        match leaves.binary_search_by(|(leaf, _)| leaf.cmp(&key)) {
            Ok(_) => self.insert(path, leaves),
            Err(at) => {
                let mut all = Vec::with_capacity(leaves.len() + 1);
                all.extend_from_slice(&leaves[..at]);
                all.push((key, Some(value)));
                all.extend_from_slice(&leaves[at..]);
                self.insert(path, &all)
            }
        }
    }

    fn change_extension(
        &mut self,
        path: &mut Nibbles,
        rest: Nibbles,
        child: Child,
        leaves: &[Leaf],
    ) -> Result<Option<Node>, StateError> {
        let depth = path.len();
        // Sorted leaves part from `rest` earliest at one of their ends.
        let shared = leaves
            .first()
            .into_iter()
            .chain(leaves.last())
            .map(|(leaf, _)| leaf.slice(depth..).common_prefix_length(&rest))
            .min()
            .unwrap_or_default();
        if shared == rest.len() {
            path.extend(&rest);
            let node = self.open(path, child)?;
            let node = self.change(path, node, leaves);
            path.truncate(depth);
            return Ok(node?.map(|node| prepend(rest, node)));
        }
        let mut children: Box<Children> = Box::default();
        let below = rest.slice(shared + 1..);
        children[usize::from(rest.get_unchecked(shared))] =
            if below.is_empty() { child } else { Child::Live(Box::new(Node::Extension(below, child))) };
        let shared = rest.slice(..shared);
        path.extend(&shared);
        let branch = self.change_branch(path, children, leaves);
        path.truncate(depth);
        Ok(branch?.map(|node| prepend(shared, node)))
    }

    fn change_branch(
        &mut self,
        path: &mut Nibbles,
        mut children: Box<Children>,
        leaves: &[Leaf],
    ) -> Result<Option<Node>, StateError> {
        let depth = path.len();
        let mut rest = leaves;
        while let Some((first, _)) = rest.first() {
            let nibble = first.get_unchecked(depth);
            let count = rest.partition_point(|(leaf, _)| leaf.get_unchecked(depth) == nibble);
            let (here, after) = rest.split_at(count);
            path.push(nibble);
            let child = std::mem::take(&mut children[usize::from(nibble)]);
            let node = self.open(path, child)?;
            if let Some(node) = self.change(path, node, here)? {
                children[usize::from(nibble)] = Child::Live(Box::new(node));
            }
            path.truncate(depth);
            rest = after;
        }
        self.collapse(path, children)
    }

    /// A branch with one child left is no branch: what it leads to moves up.
    fn collapse(
        &mut self,
        path: &mut Nibbles,
        mut children: Box<Children>,
    ) -> Result<Option<Node>, StateError> {
        let mut left = (0u8..16).filter(|nibble| !children[usize::from(*nibble)].is_empty());
        match (left.next(), left.next()) {
            (None, _) => Ok(None),
            (Some(nibble), None) => {
                let child = std::mem::take(&mut children[usize::from(nibble)]);
                path.push(nibble);
                let node = self.open(path, child);
                path.pop();
                let nibble = Nibbles::from_nibbles([nibble]);
                Ok(node?.map(|node| prepend(nibble, node)))
            }
            _ => Ok(Some(Node::Branch(children))),
        }
    }

    /// Encodes all live nodes below `node` and turns them into references.
    fn settle_children(&mut self, path: &mut Nibbles, node: &mut Node) {
        match node {
            Node::Leaf(..) => {}
            Node::Extension(rest, child) => {
                let depth = path.len();
                path.extend(rest);
                self.settle(path, child);
                path.truncate(depth);
            }
            Node::Branch(children) => {
                for (nibble, child) in (0u8..).zip(children.iter_mut()) {
                    path.push(nibble);
                    self.settle(path, child);
                    path.pop();
                }
            }
        }
    }

    fn settle(&mut self, path: &mut Nibbles, child: &mut Child) {
        if let Child::Live(node) = child {
            self.settle_children(path, node);
            let rlp = node.encode();
            *child = Child::refer(&rlp);
            if let Child::Hash(_) = child {
                self.put(*path, rlp);
            }
        }
    }
}

/// The node that leads to `node` by `prefix`.
fn prepend(prefix: Nibbles, node: Node) -> Node {
    if prefix.is_empty() {
        return node;
    }
    match node {
        Node::Leaf(rest, value) => Node::Leaf(prefix.join(&rest), value),
        Node::Extension(rest, child) => Node::Extension(prefix.join(&rest), child),
        branch @ Node::Branch(_) => Node::Extension(prefix, Child::Live(Box::new(branch))),
    }
}
