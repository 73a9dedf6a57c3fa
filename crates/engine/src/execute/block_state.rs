//! The state while one block executes: what was read, and what has changed so far.

use std::fmt;
use std::sync::Arc;

use alloy_primitives::map::{AddressMap, B256Map, U256Map};
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use revm::database_interface::{Database, DatabaseCommit};
use revm::state::{Account, AccountInfo, Bytecode};

use crate::error::StateError;
use crate::state::{AccountChange, Basics, Change, StateChanges, StateView};

/// Answers `BLOCKHASH`: the hash of the canonical ancestor with a height, zero where there is none.
pub type BlockHashes = Arc<dyn Fn(u64) -> Result<B256, StateError> + Send + Sync>;

/// A [`StateView`] with a block's changes on top; what revm executes on.
///
/// Hash maps only answer for single keys here; [`BlockState::into_changes`] sorts.
pub struct BlockState {
    view: StateView,
    hashes: BlockHashes,
    accounts: AddressMap<Entry>,
    code: B256Map<Bytecode>,
    new_code: Vec<B256>,
    /// A change that could not be applied: revm's interface for commits has no error.
    failed: Option<StateError>,
}

struct Entry {
    hash: B256,
    before: Option<TrieAccount>,
    now: Option<Basics>,
    /// Whether the stored slots are void.
    wiped: bool,
    touched: bool,
    slots: U256Map<Slot>,
}

struct Slot {
    hash: B256,
    before: U256,
    now: U256,
}

impl fmt::Debug for BlockState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockState").field("accounts", &self.accounts.len()).finish_non_exhaustive()
    }
}

impl BlockState {
    /// The state before a block's first change.
    #[must_use]
    pub fn new(view: StateView, hashes: BlockHashes) -> Self {
        Self {
            view,
            hashes,
            accounts: AddressMap::default(),
            code: B256Map::default(),
            new_code: Vec::new(),
            failed: None,
        }
    }

    /// Adds `amount` (wei) to an account, making it where it is not there; a withdrawal (EIP-4895).
    ///
    /// # Errors
    /// [`StateError`] where the account cannot be read.
    pub(super) fn credit(&mut self, address: Address, amount: U256) -> Result<(), StateError> {
        let entry = self.entry(address)?;
        if amount.is_zero() {
            // An empty account that is touched goes away (EIP-161); there are none to begin with.
            return Ok(());
        }
        let mut basics = entry.now.unwrap_or_default();
        // Supply is far below 2^256; saturating cannot happen and must not panic.
        basics.balance = basics.balance.saturating_add(amount);
        entry.now = Some(basics);
        entry.touched = true;
        Ok(())
    }

    /// What the block changed.
    ///
    /// # Errors
    /// [`StateError`] where a change could not be applied because the state could not be read.
    pub fn into_changes(mut self) -> Result<(StateView, StateChanges), StateError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let mut changes = StateChanges::default();
        for hash in self.new_code {
            if let Some(code) = self.code.remove(&hash) {
                changes.code.insert(hash, code.original_bytes());
            }
        }
        for entry in self.accounts.into_values().filter(|entry| entry.touched) {
            let slots = entry
                .slots
                .into_values()
                .filter(|slot| entry.wiped || slot.before != slot.now)
                .map(|slot| (slot.hash, Change { before: slot.before, after: slot.now }))
                .collect();
            let change = AccountChange { before: entry.before, basics: entry.now, wiped: entry.wiped, slots };
            changes.accounts.insert(entry.hash, change);
        }
        Ok((self.view, changes))
    }

    /// The view it stands on.
    #[must_use]
    pub fn view(&self) -> &StateView {
        &self.view
    }

    fn entry(&mut self, address: Address) -> Result<&mut Entry, StateError> {
        use std::collections::hash_map::Entry as MapEntry;
        match self.accounts.entry(address) {
            MapEntry::Occupied(entry) => Ok(entry.into_mut()),
            MapEntry::Vacant(entry) => {
                let hash = keccak256(address);
                let before = self.view.hashed_account(&hash)?;
                let now = before.map(|account| Basics {
                    nonce: account.nonce,
                    balance: account.balance,
                    code_hash: account.code_hash,
                });
                let slots = U256Map::default();
                Ok(entry.insert(Entry { hash, before, now, wiped: false, touched: false, slots }))
            }
        }
    }

    fn apply(&mut self, address: Address, account: Account) -> Result<(), StateError> {
        if !account.is_touched() {
            return Ok(());
        }
        let entry = self.entry(address)?;
        entry.touched = true;
        // A created account has no storage from before; one that destroyed itself or is empty
        // (EIP-161) has none from now on.
        let gone = account.is_selfdestructed() || account.is_empty();
        if gone || account.is_created() {
            entry.wiped |= entry.before.is_some_and(|old| old.storage_root != EMPTY_ROOT_HASH);
            for slot in entry.slots.values_mut() {
                slot.now = U256::ZERO;
            }
        }
        if gone {
            entry.now = None;
            return Ok(());
        }
        entry.now = Some(Basics {
            nonce: account.info.nonce,
            balance: account.info.balance,
            code_hash: account.info.code_hash,
        });
        let code_hash = account.info.code_hash;
        for (index, slot) in account.storage {
            if slot.is_changed() {
                let known = entry.slots.entry(index).or_insert_with(|| Slot {
                    hash: keccak256(index.to_be_bytes::<32>()),
                    before: U256::ZERO,
                    now: U256::ZERO,
                });
                known.now = slot.present_value;
            }
        }
        if let Some(code) = account.info.code
            && code_hash != KECCAK256_EMPTY
            && !code.is_empty()
            && !self.code.contains_key(&code_hash)
        {
            self.code.insert(code_hash, code);
            self.new_code.push(code_hash);
        }
        Ok(())
    }
}

impl Database for BlockState {
    type Error = StateError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let now = self.entry(address)?.now;
        Ok(now.map(|basics| AccountInfo {
            balance: basics.balance,
            nonce: basics.nonce,
            code_hash: basics.code_hash,
            code: None,
            account_id: None,
        }))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, StateError> {
        if let Some(code) = self.code.get(&hash) {
            return Ok(code.clone());
        }
        let code = self.view.code_by_hash(&hash)?;
        let code = Bytecode::new_raw_checked(code)
            .map_err(|error| StateError::bad(format!("code {hash}"), error))?;
        self.code.insert(hash, code.clone());
        Ok(code)
    }

    fn storage(&mut self, address: Address, index: U256) -> Result<U256, StateError> {
        let entry = self.entry(address)?;
        if let Some(slot) = entry.slots.get(&index) {
            return Ok(slot.now);
        }
        let hash = keccak256(index.to_be_bytes::<32>());
        let (account, wiped) = (entry.hash, entry.wiped);
        let empty = entry.before.is_none_or(|account| account.storage_root == EMPTY_ROOT_HASH);
        let value = if empty { U256::ZERO } else { self.view.hashed_slot(&account, &hash)? };
        let now = if wiped { U256::ZERO } else { value };
        self.entry(address)?.slots.insert(index, Slot { hash, before: value, now });
        Ok(now)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateError> {
        (self.hashes)(number)
    }
}

impl DatabaseCommit for BlockState {
    fn commit(&mut self, changes: AddressMap<Account>) {
        for (address, account) in changes {
            if let Err(error) = self.apply(address, account) {
                self.failed = Some(error);
            }
        }
    }
}
