//! What one block changed, kept in memory while it is above the base.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes, U256};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use alloy_trie::TrieAccount;
use nybbles::Nibbles;

use crate::error::StateError;
use crate::trie::NodeKey;

/// A value before and after a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<T> {
    /// What the parent's state has.
    pub before: T,
    /// What the block's state has.
    pub after: T,
}

/// All that one block changed in the state. Keys whose value did not change are not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlay {
    /// Accounts by hashed address.
    pub accounts: BTreeMap<B256, Change<Option<TrieAccount>>>,
    /// Slots by hashed address and hashed slot; zero is no slot.
    pub slots: BTreeMap<(B256, B256), Change<U256>>,
    /// Trie nodes.
    pub nodes: BTreeMap<NodeKey, Change<Option<Bytes>>>,
    /// New code by its hash.
    pub code: BTreeMap<B256, Bytes>,
}

/// The trie nodes before one block that has gone into the base: proofs reach back over these. On the
/// disk only, as one record for each block: few ask, and full blocks have megabytes of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct NodeUndo(pub(crate) BTreeMap<NodeKey, Option<Bytes>>);

#[derive(RlpEncodable, RlpDecodable)]
struct UndoRecord {
    owner: Bytes,
    path: Bytes,
    before: Bytes,
}

impl NodeUndo {
    /// The record that leads back over `overlay`.
    pub(super) fn record(overlay: &Overlay) -> Vec<u8> {
        let records: Vec<_> = overlay
            .nodes
            .iter()
            .map(|(key, change)| UndoRecord {
                owner: key.owner.map(Bytes::from).unwrap_or_default(),
                path: key.path.to_vec().into(),
                before: change.before.clone().unwrap_or_default(),
            })
            .collect();
        alloy_rlp::encode(records)
    }

    pub(super) fn decode(height: u64, bytes: &[u8]) -> Result<Self, StateError> {
        let bad = |reason: &str| StateError::bad(format!("node undo of block {height}"), reason);
        let records: Vec<UndoRecord> =
            alloy_rlp::decode_exact(bytes).map_err(|error| bad(&error.to_string()))?;
        let mut nodes = BTreeMap::new();
        for record in records {
            let owner = match record.owner.len() {
                0 => None,
                32 => Some(B256::from_slice(&record.owner)),
                _ => return Err(bad("an owner that is no hash")),
            };
            if record.path.len() > 64 || record.path.iter().any(|nibble| *nibble > 0xf) {
                return Err(bad("a path that is no nibbles"));
            }
            let path = Nibbles::from_nibbles(&record.path);
            let before = (!record.before.is_empty()).then_some(record.before);
            nodes.insert(NodeKey { owner, path }, before);
        }
        Ok(Self(nodes))
    }
}
