//! The Merkle-Patricia trie of the state, its nodes keyed by path.
//!
//! Ethereum's state root is the hash of a trie over hashed accounts, each of which carries the root
//! of a trie over its hashed storage slots (Yellow Paper, appendix D). Here a node is stored under
//! the nibbles that lead to it, not under its hash. So an update overwrites in place, nothing has to
//! be counted or collected, and two equal sub-tries of different accounts share nothing.
//!
//! [`update`] changes many keys of one trie at once. It loads the nodes on the paths that change,
//! hashes those same nodes, and touches no other. What it changed, with the value before, comes back
//! as a [`TrieUpdate`]; writing it is the caller's business. [`prove`] reads the nodes that prove
//! one key (EIP-1186).
//!
//! All keys of one trie have the same length, as they are hashes: a branch never holds a value.

mod node;
mod proof;
mod update;

pub use proof::prove;
pub use update::{TrieUpdate, update};

use alloy_primitives::{B256, Bytes};
use nybbles::Nibbles;

use crate::error::StateError;

/// Which trie a node belongs to, and where it stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeKey {
    /// The hashed address whose storage trie it is; `None` in the trie of accounts.
    pub owner: Option<B256>,
    /// The nibbles from the root to the node.
    pub path: Nibbles,
}

/// Where the nodes of one trie are read from.
pub trait NodeSource {
    /// The RLP of the node at `path`, or `None` where no node of 32 bytes or more stands there.
    ///
    /// # Errors
    /// Whatever the store behind it reports.
    fn node(&self, path: &Nibbles) -> Result<Option<Bytes>, StateError>;

    /// The owner of the trie, for error messages.
    fn owner(&self) -> Option<B256>;
}

/// One key of an update: its path, and the new value or `None` to delete it.
pub type Leaf = (Nibbles, Option<Vec<u8>>);

#[cfg(test)]
mod tests;
