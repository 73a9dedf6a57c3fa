//! Proposals before they are in the tree: which came first in its slot, copies under check, and
//! those whose slot has not begun.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use alys_bus::protocol::network::Source;
use alys_primitives::{B256, SignedProposal, Slot, envelope::SignedHeader};

/// Slots whose first proposal is remembered.
const MAX_SLOTS: usize = 512;
/// Copies of one block that wait while one is checked.
const MAX_COPIES: usize = 4;
/// Blocks whose copies are checked at a time.
const MAX_CHECKS: usize = 64;

/// What the first sight of a signed header tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sight {
    /// The first in its slot, or the same again.
    First,
    /// The second in its slot: its proposer contradicted itself.
    Second(Box<SignedHeader>),
    /// One more after two.
    More,
}

/// The headers seen in one slot.
#[derive(Debug)]
struct Seen {
    first: SignedHeader,
    first_hash: B256,
    second_hash: Option<B256>,
}

/// A copy and who sent it.
pub(crate) type Copy = (Arc<SignedProposal>, Option<Source>);

/// Proposals on their way into the tree.
#[derive(Debug, Default)]
pub(crate) struct Proposals {
    seen: BTreeMap<Slot, Seen>,
    checking: BTreeMap<B256, VecDeque<Copy>>,
    held: BTreeMap<Slot, BTreeMap<B256, Arc<SignedProposal>>>,
}

impl Proposals {
    /// Notes a header whose envelope verified.
    pub(crate) fn see(&mut self, hash: B256, proposal: &SignedProposal) -> Sight {
        let slot = proposal.block.header.slot;
        let Some(seen) = self.seen.get_mut(&slot) else {
            let first = proposal.signed_header();
            self.seen.insert(slot, Seen { first, first_hash: hash, second_hash: None });
            while self.seen.len() > MAX_SLOTS {
                self.seen.pop_first();
            }
            return Sight::First;
        };
        if seen.first_hash == hash {
            return Sight::First;
        }
        match seen.second_hash {
            None => {
                seen.second_hash = Some(hash);
                Sight::Second(Box::new(seen.first.clone()))
            }
            Some(_) => Sight::More,
        }
    }

    /// The first proposal seen in a slot.
    pub(crate) fn first(&self, slot: Slot) -> Option<B256> {
        self.seen.get(&slot).map(|seen| seen.first_hash)
    }

    /// First proposals of the slots after `after` up to `to`.
    pub(crate) fn firsts(&self, after: Slot, to: Slot) -> impl Iterator<Item = (Slot, B256)> {
        let range = (after < to).then(|| self.seen.range(after.saturating_add(1)..=to));
        range.into_iter().flatten().map(|(slot, seen)| (*slot, seen.first_hash))
    }

    /// Begins the check of a copy; false where it must wait behind another copy, or there are too many.
    pub(crate) fn begin_check(&mut self, hash: B256, copy: Copy) -> bool {
        if let Some(waiting) = self.checking.get_mut(&hash) {
            if waiting.len() < MAX_COPIES {
                waiting.push_back(copy);
            }
            return false;
        }
        if self.checking.len() >= MAX_CHECKS {
            return false;
        }
        self.checking.insert(hash, VecDeque::new());
        true
    }

    /// A good copy was found: the others are not needed.
    pub(crate) fn end_check(&mut self, hash: B256) {
        self.checking.remove(&hash);
    }

    /// A copy was bad: the next one, where there is one.
    pub(crate) fn next_copy(&mut self, hash: B256) -> Option<Copy> {
        let next = self.checking.get_mut(&hash).and_then(VecDeque::pop_front);
        if next.is_none() {
            self.checking.remove(&hash);
        }
        next
    }

    /// Keeps a good copy until its slot begins.
    pub(crate) fn hold(&mut self, hash: B256, proposal: Arc<SignedProposal>) {
        self.held.entry(proposal.block.header.slot).or_default().insert(hash, proposal);
    }

    /// Whether the block waits for its slot.
    pub(crate) fn is_held(&self, slot: Slot, hash: B256) -> bool {
        self.held.get(&slot).is_some_and(|held| held.contains_key(&hash))
    }

    /// Those whose slot has begun.
    pub(crate) fn release(&mut self, slot: Slot) -> Vec<(B256, Arc<SignedProposal>)> {
        let later = self.held.split_off(&slot.saturating_add(1));
        let begun = std::mem::replace(&mut self.held, later);
        begun.into_values().flatten().collect()
    }

    /// Forgets slots up to the last final one.
    pub(crate) fn prune(&mut self, root: Slot) {
        let above = root.saturating_add(1);
        self.seen = self.seen.split_off(&above);
        self.held = self.held.split_off(&above);
    }
}
