//! The block tree: everything above the last final block, which is its root.
//!
//! Bounded: what a certificate speaks for is kept, and at most [`MAX_CANDIDATES`] blocks beside it.
//! Blocks that do not descend from the root are dropped when it moves.

mod choice;
mod node;
#[cfg(test)]
mod tests;

pub(crate) use node::{Node, Standing, Stored};

use std::collections::{BTreeMap, BTreeSet};

use alys_primitives::{B256, Slot};

use super::{evidence::Offence, rules::EVIDENCE_WINDOW};

/// Blocks without a certificate that are kept.
pub(crate) const MAX_CANDIDATES: usize = 128;

/// The tree.
#[derive(Debug)]
pub(crate) struct Tree {
    root: B256,
    nodes: BTreeMap<B256, Node>,
    children: BTreeMap<B256, BTreeSet<B256>>,
    /// Blocks that are neither valid nor invalid, in the order of their slots.
    unsettled: BTreeSet<(Slot, B256)>,
    /// Offences proved by final blocks that a new block must not prove again.
    past_offences: BTreeSet<Offence>,
}

impl Tree {
    /// A tree of its root only. `past_offences` are those on chain up to it.
    pub(crate) fn new(root: Node, past_offences: BTreeSet<Offence>) -> Self {
        Self {
            root: root.hash,
            nodes: BTreeMap::from([(root.hash, root)]),
            children: BTreeMap::new(),
            unsettled: BTreeSet::new(),
            past_offences,
        }
    }

    pub(crate) fn get(&self, hash: B256) -> Option<&Node> {
        self.nodes.get(&hash)
    }

    pub(crate) fn contains(&self, hash: B256) -> bool {
        self.nodes.contains_key(&hash)
    }

    pub(crate) const fn root_hash(&self) -> B256 {
        self.root
    }

    /// The last final block, where the tree is whole; it always is.
    pub(crate) fn root(&self) -> Option<&Node> {
        self.nodes.get(&self.root)
    }

    pub(crate) fn root_slot(&self) -> Slot {
        self.root().map_or(0, Node::slot)
    }

    /// Puts a block in, whether its parent is here or not; false where it is there or cannot be on the
    /// final chain.
    pub(crate) fn insert(&mut self, node: Node) -> bool {
        let root = self.root().map_or((0, 0), |root| (root.header.height, root.slot()));
        if self.contains(node.hash) || node.header.height <= root.0 || node.slot() <= root.1 {
            return false;
        }
        if node.header.height == root.0 + 1 && node.header.parent != self.root {
            return false;
        }
        self.children.entry(node.header.parent).or_default().insert(node.hash);
        if !node.standing.is_settled() {
            self.unsettled.insert((node.slot(), node.hash));
        }
        self.nodes.insert(node.hash, node);
        self.drop_surplus();
        true
    }

    /// Changes a block, and keeps the list of the unsettled in step.
    pub(crate) fn update(&mut self, hash: B256, change: impl FnOnce(&mut Node)) {
        let Some(node) = self.nodes.get_mut(&hash) else { return };
        change(node);
        let key = (node.slot(), hash);
        if node.standing.is_settled() {
            self.unsettled.remove(&key);
        } else {
            self.unsettled.insert(key);
        }
    }

    /// The blocks that are neither valid nor invalid, lowest slot first.
    pub(crate) fn unsettled(&self) -> Vec<B256> {
        self.unsettled.iter().map(|(_, hash)| *hash).collect()
    }

    /// Notes that a certificate speaks for a block, and so for its ancestors. Returns the first
    /// ancestor that is not here, if one is missing.
    pub(crate) fn certify(&mut self, hash: B256) -> Option<B256> {
        let mut at = hash;
        while at != self.root {
            let Some(node) = self.nodes.get_mut(&at) else { return Some(at) };
            if let Standing::Refused { retry, .. } = &mut node.standing {
                retry.at = 0;
            }
            node.certified = true;
            at = node.header.parent;
        }
        None
    }

    /// Whether a child of a block, here before it, has a certificate or such a descendant.
    pub(crate) fn has_certified_child(&self, hash: B256) -> bool {
        let mut children = self.children.get(&hash).into_iter().flatten();
        children.any(|child| self.get(*child).is_some_and(|node| node.certified))
    }

    /// The blocks from the root (excluded) to `hash` (included), lowest first; `None` where it does
    /// not descend from the root.
    pub(crate) fn path(&self, hash: B256) -> Option<Vec<B256>> {
        let mut path = Vec::new();
        let mut at = hash;
        while at != self.root {
            path.push(at);
            at = self.nodes.get(&at)?.header.parent;
        }
        path.reverse();
        Some(path)
    }

    /// Offences that the chain up to `hash`, included, has proved.
    pub(crate) fn offences(&self, hash: B256) -> BTreeSet<Offence> {
        let mut all = self.past_offences.clone();
        for hash in self.path(hash).unwrap_or_default() {
            all.extend(self.nodes.get(&hash).into_iter().flat_map(|node| node.offences.iter().copied()));
        }
        all
    }

    /// Makes a block on the tree final: it becomes the root, and what does not descend from it goes.
    pub(crate) fn set_root(&mut self, hash: B256) {
        let Some(path) = self.path(hash) else { return };
        let slot = self.nodes.get(&hash).map_or(0, Node::slot);
        for hash in path {
            self.past_offences
                .extend(self.nodes.get(&hash).into_iter().flat_map(|n| n.offences.iter().copied()));
        }
        self.past_offences.retain(|offence| offence.slot.saturating_add(EVIDENCE_WINDOW) >= slot);
        let mut kept = BTreeSet::new();
        let mut next = vec![hash];
        while let Some(hash) = next.pop() {
            kept.insert(hash);
            next.extend(self.children.get(&hash).into_iter().flatten());
        }
        self.root = hash;
        // Orphans above the root stay: their ancestors may yet come.
        let root = self.nodes.get(&hash).map_or((0, 0), |root| (root.header.height, root.slot()));
        let orphans: Vec<B256> = self.orphans(&kept, root);
        kept.extend(orphans);
        self.keep_only(&kept);
    }

    /// Blocks above the root whose line of parents ends in a block that is not here.
    fn orphans(&self, descendants: &BTreeSet<B256>, root: (u64, Slot)) -> Vec<B256> {
        let is_orphan = |node: &Node| {
            let mut at = node;
            loop {
                if at.header.height <= root.0 + 1 || at.slot() <= root.1 {
                    return false;
                }
                match self.nodes.get(&at.header.parent) {
                    Some(parent) => at = parent,
                    None => return true,
                }
            }
        };
        let rest = self.nodes.values().filter(|node| !descendants.contains(&node.hash));
        rest.filter(|node| is_orphan(node)).map(|node| node.hash).collect()
    }

    fn keep_only(&mut self, kept: &BTreeSet<B256>) {
        self.nodes.retain(|hash, _| kept.contains(hash));
        self.unsettled.retain(|(_, hash)| kept.contains(hash));
        for children in self.children.values_mut() {
            children.retain(|hash| kept.contains(hash));
        }
        self.children.retain(|_, children| !children.is_empty());
    }

    /// Drops the candidates of the lowest slots where there are too many.
    fn drop_surplus(&mut self) {
        let is_candidate = |node: &&Node| !node.certified && node.hash != self.root;
        let mut candidates: Vec<_> =
            self.nodes.values().filter(is_candidate).map(|node| (node.slot(), node.hash)).collect();
        if candidates.len() <= MAX_CANDIDATES {
            return;
        }
        candidates.sort_unstable();
        let surplus = candidates.len() - MAX_CANDIDATES;
        let dropped: BTreeSet<B256> = candidates.into_iter().take(surplus).map(|(_, hash)| hash).collect();
        let kept = self.nodes.keys().filter(|hash| !dropped.contains(*hash)).copied().collect();
        self.keep_only(&kept);
    }

    /// After the engine lost what it had executed beside `head`'s chain: those blocks have to be
    /// executed again before anything can be built on them.
    pub(crate) fn forget_executions_beside(&mut self, head: B256) {
        let path: BTreeSet<B256> = self.path(head).unwrap_or_default().into_iter().collect();
        let all = self.nodes.keys().copied();
        let beside: Vec<B256> = all.filter(|hash| *hash != self.root && !path.contains(hash)).collect();
        for hash in beside {
            self.update(hash, |node| {
                if let Standing::Valid { peg, .. } = &node.standing
                    && node.proposal.is_some()
                {
                    node.standing = Standing::Checked { peg: peg.clone(), retry: Default::default() };
                }
            });
        }
    }
}
