//! Votes by slot, whether their block is here or not (`early-vote-lost`).
//!
//! Only votes whose envelope verified come here, so nobody can fill a member's place
//! (`vote-in-anothers-name`). A member has one place per slot and kind; slots are bounded.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alys_primitives::{SignedVote, Slot, VoteKind, vote::VoteData};

/// Slots kept: far more than can be undecided while votes still matter. The lowest go first, and how
/// far ahead a slot may lie is bounded by `max_early`.
const MAX_SLOTS: usize = 512;

/// What became of a vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Added {
    /// It took the member's place.
    New,
    /// The same vote is there.
    Known,
    /// The member voted for another block before: this is the vote that stands against it.
    Contradicts(Arc<SignedVote>),
}

/// A vote and whether its share has reached the collector.
#[derive(Debug)]
struct Held {
    vote: Arc<SignedVote>,
    collected: bool,
}

/// All votes above the last final block.
#[derive(Debug, Default)]
pub(crate) struct Votes {
    slots: BTreeMap<Slot, BTreeMap<(VoteKind, u8), Held>>,
}

impl Votes {
    /// Adds a vote whose envelope verified.
    pub(crate) fn add(&mut self, vote: &Arc<SignedVote>) -> Added {
        let (data, member) = (vote.vote.data, vote.vote.member);
        let places = self.slots.entry(data.slot).or_default();
        if let Some(held) = places.get(&(data.kind, member)) {
            return match held.vote.vote.data == data {
                true => Added::Known,
                false => Added::Contradicts(Arc::clone(&held.vote)),
            };
        }
        places.insert((data.kind, member), Held { vote: Arc::clone(vote), collected: false });
        while self.slots.len() > MAX_SLOTS {
            self.slots.pop_first();
        }
        Added::New
    }

    /// Whether exactly this vote is held, so that its envelope need not be checked again.
    pub(crate) fn contains(&self, vote: &SignedVote) -> bool {
        let place = (vote.vote.data.kind, vote.vote.member);
        let held = self.slots.get(&vote.vote.data.slot).and_then(|places| places.get(&place));
        held.is_some_and(|held| *held.vote == *vote)
    }

    /// How many members have voted in a slot, for whatever.
    pub(crate) fn voters(&self, slot: Slot) -> usize {
        let places = self.slots.get(&slot).into_iter().flat_map(BTreeMap::keys);
        places.map(|(_, member)| member).collect::<BTreeSet<_>>().len()
    }

    /// Notes that a share has reached the collector, or has not.
    pub(crate) fn set_collected(&mut self, data: &VoteData, member: u8, collected: bool) {
        let place = self.slots.get_mut(&data.slot).and_then(|p| p.get_mut(&(data.kind, member)));
        if let Some(held) = place
            && held.vote.vote.data == *data
        {
            held.collected = collected;
        }
    }

    /// The votes whose shares have not reached the collector.
    pub(crate) fn uncollected(&self) -> impl Iterator<Item = &Arc<SignedVote>> {
        let held = self.slots.values().flat_map(BTreeMap::values);
        held.filter(|held| !held.collected).map(|held| &held.vote)
    }

    /// Drops votes up to the last final slot.
    pub(crate) fn prune(&mut self, root: Slot) {
        self.slots = self.slots.split_off(&root.saturating_add(1));
    }
}
