//! Who must go when the pool is full.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use alloy_primitives::Address;

use super::account::Account;

/// How much the last transaction of an account is worth keeping; the least goes first.
///
/// The last one cannot be mined before those in front of it, so it is worth no more than the worst of
/// them: a high tip behind a low one buys no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    class: Class,
    /// The least tip of the run at the base fee; where that is not reached the least fee cap. In wei.
    price: u128,
    /// Among equals the latest goes first.
    arrival: Reverse<u64>,
}

/// What the last transaction of an account waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// For the ones before it.
    Gapped,
    /// For a lower base fee.
    Parked,
    /// For nothing.
    Ready,
}

impl Rank {
    /// The rank of an account's last transaction; `None` where it has none.
    pub(super) fn of(account: &Account, base_fee: u64) -> Option<Self> {
        let last = account.last()?;
        let arrival = Reverse(last.arrival);
        if last.tx.nonce() >= account.next_nonce() {
            return Some(Self { class: Class::Gapped, price: last.tx.tip_cap(), arrival });
        }
        let tips = account.run().map(|entry| entry.tx.tip(base_fee));
        let worst = tips.reduce(|worst, tip| Some(worst?.min(tip?))).flatten();
        Some(match worst {
            Some(price) => Self { class: Class::Ready, price, arrival },
            None => {
                let price = account.run().map(|entry| entry.tx.fee_cap()).min().unwrap_or_default();
                Self { class: Class::Parked, price, arrival }
            }
        })
    }
}

/// All accounts in the order in which they lose their last transaction.
///
/// It is made when the pool is full for the first time at a base fee, and kept up to date until the base
/// fee changes: a pool that is never full pays nothing for it.
#[derive(Debug, Default)]
pub(super) struct EvictionOrder(Option<BTreeSet<(Rank, Address)>>);

impl EvictionOrder {
    /// Forgets the order: the base fee has changed.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    /// The account that loses its last transaction next.
    pub(super) fn worst<'a>(
        &mut self,
        accounts: impl Iterator<Item = (&'a Address, &'a mut Account)>,
        base_fee: u64,
    ) -> Option<Address> {
        let order = self.0.get_or_insert_with(|| {
            let ranked = accounts.filter_map(|(address, account)| {
                account.rank = Rank::of(account, base_fee);
                Some((account.rank?, *address))
            });
            ranked.collect()
        });
        order.first().map(|(_, address)| *address)
    }

    /// Takes account of a change in one account.
    pub(super) fn update(&mut self, address: Address, account: &mut Account, base_fee: u64) {
        let Some(order) = &mut self.0 else { return };
        if let Some(old) = account.rank.take() {
            order.remove(&(old, address));
        }
        account.rank = Rank::of(account, base_fee);
        if let Some(new) = account.rank {
            order.insert((new, address));
        }
    }
}
