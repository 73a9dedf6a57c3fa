//! One account's transactions in the pool.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{B256, U256};

use super::bounds::Rank;
use super::{PooledTransaction, SenderAccount};

/// A transaction in the pool.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) tx: Arc<PooledTransaction>,
    /// Its place in the order of arrival.
    pub(super) arrival: u64,
    /// The head's timestamp when it came, in seconds.
    pub(super) since: u64,
}

/// An account with at least one transaction in the pool.
#[derive(Debug)]
pub(super) struct Account {
    /// The hash of its address, by which blocks say what they touched.
    pub(super) hashed: B256,
    /// The account after the head.
    pub(super) state: SenderAccount,
    entries: BTreeMap<u64, Entry>,
    /// What all of them may cost, in wei.
    cost: U256,
    /// The first nonce that is missing: the end of the run.
    next: u64,
    /// Where it stands in the order of eviction, while there is such an order.
    pub(super) rank: Option<Rank>,
}

impl Account {
    pub(super) fn new(hashed: B256, state: SenderAccount) -> Self {
        Self { hashed, state, entries: BTreeMap::new(), cost: U256::ZERO, next: state.nonce, rank: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// What all transactions may cost together, in wei.
    pub(super) fn cost(&self) -> U256 {
        self.cost
    }

    /// The nonce a wallet should use next.
    pub(super) fn next_nonce(&self) -> u64 {
        self.next
    }

    pub(super) fn get(&self, nonce: u64) -> Option<&Entry> {
        self.entries.get(&nonce)
    }

    pub(super) fn last(&self) -> Option<&Entry> {
        self.entries.values().next_back()
    }

    /// All transactions by nonce, those behind a gap included.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The transactions without a gap, from the next nonce on.
    pub(super) fn run(&self) -> impl Iterator<Item = &Entry> {
        self.entries.range(self.state.nonce..self.next).map(|(_, entry)| entry)
    }

    /// Those of the run that can stand in a block with this base fee.
    pub(super) fn ready(&self, base_fee: u64) -> impl Iterator<Item = &Entry> {
        self.run().take_while(move |entry| entry.tx.tip(base_fee).is_some())
    }

    /// Puts a transaction in its place; the one that stood there.
    pub(super) fn insert(&mut self, entry: Entry) -> Option<Entry> {
        let nonce = entry.tx.nonce();
        self.cost = self.cost.saturating_add(entry.tx.cost());
        let replaced = self.entries.insert(nonce, entry);
        if let Some(replaced) = &replaced {
            self.cost = self.cost.saturating_sub(replaced.tx.cost());
        }
        if nonce == self.next {
            self.extend_run();
        }
        replaced
    }

    pub(super) fn remove(&mut self, nonce: u64) -> Option<Entry> {
        let removed = self.entries.remove(&nonce)?;
        self.cost = self.cost.saturating_sub(removed.tx.cost());
        // Below the account's own nonce there is no run to shorten.
        if (self.state.nonce..self.next).contains(&nonce) {
            self.next = nonce;
        }
        Some(removed)
    }

    /// Takes over the account's new state. Transactions with used nonces are left for the caller to remove.
    pub(super) fn set_state(&mut self, state: SenderAccount) {
        self.state = state;
        self.next = state.nonce;
        self.extend_run();
    }

    fn extend_run(&mut self) {
        while self.entries.contains_key(&self.next) {
            self.next = self.next.saturating_add(1);
        }
    }
}
