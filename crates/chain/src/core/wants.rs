//! Blocks that a certificate speaks for and that are not here: fetched until they are.

use std::collections::BTreeMap;

use alys_primitives::{B256, Slot};

use super::backoff::Retry;

/// Blocks wanted at a time. Below come the ancestors of what is fetched; a node further behind syncs.
const MAX_WANTS: usize = 256;

/// Fetches under way at a time.
const MAX_FETCHES: usize = 8;

/// One block that is missing.
#[derive(Debug, Clone, Copy)]
struct Want {
    slot: Slot,
    retry: Retry,
    asked: bool,
}

/// The blocks that are missing.
#[derive(Debug, Default)]
pub(crate) struct Wants {
    blocks: BTreeMap<B256, Want>,
}

impl Wants {
    /// Notes that a block is missing; `slot` is its own, or that of a descendant.
    pub(crate) fn add(&mut self, hash: B256, slot: Slot) {
        if self.blocks.len() < MAX_WANTS {
            self.blocks.entry(hash).or_insert(Want { slot, retry: Retry::default(), asked: false });
        }
    }

    /// Whether a block is wanted, however it comes.
    pub(crate) fn contains(&self, hash: B256) -> bool {
        self.blocks.contains_key(&hash)
    }

    /// The block is here.
    pub(crate) fn remove(&mut self, hash: B256) {
        self.blocks.remove(&hash);
    }

    /// Changes how a block was asked for.
    pub(crate) fn answered(&mut self, hash: B256, change: impl FnOnce(&mut Retry)) {
        if let Some(want) = self.blocks.get_mut(&hash) {
            want.asked = false;
            change(&mut want.retry);
        }
    }

    /// Takes those that are to be asked for now.
    pub(crate) fn take_due(&mut self, now_ms: u64) -> Vec<B256> {
        let asked = self.blocks.values().filter(|want| want.asked).count();
        let due = self.blocks.iter_mut().filter(|(_, want)| !want.asked && want.retry.is_due(now_ms));
        let due = due.take(MAX_FETCHES.saturating_sub(asked));
        due.map(|(hash, want)| {
            want.asked = true;
            *hash
        })
        .collect()
    }

    /// When the next is due.
    pub(crate) fn next_at(&self) -> Option<u64> {
        let asked = self.blocks.values().filter(|want| want.asked).count();
        let waiting = self.blocks.values().filter(|want| !want.asked && asked < MAX_FETCHES);
        waiting.map(|want| want.retry.at).min()
    }

    /// Forgets what the final chain has passed.
    pub(crate) fn prune(&mut self, root: Slot) {
        self.blocks.retain(|_, want| want.slot > root);
    }

    /// How many blocks are missing.
    pub(crate) fn len(&self) -> usize {
        self.blocks.len()
    }
}
