//! The layout of the engine's database: one prefix byte for each table.
//!
//! | table | key | value |
//! |---|---|---|
//! | `Meta` | name | see `chain::records` |
//! | `Account` | hashed address | RLP of the trie account |
//! | `Slot` | hashed address, hashed slot | value, big-endian without leading zeros |
//! | `Code` | code hash | code |
//! | `AccountNode` | nibbles, one a byte | RLP of the trie node |
//! | `SlotNode` | hashed address, nibbles | RLP of the trie node |
//! | `AccountHistory` | hashed address, height | the account before that block, empty for none |
//! | `SlotHistory` | hashed address, hashed slot, height | the slot before that block |
//! | `Touched` | height | the keys of that block's history |
//! | `NodeUndo` | height | the trie nodes before that block |
//! | `Canonical` | height | block hash |
//! | `Block` | block hash | block, senders |
//! | `Receipts` | block hash | receipts |
//! | `Transaction` | transaction hash | height, index |
//! | `Summary` | height | hash, header and tips of the canonical block |
//!
//! Heights are 8 bytes, big-endian, so that they sort.

use alloy_primitives::{B256, U256};

use crate::error::StateError;
use crate::trie::NodeKey;

/// A table of the engine's database; the number is its prefix byte and part of the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Table {
    Meta = 0,
    Account = 1,
    Slot = 2,
    Code = 3,
    AccountNode = 4,
    SlotNode = 5,
    AccountHistory = 6,
    SlotHistory = 7,
    Touched = 8,
    NodeUndo = 9,
    Canonical = 10,
    Block = 11,
    Receipts = 12,
    Transaction = 13,
    Summary = 14,
}

/// The key of `parts`, joined, in `table`.
pub(crate) fn key(table: Table, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    key.push(table as u8);
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

/// The key of a table that is keyed by height.
pub(crate) fn keyed_by_height(table: Table, height: u64) -> Vec<u8> {
    key(table, &[&height.to_be_bytes()])
}

/// The key of a trie node.
pub(super) fn node_key(node: &NodeKey) -> Vec<u8> {
    let path = node.path.to_vec();
    match &node.owner {
        None => key(Table::AccountNode, &[&path]),
        Some(owner) => key(Table::SlotNode, &[owner.as_slice(), &path]),
    }
}

/// A slot's value as it is stored; zero is not stored.
pub(super) fn encode_slot(value: U256) -> Vec<u8> {
    value.to_be_bytes_trimmed_vec()
}

pub(super) fn decode_slot(account: &B256, slot: &B256, bytes: &[u8]) -> Result<U256, StateError> {
    U256::try_from_be_slice(bytes)
        .ok_or_else(|| StateError::bad(format!("slot {slot} of {account}"), "longer than 32 bytes"))
}
