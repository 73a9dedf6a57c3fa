//! What a new head changes in the pool.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256};

use super::store::{DropReason, Dropped};
use super::{AccountSource, Pool, PooledTransaction, SenderAccount, SenderCode};
use crate::error::StateError;
use crate::execute::RecoveredTransaction;

/// What the pool must know of the head.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeadInfo {
    /// Its timestamp, in seconds: the pool's clock.
    pub timestamp: u64,
    /// The base fee of the block after it, in wei.
    pub next_base_fee: u64,
}

/// Whose state may differ between the old and the new head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// These accounts, by the hashes of their addresses.
    Accounts(BTreeSet<B256>),
    /// Nobody knows: look at all.
    All,
}

/// The step from one head to the next, reorgs included.
#[derive(Debug)]
pub struct NewHead<S> {
    /// The head itself.
    pub info: HeadInfo,
    /// The state after it.
    pub state: S,
    /// What may have changed.
    pub touched: Touched,
    /// The hashes of the transactions that came into the chain.
    pub mined: BTreeSet<B256>,
    /// The transactions that were in the chain and are no longer, in chain order.
    pub reverted: Vec<RecoveredTransaction>,
}

impl<S: AccountSource> Pool<S> {
    /// Follows the chain to a new head; what left the pool on the way.
    ///
    /// Void transactions go, reorged-out ones come back, and only touched accounts are looked at.
    ///
    /// # Errors
    /// [`StateError`] where an account cannot be read; the pool still stands at the old head.
    pub fn on_head(&mut self, head: NewHead<S>) -> Result<Vec<Dropped>, StateError> {
        let changed = self.read_changed(&head)?;
        if head.info.next_base_fee != self.head.next_base_fee {
            self.order.clear();
        }
        self.head = head.info;
        self.source = head.state;
        let mut dropped = Vec::new();
        for (address, state) in changed {
            self.set_account(address, state, &head.mined, &mut dropped);
        }
        self.drop_expired(&mut dropped);
        for transaction in head.reverted {
            let hash = *transaction.inner().tx_hash();
            if head.mined.contains(&hash) {
                continue;
            }
            match self.add(PooledTransaction::trusted(transaction)) {
                Ok(added) => dropped.extend(added.dropped),
                Err(error) => dropped.push(Dropped { hash, reason: error.into() }),
            }
        }
        Ok(dropped)
    }

    /// The new state of every account in the pool that may have changed.
    fn read_changed(&self, head: &NewHead<S>) -> Result<Vec<(Address, SenderAccount)>, StateError> {
        let read = |address: &Address| Ok((*address, head.state.sender(*address)?));
        match &head.touched {
            Touched::All => self.accounts.keys().map(read).collect(),
            Touched::Accounts(hashes) => {
                hashes.iter().filter_map(|hash| self.by_hashed_address.get(hash)).map(read).collect()
            }
        }
    }

    fn set_account(
        &mut self,
        address: Address,
        state: SenderAccount,
        mined: &BTreeSet<B256>,
        dropped: &mut Vec<Dropped>,
    ) {
        let Some(account) = self.accounts.get_mut(&address) else { return };
        account.set_state(state);
        let void: Vec<(u64, DropReason)> = account
            .entries()
            .filter_map(|entry| {
                let hash = entry.tx.hash();
                let reason = if mined.contains(&hash) {
                    DropReason::Mined
                } else if entry.tx.nonce() < state.nonce {
                    DropReason::NonceUsed
                } else if state.code == SenderCode::Contract {
                    DropReason::NotEoa
                } else {
                    return None;
                };
                Some((entry.tx.nonce(), reason))
            })
            .collect();
        for (nonce, reason) in void {
            dropped.extend(self.remove(address, nonce, reason));
        }
        // From the end: those in front may still be paid for.
        while let Some(account) = self.accounts.get(&address)
            && account.cost() > account.state.balance
            && let Some(last) = account.last()
        {
            let nonce = last.tx.nonce();
            dropped.extend(self.remove(address, nonce, DropReason::Unaffordable));
        }
        self.rank(address);
    }

    fn drop_expired(&mut self, dropped: &mut Vec<Dropped>) {
        let now = self.head.timestamp;
        while let Some((_, (address, nonce))) = self.by_arrival.first_key_value() {
            let (address, nonce) = (*address, *nonce);
            let entry = self.accounts.get(&address).and_then(|account| account.get(nonce));
            if entry.is_some_and(|entry| now.saturating_sub(entry.since) <= self.config.lifetime) {
                return;
            }
            let gone = self.remove(address, nonce, DropReason::Expired);
            if gone.is_none() {
                // Cannot be: every arrival has its entry. Never loop over it.
                self.by_arrival.pop_first();
            }
            dropped.extend(gone);
        }
    }
}
