//! A pool so simple that it is easily right: a list of transactions, looked through for every question.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256};

use super::super::{DropReason, Dropped, PoolConfig};
use super::{Accounts, Tx};

/// What should be in the pool, in order of arrival.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) waiting: Vec<Waiting>,
    /// Everything that is in the chain.
    pub(super) chain: BTreeSet<B256>,
}

#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) hash: B256,
    pub(super) tx: Tx,
    pub(super) size: usize,
    pub(super) since: u64,
}

impl Model {
    /// Whether the rules, the bounds of the whole pool apart, take `tx`.
    pub(super) fn takes(&self, config: &PoolConfig, accounts: &Accounts, tx: &Tx) -> bool {
        let account = accounts.0.get(&tx.from).copied().unwrap_or_default();
        let own: BTreeMap<u64, &Tx> =
            self.waiting.iter().filter(|w| w.tx.from == tx.from).map(|w| (w.tx.nonce, &w.tx)).collect();
        let old = own.get(&tx.nonce);
        let others: u64 = own.values().filter(|one| one.nonce != tx.nonce).map(|one| one.value).sum();
        let next = (account.nonce..).find(|nonce| !own.contains_key(nonce)).unwrap();
        let raised = |new: u128, old: u128| new > old && 100 * new >= (100 + 10) * old;
        self.waiting.iter().all(|waiting| waiting.tx != *tx)
            && tx.nonce >= account.nonce
            && U256::from(others + tx.value) <= account.balance
            && tx.nonce < account.nonce + config.max_per_account
            && tx.nonce <= next + config.max_ahead
            && old.is_none_or(|old| raised(tx.tip, old.tip) && raised(tx.cap, old.cap))
    }

    pub(super) fn add(&mut self, tx: Tx, since: u64) {
        let pooled = tx.pooled();
        self.waiting.push(Waiting { hash: pooled.hash(), size: pooled.size(), tx, since });
    }

    /// Takes out what the pool says it dropped, and checks that the reason is true.
    pub(super) fn drop_all(
        &mut self,
        dropped: &[Dropped],
        accounts: &Accounts,
        now: u64,
        config: &PoolConfig,
    ) {
        for Dropped { hash, reason } in dropped {
            let Some(at) = self.waiting.iter().position(|waiting| waiting.hash == *hash) else {
                // Reorged out, and not taken back.
                assert!(matches!(reason, DropReason::Refused(_)), "{hash} was not in the pool: {reason:?}");
                continue;
            };
            let gone = self.waiting.remove(at);
            let account = accounts.0.get(&gone.tx.from).copied().unwrap_or_default();
            let rival =
                self.waiting.iter().find(|w| w.tx.from == gone.tx.from && w.tx.nonce == gone.tx.nonce);
            match reason {
                DropReason::Mined => assert!(self.chain.contains(hash)),
                DropReason::NonceUsed => {
                    assert!(gone.tx.nonce < account.nonce && !self.chain.contains(hash));
                }
                DropReason::Replaced => assert!(rival.is_some_and(|rival| rival.tx.tip > gone.tx.tip)),
                DropReason::Unaffordable => {
                    let cost = self.cost(gone.tx.from) + U256::from(gone.tx.value);
                    assert!(cost > account.balance);
                }
                DropReason::Expired => assert!(now - gone.since > config.lifetime),
                DropReason::Evicted => {
                    let bytes: usize = self.waiting.iter().map(|waiting| waiting.size).sum();
                    let full = self.waiting.len() + 1 > config.max_transactions;
                    assert!(full || bytes + gone.size > config.max_bytes);
                }
                other => panic!("{hash}: {other:?}"),
            }
        }
    }

    pub(super) fn cost(&self, from: Address) -> U256 {
        self.waiting.iter().filter(|w| w.tx.from == from).map(|w| U256::from(w.tx.value)).sum()
    }

    /// The ready transactions, best first: of all accounts' next ones always the one with the highest tip,
    /// of equals the one that came first.
    pub(super) fn order(&self, accounts: &Accounts, base_fee: u64) -> Vec<(Address, u64)> {
        let mut nonces: BTreeMap<Address, u64> =
            accounts.0.iter().map(|(address, account)| (*address, account.nonce)).collect();
        let mut order = Vec::new();
        loop {
            let heads = self.waiting.iter().enumerate().filter(|(_, waiting)| {
                nonces.get(&waiting.tx.from).copied().unwrap_or_default() == waiting.tx.nonce
            });
            let tips = heads.filter_map(|(arrival, waiting)| {
                let left = waiting.tx.cap.checked_sub(u128::from(base_fee))?;
                Some((waiting.tx.tip.min(left), std::cmp::Reverse(arrival), &waiting.tx))
            });
            let Some((_, _, best)) = tips.max_by_key(|(tip, arrival, _)| (*tip, *arrival)) else {
                return order;
            };
            order.push((best.from, best.nonce));
            nonces.insert(best.from, best.nonce + 1);
        }
    }
}
