//! The transactions of the next block, best first.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
use std::sync::Arc;

use alloy_primitives::Address;

use super::PooledTransaction;
use super::account::Entry;

/// The ready transactions by falling tip at one base fee, those of one account by rising nonce.
///
/// It owns what it yields: the pool may change meanwhile. Equal tips go in the order of arrival.
#[derive(Debug)]
pub struct BestTransactions {
    base_fee: u64,
    /// The next transaction of each account.
    heads: BinaryHeap<Head>,
    /// What follows in each account.
    runs: Vec<VecDeque<(u64, Arc<PooledTransaction>)>>,
    rejected: BTreeSet<Address>,
}

#[derive(Debug)]
struct Head {
    tip: u128,
    arrival: Reverse<u64>,
    /// Which of the runs it belongs to.
    run: usize,
    tx: Arc<PooledTransaction>,
}

impl Head {
    fn key(&self) -> (u128, Reverse<u64>) {
        (self.tip, self.arrival)
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Head {}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl BestTransactions {
    /// From the ready transactions of each account, by rising nonce.
    pub(super) fn new<'a, R>(base_fee: u64, accounts: impl Iterator<Item = R>) -> Self
    where
        R: Iterator<Item = &'a Entry>,
    {
        let mut best =
            Self { base_fee, heads: BinaryHeap::new(), runs: Vec::new(), rejected: BTreeSet::new() };
        for ready in accounts {
            let run: VecDeque<_> = ready.map(|entry| (entry.arrival, entry.tx.clone())).collect();
            if !run.is_empty() {
                best.runs.push(run);
                best.advance(best.runs.len() - 1);
            }
        }
        best
    }

    /// The base fee that the tips stand on, in wei.
    #[must_use]
    pub fn base_fee(&self) -> u64 {
        self.base_fee
    }

    /// Yields no more transactions of `sender`: one of them could not be executed, and those behind it
    /// have a gap in front of them now.
    pub fn reject(&mut self, sender: Address) {
        self.rejected.insert(sender);
    }

    fn advance(&mut self, run: usize) {
        let next = self.runs.get_mut(run).and_then(VecDeque::pop_front);
        if let Some((arrival, tx)) = next
            && let Some(tip) = tx.tip(self.base_fee)
        {
            self.heads.push(Head { tip, arrival: Reverse(arrival), run, tx });
        }
    }
}

impl Iterator for BestTransactions {
    type Item = Arc<PooledTransaction>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let head = self.heads.pop()?;
            if !self.rejected.contains(&head.tx.sender()) {
                self.advance(head.run);
                return Some(head.tx);
            }
        }
    }
}
