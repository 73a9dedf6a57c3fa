//! The pool itself: taking transactions in, handing them out, letting them go.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{Address, B256, keccak256};
use alys_bus::protocol::query::{PoolStatus, TransactionRefusal};

use super::account::{Account, Entry};
use super::bounds::EvictionOrder;
use super::checks::{Against, check_authority};
use super::{AccountSource, BestTransactions, HeadInfo, PoolConfig, PooledTransaction, SenderAccount};
use crate::error::StateError;

/// Transactions that wait for a block; see the [module](super).
#[derive(Debug)]
pub struct Pool<S> {
    pub(super) config: PoolConfig,
    pub(super) head: HeadInfo,
    /// The state after the head.
    pub(super) source: S,
    pub(super) accounts: BTreeMap<Address, Account>,
    pub(super) by_hashed_address: BTreeMap<B256, Address>,
    by_hash: BTreeMap<B256, (Address, u64)>,
    pub(super) by_arrival: BTreeMap<u64, (Address, u64)>,
    /// How many waiting transactions carry an authorization of an account (EIP-7702).
    authorities: BTreeMap<Address, usize>,
    pub(super) order: EvictionOrder,
    bytes: usize,
    next_arrival: u64,
    revision: u64,
}

/// Why a transaction did not get in. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// It breaks a rule.
    #[error(transparent)]
    Refused(#[from] TransactionRefusal),
    /// Its account cannot be read; says nothing about it.
    #[error(transparent)]
    State(#[from] StateError),
}

/// That a transaction got in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Its hash.
    pub hash: B256,
    /// What it displaced: the one it replaces, the worst of a full pool.
    pub dropped: Vec<Dropped>,
}

/// That a transaction left the pool, or did not come back to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Its hash.
    pub hash: B256,
    /// Why.
    pub reason: DropReason,
}

/// Why a transaction left the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DropReason {
    /// It is in the chain.
    Mined,
    /// Another one with its nonce is in the chain.
    NonceUsed,
    /// Another one with its nonce paid more.
    Replaced,
    /// Its account can no longer pay for it.
    Unaffordable,
    /// Its account has become a contract.
    NotEoa,
    /// It waited too long.
    Expired,
    /// The pool was full of better ones.
    Evicted,
    /// Reorged out, and refused when it came back.
    Refused(TransactionRefusal),
    /// Reorged out, and its account could not be read.
    Unreadable(String),
}

impl DropReason {
    /// A fixed label for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Mined => "mined",
            Self::NonceUsed => "nonce_used",
            Self::Replaced => "replaced",
            Self::Unaffordable => "unaffordable",
            Self::NotEoa => "not_eoa",
            Self::Expired => "expired",
            Self::Evicted => "evicted",
            Self::Refused(_) => "refused",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

impl From<AddError> for DropReason {
    fn from(error: AddError) -> Self {
        match error {
            AddError::Refused(refusal) => Self::Refused(refusal),
            AddError::State(error) => Self::Unreadable(error.to_string()),
        }
    }
}

impl<S: AccountSource> Pool<S> {
    /// An empty pool at a head whose state is `source`.
    pub fn new(config: PoolConfig, head: HeadInfo, source: S) -> Self {
        Self {
            config,
            head,
            source,
            accounts: BTreeMap::new(),
            by_hashed_address: BTreeMap::new(),
            by_hash: BTreeMap::new(),
            by_arrival: BTreeMap::new(),
            authorities: BTreeMap::new(),
            order: EvictionOrder::default(),
            bytes: 0,
            next_arrival: 0,
            revision: 0,
        }
    }

    /// What can be said against a transaction without recovering its authorities: whoever cannot pay for them must not
    /// have them recovered.
    ///
    /// # Errors
    /// [`AddError`].
    pub fn check(&self, tx: &PooledTransaction) -> Result<(), AddError> {
        self.state_for(tx).map(drop)
    }

    /// The state of the sender, which may send this.
    fn state_for(&self, tx: &PooledTransaction) -> Result<SenderAccount, AddError> {
        let sender = tx.sender();
        if self.by_hash.contains_key(&tx.hash()) {
            return Err(TransactionRefusal::AlreadyKnown.into());
        }
        let account = self.accounts.get(&sender);
        let state = match account {
            Some(account) => account.state,
            None => self.source.sender(sender)?,
        };
        let authorized = self.authorities.contains_key(&sender);
        Against { config: &self.config, state, account, authorized }.check(tx)?;
        Ok(state)
    }

    /// Takes a transaction in.
    ///
    /// # Errors
    /// [`AddError`]; the pool is as it was.
    pub fn add(&mut self, tx: PooledTransaction) -> Result<Added, AddError> {
        let (hash, sender) = (tx.hash(), tx.sender());
        let state = self.state_for(&tx)?;
        for authority in tx.authorities() {
            check_authority(*authority, self.accounts.get(authority))?;
        }
        if !self.accounts.contains_key(&sender) {
            let hashed = keccak256(sender);
            self.by_hashed_address.insert(hashed, sender);
            self.accounts.insert(sender, Account::new(hashed, state));
        }
        let entry = Entry { tx: Arc::new(tx), arrival: self.next_arrival, since: self.head.timestamp };
        self.next_arrival = self.next_arrival.saturating_add(1);
        self.revision = self.revision.wrapping_add(1);
        let replaced = self.insert(entry);
        self.make_room(hash, replaced)
    }

    /// Evicts until the bounds hold. Where the newcomer itself is the worst, all is put back.
    fn make_room(&mut self, newcomer: B256, replaced: Option<Entry>) -> Result<Added, AddError> {
        let mut evicted = Vec::new();
        let mut refused = false;
        while self.len() > self.config.max_transactions || self.bytes > self.config.max_bytes {
            let worst = self.order.worst(self.accounts.iter_mut(), self.head.next_base_fee);
            let Some(address) = worst else { break };
            let Some(last) = self.accounts.get(&address).and_then(Account::last) else { break };
            let (hash, nonce) = (last.tx.hash(), last.tx.nonce());
            let entry = self.take(address, nonce);
            evicted.extend(entry);
            if hash == newcomer {
                refused = true;
                break;
            }
        }
        let senders: Vec<Address> = evicted.iter().map(|entry| entry.tx.sender()).collect();
        let outcome = if refused {
            evicted.pop();
            for entry in evicted.into_iter().chain(replaced) {
                self.insert(entry);
            }
            Err(TransactionRefusal::PoolFull.into())
        } else {
            let replaced = replaced.map(|entry| (entry, DropReason::Replaced));
            let gone = evicted.into_iter().map(|entry| (entry, DropReason::Evicted)).chain(replaced);
            let dropped = gone.map(|(entry, reason)| Dropped { hash: entry.tx.hash(), reason });
            Ok(Added { hash: newcomer, dropped: dropped.collect() })
        };
        for sender in senders {
            self.tidy(sender);
        }
        outcome
    }

    /// The ready transactions at `base_fee`, best first. A copy of handles: the pool may change meanwhile.
    #[must_use]
    pub fn best(&self, base_fee: u64) -> BestTransactions {
        BestTransactions::new(base_fee, self.accounts.values().map(|account| account.ready(base_fee)))
    }

    /// The nonce that the account's next transaction should have.
    ///
    /// # Errors
    /// [`StateError`] where the account cannot be read.
    pub fn next_nonce(&self, address: Address) -> Result<u64, StateError> {
        match self.accounts.get(&address) {
            Some(account) => Ok(account.next_nonce()),
            None => Ok(self.source.sender(address)?.nonce),
        }
    }
}

impl<S> Pool<S> {
    /// A transaction by its hash.
    #[must_use]
    pub fn get(&self, hash: &B256) -> Option<&Arc<PooledTransaction>> {
        let (address, nonce) = self.by_hash.get(hash)?;
        Some(&self.accounts.get(address)?.get(*nonce)?.tx)
    }

    /// The transactions that came at or after the place `from` in the order of arrival, each with its
    /// place: ask again from the place after the last.
    pub fn arrivals(&self, from: u64) -> impl Iterator<Item = (u64, &Arc<PooledTransaction>)> {
        self.by_arrival.range(from..).filter_map(|(place, (address, nonce))| {
            Some((*place, &self.accounts.get(address)?.get(*nonce)?.tx))
        })
    }

    /// All transactions: account by account, by nonce.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<PooledTransaction>> {
        self.accounts.values().flat_map(|account| account.entries().map(|entry| &entry.tx))
    }

    /// How many transactions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_hash.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_hash.is_empty()
    }

    /// Bytes of their encodings.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The head it stands at.
    #[must_use]
    pub fn head(&self) -> HeadInfo {
        self.head
    }

    /// Changes with every transaction that gets in: a builder sees by it whether there is anything new.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// How many are ready for the next block, and how many wait for something else.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        let base_fee = self.head.next_base_fee;
        let ready: usize = self.accounts.values().map(|account| account.ready(base_fee).count()).sum();
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        PoolStatus { pending: count(ready), queued: count(self.len().saturating_sub(ready)) }
    }

    /// Puts an entry into its account, which is there, and into the indexes; the one it replaces.
    fn insert(&mut self, entry: Entry) -> Option<Entry> {
        let (address, nonce) = (entry.tx.sender(), entry.tx.nonce());
        let account = self.accounts.get_mut(&address)?;
        self.by_hash.insert(entry.tx.hash(), (address, nonce));
        self.by_arrival.insert(entry.arrival, (address, nonce));
        self.bytes = self.bytes.saturating_add(entry.tx.size());
        for authority in entry.tx.authorities() {
            *self.authorities.entry(*authority).or_default() += 1;
        }
        let replaced = account.insert(entry);
        if let Some(replaced) = &replaced {
            self.unlist(replaced);
        }
        self.rank(address);
        replaced
    }

    /// Takes an entry out of its account and the indexes. The account stays, also where it is empty now.
    fn take(&mut self, address: Address, nonce: u64) -> Option<Entry> {
        let entry = self.accounts.get_mut(&address)?.remove(nonce)?;
        self.unlist(&entry);
        self.rank(address);
        Some(entry)
    }

    /// Takes a transaction out for good.
    pub(super) fn remove(&mut self, address: Address, nonce: u64, reason: DropReason) -> Option<Dropped> {
        let entry = self.take(address, nonce)?;
        self.tidy(address);
        Some(Dropped { hash: entry.tx.hash(), reason })
    }

    /// Takes an entry out of the indexes.
    fn unlist(&mut self, entry: &Entry) {
        self.by_hash.remove(&entry.tx.hash());
        self.by_arrival.remove(&entry.arrival);
        self.bytes = self.bytes.saturating_sub(entry.tx.size());
        for authority in entry.tx.authorities() {
            if let Some(count) = self.authorities.get_mut(authority) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.authorities.remove(authority);
                }
            }
        }
    }

    /// Forgets an account that has no transactions.
    fn tidy(&mut self, address: Address) {
        if self.accounts.get(&address).is_some_and(Account::is_empty)
            && let Some(account) = self.accounts.remove(&address)
        {
            self.by_hashed_address.remove(&account.hashed);
        }
    }

    /// Gives an account its place in the order of eviction.
    pub(super) fn rank(&mut self, address: Address) {
        if let Some(account) = self.accounts.get_mut(&address) {
            self.order.update(address, account, self.head.next_base_fee);
        }
    }
}
