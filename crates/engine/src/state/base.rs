//! Reading the base: the state on disk, as one snapshot of the database shows it.

use std::ops::Bound;
use std::sync::Arc;

use alloy_primitives::{B256, Bytes, U256};
use alloy_trie::TrieAccount;
use alys_database::{DatabaseError, Entry, Order, Reader, prefix_range};

use super::NodeUndo;
use super::keys::{Table, decode_slot, key, keyed_by_height, node_key};
use crate::error::StateError;
use crate::trie::NodeKey;

/// How many slots one scan reads while a whole storage is listed.
const SCAN_STEP: usize = 1024;

/// A database with nothing in it.
pub(super) struct Nothing;

impl Reader for Nothing {
    fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, DatabaseError> {
        Ok(None)
    }

    fn scan(&self, _: (Bound<&[u8]>, Bound<&[u8]>), _: Order, _: usize) -> Result<Vec<Entry>, DatabaseError> {
        Ok(Vec::new())
    }
}

/// The base at one moment.
#[derive(Clone)]
pub(crate) struct Base {
    reader: Arc<dyn Reader>,
}

impl std::fmt::Debug for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Base")
    }
}

impl Base {
    pub(crate) fn new(reader: Box<dyn Reader>) -> Self {
        Self { reader: Arc::from(reader) }
    }

    pub(crate) fn reader(&self) -> &dyn Reader {
        self.reader.as_ref()
    }

    pub(super) fn account(&self, account: &B256) -> Result<Option<TrieAccount>, StateError> {
        let bytes = self.reader.get(&key(Table::Account, &[account.as_slice()]))?;
        bytes.map(|bytes| decode_account(account, &bytes)).transpose()
    }

    pub(super) fn slot(&self, account: &B256, slot: &B256) -> Result<U256, StateError> {
        let bytes = self.reader.get(&key(Table::Slot, &[account.as_slice(), slot.as_slice()]))?;
        bytes.map_or(Ok(U256::ZERO), |bytes| decode_slot(account, slot, &bytes))
    }

    pub(super) fn code(&self, hash: &B256) -> Result<Option<Bytes>, StateError> {
        Ok(self.reader.get(&key(Table::Code, &[hash.as_slice()]))?.map(Bytes::from))
    }

    pub(super) fn node(&self, node: &NodeKey) -> Result<Option<Bytes>, StateError> {
        Ok(self.reader.get(&node_key(node))?.map(Bytes::from))
    }

    /// All slots of an account, in order.
    pub(super) fn slots(&self, account: &B256) -> Result<Vec<(B256, U256)>, StateError> {
        let prefix = key(Table::Slot, &[account.as_slice()]);
        let (mut from, to) = prefix_range(&prefix);
        let mut slots = Vec::new();
        loop {
            let range = (from.as_ref().map(Vec::as_slice), to.as_ref().map(Vec::as_slice));
            let entries = self.reader.scan(range, Order::Ascending, SCAN_STEP)?;
            let done = entries.len() < SCAN_STEP;
            for (entry, value) in entries {
                let slot = B256::try_from(&entry[prefix.len()..])
                    .map_err(|_| StateError::bad(format!("a slot of {account}"), "a short key"))?;
                slots.push((slot, decode_slot(account, &slot, &value)?));
                from = Bound::Excluded(entry);
            }
            if done {
                return Ok(slots);
            }
        }
    }

    /// The account after block `height`, which lies below the base.
    pub(super) fn account_at(&self, height: u64, account: &B256) -> Result<Option<TrieAccount>, StateError> {
        match self.first_after(height, key(Table::AccountHistory, &[account.as_slice()]))? {
            None => self.account(account),
            Some(bytes) if bytes.is_empty() => Ok(None),
            Some(bytes) => decode_account(account, &bytes).map(Some),
        }
    }

    /// The slot after block `height`, which lies below the base.
    pub(super) fn slot_at(&self, height: u64, account: &B256, slot: &B256) -> Result<U256, StateError> {
        let prefix = key(Table::SlotHistory, &[account.as_slice(), slot.as_slice()]);
        match self.first_after(height, prefix)? {
            None => self.slot(account, slot),
            Some(bytes) => decode_slot(account, slot, &bytes),
        }
    }

    /// The trie nodes before the block at `height`, which is the base or below it.
    pub(super) fn undo(&self, height: u64) -> Result<NodeUndo, StateError> {
        let bytes = self.reader.get(&keyed_by_height(Table::NodeUndo, height))?;
        let bytes =
            bytes.ok_or_else(|| StateError::bad(format!("node undo of block {height}"), "not there"))?;
        NodeUndo::decode(height, &bytes)
    }

    /// The value before the first block after `height` that changed the key with this prefix.
    fn first_after(&self, height: u64, prefix: Vec<u8>) -> Result<Option<Vec<u8>>, StateError> {
        let mut from = prefix.clone();
        from.extend_from_slice(&height.saturating_add(1).to_be_bytes());
        let mut to = prefix;
        to.extend_from_slice(&u64::MAX.to_be_bytes());
        let range = (Bound::Included(from.as_slice()), Bound::Included(to.as_slice()));
        let found = self.reader.scan(range, Order::Ascending, 1)?;
        Ok(found.into_iter().next().map(|(_, value)| value))
    }
}

pub(super) fn decode_account(account: &B256, bytes: &[u8]) -> Result<TrieAccount, StateError> {
    alloy_rlp::decode_exact(bytes).map_err(|error| StateError::bad(format!("account {account}"), error))
}
