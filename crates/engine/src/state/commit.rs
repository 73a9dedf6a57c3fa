//! Moving the base: overlays into the database, and back out of it.

use std::collections::btree_map::Entry;

use alloy_primitives::{B256, U256};
use alys_database::{Batch, Reader};

use super::base::decode_account;
use super::keys::{Table, decode_slot, encode_slot, key, keyed_by_height, node_key};
use super::overlay::{Change, NodeUndo, Overlay};
use super::root::{AccountChange, Basics, StateChanges};
use super::{Base, StateView, seal_overlay};
use crate::error::StateError;

/// The length of one entry of a `Touched` record: hashed address, then hashed slot or zeros. No
/// slot hashes to zero that anybody could find.
const TOUCHED_ENTRY: usize = 64;

/// Writes what the block at `height` changed, and the history that leads back.
///
/// Later overlays may be written into the same batch: writes apply in order.
pub(crate) fn write_overlay(batch: &mut Batch, height: u64, overlay: &Overlay) {
    let at = height.to_be_bytes();
    let mut touched = Vec::with_capacity((overlay.accounts.len() + overlay.slots.len()) * TOUCHED_ENTRY);
    for (hash, change) in &overlay.accounts {
        write_account(batch, hash, change.after.as_ref());
        let before = change.before.map(alloy_rlp::encode).unwrap_or_default();
        batch.put(key(Table::AccountHistory, &[hash.as_slice(), &at]), before);
        touched.extend_from_slice(hash.as_slice());
        touched.extend_from_slice(B256::ZERO.as_slice());
    }
    for ((account, slot), change) in &overlay.slots {
        write_slot(batch, account, slot, change.after);
        let history = key(Table::SlotHistory, &[account.as_slice(), slot.as_slice(), &at]);
        batch.put(history, encode_slot(change.before));
        touched.extend_from_slice(account.as_slice());
        touched.extend_from_slice(slot.as_slice());
    }
    write_nodes(batch, overlay);
    write_code(batch, overlay);
    batch.put(keyed_by_height(Table::Touched, height), touched);
    batch.put(keyed_by_height(Table::NodeUndo, height), NodeUndo::record(overlay));
}

/// Writes the state of a genesis block: there is nothing before it that history could lead to.
pub(crate) fn write_genesis(batch: &mut Batch, overlay: &Overlay) {
    for (hash, change) in &overlay.accounts {
        write_account(batch, hash, change.after.as_ref());
    }
    for ((account, slot), change) in &overlay.slots {
        write_slot(batch, account, slot, change.after);
    }
    write_nodes(batch, overlay);
    write_code(batch, overlay);
}

fn write_account(batch: &mut Batch, hash: &B256, account: Option<&alloy_trie::TrieAccount>) {
    let key = key(Table::Account, &[hash.as_slice()]);
    match account {
        Some(account) => batch.put(key, alloy_rlp::encode(account)),
        None => batch.delete(key),
    }
}

fn write_slot(batch: &mut Batch, account: &B256, slot: &B256, value: U256) {
    let key = key(Table::Slot, &[account.as_slice(), slot.as_slice()]);
    if value.is_zero() {
        batch.delete(key);
    } else {
        batch.put(key, encode_slot(value));
    }
}

fn write_nodes(batch: &mut Batch, overlay: &Overlay) {
    for (node, change) in &overlay.nodes {
        match &change.after {
            Some(rlp) => batch.put(node_key(node), rlp.to_vec()),
            None => batch.delete(node_key(node)),
        }
    }
}

fn write_code(batch: &mut Batch, overlay: &Overlay) {
    for (hash, code) in &overlay.code {
        batch.put(key(Table::Code, &[hash.as_slice()]), code.to_vec());
    }
}

/// Removes the history of the block at `height`: states before it are out of reach from then on.
///
/// # Errors
/// [`StateError`] where its record cannot be read.
pub(crate) fn prune_history(reader: &dyn Reader, batch: &mut Batch, height: u64) -> Result<(), StateError> {
    for (account, slot) in touched(reader, height)? {
        batch.delete(history_key(&account, slot.as_ref(), height));
    }
    batch.delete(keyed_by_height(Table::Touched, height));
    Ok(())
}

/// Writes the state before the block at `height`, which is the base, and takes its history out.
/// The root that comes back must be the parent's.
///
/// The trie is not read back from undo records but updated from the flat values: so rolling back
/// reaches as far as history does, and what it computes is checked against a header.
///
/// # Errors
/// [`StateError`] where history or state cannot be read.
pub(crate) fn revert(base: &Base, batch: &mut Batch, height: u64) -> Result<B256, StateError> {
    let reader = base.reader();
    let view = StateView::above(base.clone(), Vec::new());
    let mut changes = StateChanges::default();
    for (account, slot) in touched(reader, height)? {
        let history = history_key(&account, slot.as_ref(), height);
        let before = reader
            .get(&history)?
            .ok_or_else(|| StateError::bad(format!("history of {account} at block {height}"), "not there"))?;
        batch.delete(history);
        let change = match changes.accounts.entry(account) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let before = view.hashed_account(&account)?;
                entry.insert(AccountChange { before, ..AccountChange::default() })
            }
        };
        match slot {
            None if before.is_empty() => {}
            None => {
                let account = decode_account(&account, &before)?;
                change.basics = Some(Basics {
                    nonce: account.nonce,
                    balance: account.balance,
                    code_hash: account.code_hash,
                });
            }
            // A changed slot changes the storage root, so the account is in the list as well.
            Some(slot) => {
                let after = decode_slot(&account, &slot, &before)?;
                let before = view.hashed_slot(&account, &slot)?;
                change.slots.insert(slot, Change { before, after });
            }
        }
    }
    let (root, overlay) = seal_overlay(&view, changes)?;
    for (hash, change) in &overlay.accounts {
        write_account(batch, hash, change.after.as_ref());
    }
    for ((account, slot), change) in &overlay.slots {
        write_slot(batch, account, slot, change.after);
    }
    write_nodes(batch, &overlay);
    batch.delete(keyed_by_height(Table::Touched, height));
    batch.delete(keyed_by_height(Table::NodeUndo, height));
    Ok(root)
}

fn history_key(account: &B256, slot: Option<&B256>, height: u64) -> Vec<u8> {
    let at = height.to_be_bytes();
    match slot {
        None => key(Table::AccountHistory, &[account.as_slice(), &at]),
        Some(slot) => key(Table::SlotHistory, &[account.as_slice(), slot.as_slice(), &at]),
    }
}

/// The keys of one block's history.
fn touched(reader: &dyn Reader, height: u64) -> Result<Vec<(B256, Option<B256>)>, StateError> {
    let what = || format!("list of what block {height} changed");
    let bytes = reader
        .get(&keyed_by_height(Table::Touched, height))?
        .ok_or_else(|| StateError::bad(what(), "not there"))?;
    let (entries, []) = bytes.as_chunks::<TOUCHED_ENTRY>() else {
        return Err(StateError::bad(what(), "of a wrong length"));
    };
    Ok(entries
        .iter()
        .map(|entry| {
            let (account, slot) = (B256::from_slice(&entry[..32]), B256::from_slice(&entry[32..]));
            (account, (!slot.is_zero()).then_some(slot))
        })
        .collect())
}
