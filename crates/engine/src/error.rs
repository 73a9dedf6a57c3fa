//! What can go wrong below the rules of a block: the state on disk, and questions out of reach.

use alloy_primitives::B256;
use alys_database::DatabaseError;
use nybbles::Nibbles;

/// An error of the state or of the records beside it. None of them says anything about a block's
/// validity.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The database refused or found damage.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A trie node that a stored node refers to is not there.
    #[error(
        "state trie (owner {owner:?}): node {hash} at path {path:?} is missing; \
         remove the engine's database, it is rebuilt from the stored blocks"
    )]
    MissingNode {
        /// The hashed address of the storage trie, `None` for the trie of accounts.
        owner: Option<B256>,
        /// Where the node should stand.
        path: Nibbles,
        /// The hash its parent names.
        hash: B256,
    },
    /// A stored trie node cannot be read.
    #[error(
        "state trie (owner {owner:?}): the node at path {path:?} is damaged ({reason}); \
         remove the engine's database, it is rebuilt from the stored blocks"
    )]
    BadNode {
        /// The hashed address of the storage trie, `None` for the trie of accounts.
        owner: Option<B256>,
        /// Where the node stands.
        path: Nibbles,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A stored record cannot be read.
    #[error(
        "engine database: {what} is damaged ({reason}); \
         remove the engine's database, it is rebuilt from the stored blocks"
    )]
    BadRecord {
        /// Which record.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Code that an account names is not there.
    #[error(
        "engine database: code {0} is missing; \
         remove the engine's database, it is rebuilt from the stored blocks"
    )]
    MissingCode(B256),
    /// The block is not known.
    #[error("block {0} is not known")]
    UnknownBlock(B256),
    /// No canonical block has this height.
    #[error("no block at height {height}, the head is {head}")]
    NoSuchHeight {
        /// The height asked for.
        height: u64,
        /// The head's height.
        head: u64,
    },
    /// The state at that block has been pruned.
    #[error("state at block {asked} is pruned: it is kept from block {oldest} on (`engine.history`)")]
    Pruned {
        /// The height asked for.
        asked: u64,
        /// The oldest height whose state can be read.
        oldest: u64,
    },
    /// Trie nodes at that block are no longer there.
    #[error("a proof at block {asked} is out of reach: trie nodes are kept from block {oldest} on")]
    ProofOutOfReach {
        /// The height asked for.
        asked: u64,
        /// The oldest height whose trie can be read.
        oldest: u64,
    },
    /// The database belongs to another chain.
    #[error("the engine's database was made for genesis {found}, this chain's is {expected}")]
    OtherChain {
        /// The genesis hash in the database.
        found: B256,
        /// The genesis hash of the chain.
        expected: B256,
    },
    /// The database was written by another version of this program.
    #[error("the engine's database has layout {found}, this program reads {expected}")]
    OtherLayout {
        /// The layout's number in the database.
        found: u64,
        /// The layout's number of this program.
        expected: u64,
    },
    /// A state root computed here is not the one the header names.
    #[error("state root after block {height} is {found}, its header says {expected}")]
    RootMismatch {
        /// The block's height.
        height: u64,
        /// What was computed.
        found: B256,
        /// What the header says.
        expected: B256,
    },
}

impl revm::database_interface::DBErrorMarker for StateError {}

impl StateError {
    /// Whether the database holds what nobody wrote there, or has lost something. Opening it again does not help; making it
    /// anew does.
    pub(crate) const fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Database(DatabaseError::Corrupt { .. })
                | Self::MissingNode { .. }
                | Self::BadNode { .. }
                | Self::BadRecord { .. }
                | Self::MissingCode(_)
        )
    }

    pub(crate) fn bad(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::BadRecord { what: what.into(), reason: reason.to_string() }
    }
}
