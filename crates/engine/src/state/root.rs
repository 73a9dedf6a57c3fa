//! From what a block changed to its overlay: tries updated, state root computed.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes, KECCAK256_EMPTY, U256};
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use nybbles::Nibbles;

use super::{Change, Overlay, StateView};
use crate::error::StateError;
use crate::trie::{Leaf, NodeKey, update};

/// What an account is but for its storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Basics {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// In wei.
    pub balance: U256,
    /// Keccak of the code.
    pub code_hash: B256,
}

impl Default for Basics {
    fn default() -> Self {
        Self { nonce: 0, balance: U256::ZERO, code_hash: KECCAK256_EMPTY }
    }
}

/// What happened to one account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// The account in the parent's state.
    pub before: Option<TrieAccount>,
    /// The account after the block, `None` where it is gone.
    pub basics: Option<Basics>,
    /// Whether its storage was emptied before `slots` were written.
    pub wiped: bool,
    /// Values by hashed slot; zero is no slot. Of a wiped storage only `after` counts.
    pub slots: BTreeMap<B256, Change<U256>>,
}

/// What a block changed, by hashed address, before tries are updated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateChanges {
    /// The accounts.
    pub accounts: BTreeMap<B256, AccountChange>,
    /// New code by its hash.
    pub code: BTreeMap<B256, Bytes>,
}

/// Applies `changes` to the state that `parent` shows: the new state root and the overlay.
///
/// # Errors
/// [`StateError`] where the state cannot be read.
pub fn seal_overlay(parent: &StateView, changes: StateChanges) -> Result<(B256, Overlay), StateError> {
    let mut overlay = Overlay { code: changes.code, ..Overlay::default() };
    let mut leaves: Vec<Leaf> = Vec::with_capacity(changes.accounts.len());
    for (hash, change) in changes.accounts {
        let before = change.before;
        let old_root = before.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
        let slots = slot_changes(parent, &hash, old_root, &change)?;
        let storage_root = update_storage(parent, &hash, old_root, &slots, &mut overlay)?;
        let after = change.basics.map(|basics| TrieAccount {
            nonce: basics.nonce,
            balance: basics.balance,
            storage_root,
            code_hash: basics.code_hash,
        });
        overlay.slots.extend(slots.into_iter().map(|(slot, change)| ((hash, slot), change)));
        if before != after {
            leaves.push((Nibbles::unpack_array(&hash.0), after.map(alloy_rlp::encode)));
            overlay.accounts.insert(hash, Change { before, after });
        }
    }
    let done = update(&parent.trie(None), &leaves)?;
    let nodes = done.nodes.into_iter();
    overlay.nodes.extend(nodes.map(|(path, change)| (NodeKey { owner: None, path }, change)));
    Ok((done.root, overlay))
}

/// The slots whose value differs, with the value before. A wipe is the removal of each slot.
fn slot_changes(
    parent: &StateView,
    account: &B256,
    old_root: B256,
    change: &AccountChange,
) -> Result<BTreeMap<B256, Change<U256>>, StateError> {
    // An account that is gone takes its storage with it.
    let wiped = change.wiped || change.basics.is_none();
    if !wiped {
        let differs = |change: &Change<U256>| change.before != change.after;
        let slots = change.slots.iter().filter(|(_, change)| differs(change));
        return Ok(slots.map(|(slot, change)| (*slot, *change)).collect());
    }
    let mut slots = BTreeMap::new();
    if old_root != EMPTY_ROOT_HASH {
        for (slot, before) in parent.hashed_slots(account)? {
            slots.insert(slot, Change { before, after: U256::ZERO });
        }
    }
    if change.basics.is_some() {
        for (slot, new) in &change.slots {
            let none = Change { before: U256::ZERO, after: U256::ZERO };
            slots.entry(*slot).or_insert(none).after = new.after;
        }
    }
    slots.retain(|_, change| change.before != change.after);
    Ok(slots)
}

fn update_storage(
    parent: &StateView,
    account: &B256,
    old_root: B256,
    slots: &BTreeMap<B256, Change<U256>>,
    overlay: &mut Overlay,
) -> Result<B256, StateError> {
    if slots.is_empty() {
        return Ok(old_root);
    }
    let leaves: Vec<Leaf> = slots
        .iter()
        .map(|(slot, change)| {
            let value = (!change.after.is_zero()).then(|| alloy_rlp::encode(change.after));
            (Nibbles::unpack_array(&slot.0), value)
        })
        .collect();
    let done = update(&parent.trie(Some(*account)), &leaves)?;
    let nodes = done.nodes.into_iter();
    overlay.nodes.extend(nodes.map(|(path, change)| (NodeKey { owner: Some(*account), path }, change)));
    Ok(done.root)
}
