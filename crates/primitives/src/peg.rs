//! The peg's records as they stand in a block body.
//!
//! The shapes are fixed here because `body_root` commits to them. A rule set that is not yet in
//! force refuses the items it would judge ([`crate::state::StateError::NotInForce`]).

use alloy_primitives::{Address, B256, FixedBytes};
use ssz_derive::{Decode, Encode};
use ssz_types::VariableList;
use tree_hash_derive::TreeHash;

use crate::{
    envelope::{SignedHeader, SignedVote},
    limits::{
        MaxBranch, MaxBundle, MaxBurnsPerPayout, MaxGovernanceBytes, MaxMemberList, MaxOptional, MaxOutputs,
        MaxTransactionBytes,
    },
    vote::Certificate,
};

/// A Bitcoin block header: 80 bytes as Bitcoin serializes it.
pub type BitcoinHeader = FixedBytes<80>;

/// A Bitcoin transaction without witness, as Bitcoin serializes it.
pub type TransactionBytes = VariableList<u8, MaxTransactionBytes>;

/// A Merkle branch from a leaf upwards; hashes in Bitcoin's internal byte order.
pub type Branch = VariableList<B256, MaxBranch>;

/// Outputs of one Bitcoin transaction to be credited, with the proof that it is in a block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, TreeHash)]
pub struct Deposit {
    /// The transaction, stripped of its witness.
    pub transaction: TransactionBytes,
    /// Which outputs, in rising order.
    pub outputs: VariableList<u32, MaxOutputs>,
    /// For each output the EVM address it is credited to.
    pub recipients: VariableList<Address, MaxOutputs>,
    /// The transaction's place in its block.
    pub index: u32,
    /// The Merkle branch to the header's root.
    pub branch: Branch,
    /// The Bitcoin block's hash, internal byte order.
    pub header: B256,
}

/// A burn's identity: the block it happened in and its log's index there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, TreeHash)]
pub struct BurnId {
    /// The hash of the block that contains the burn.
    pub block: B256,
    /// The index of the log in that block.
    pub log_index: u64,
}

/// An unsigned Bitcoin transaction that pays burns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, TreeHash)]
pub struct PayoutProposal {
    /// The payout that this replaces (RBF), by its first version's txid; or none.
    pub replaces: VariableList<B256, MaxOptional>,
    /// The burns it pays, in queue order.
    pub burns: VariableList<BurnId, MaxBurnsPerPayout>,
    /// The unsigned transaction.
    pub transaction: TransactionBytes,
}

/// The proof that a payout is confirmed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, TreeHash)]
pub struct Settlement {
    /// The confirmed version's txid, internal byte order.
    pub txid: B256,
    /// Its place in its block.
    pub index: u32,
    /// The Merkle branch to the header's root.
    pub branch: Branch,
    /// The Bitcoin block's hash, internal byte order.
    pub header: B256,
}

/// Bitcoin work over a bundle of our blocks (merged mining).
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, TreeHash)]
pub struct AuxPow {
    /// The block anchored before, which the bundle follows.
    pub previous_anchor: B256,
    /// The bundle's block hashes, oldest first.
    pub bundle: VariableList<B256, MaxBundle>,
    /// Whom the miner wants paid.
    pub fee_recipient: Address,
    /// The target that the work commits to, in Bitcoin's compact form.
    pub bits: u32,
    /// The parent block's coinbase transaction, stripped of its witness.
    pub coinbase: TransactionBytes,
    /// The Merkle branch from the coinbase (index 0) to the parent header's root.
    pub coinbase_branch: Branch,
    /// The branch from the bundle root to the merged-mining root in the coinbase.
    pub chain_branch: Branch,
    /// Our slot in that tree.
    pub chain_index: u32,
    /// The parent block's header.
    pub parent: BitcoinHeader,
}

/// A decision of `q` members, certified by them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TreeHash)]
pub struct Governance {
    /// What kind of decision; numbers are assigned as rules come into force.
    pub kind: u16,
    /// The decision, encoded by its kind.
    pub content: VariableList<u8, MaxGovernanceBytes>,
    /// The members who signed, in rising order.
    pub members: VariableList<u8, MaxMemberList>,
    /// Their identity signatures, in the same order.
    pub signatures: VariableList<FixedBytes<64>, MaxMemberList>,
}

/// The finalization that ends a change of members, carried on chain once.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TreeHash)]
pub struct Handover {
    /// The old set's and the new set's finalization of one block.
    pub certificates: VariableList<Certificate, crate::limits::MaxJustifications>,
}

/// Two messages of one member that contradict each other: exactly one list holds exactly two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, TreeHash)]
pub struct Equivocation {
    /// Two proposals of one slot.
    pub proposals: VariableList<SignedHeader, crate::limits::MaxJustifications>,
    /// Two votes of one kind in one slot.
    pub votes: VariableList<SignedVote, crate::limits::MaxJustifications>,
}
