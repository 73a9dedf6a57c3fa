//! Votes, certificates, and the root that members sign.

use alloy_primitives::{B256, b256};
use ssz::Encode as _;
use ssz_derive::{Decode, Encode};
use tree_hash::TreeHash;
use tree_hash_derive::TreeHash;

use crate::{
    block::{DecodeError, decode},
    bls::{BlsError, BlsSignature, VerifyingKey},
    slots::Slot,
};

/// What sets these signatures apart from all others: SHA-256 of `alys/vote/1`.
pub const VOTE_DOMAIN: B256 = b256!("c5e70abccd44c7064ba2d8f92689c16684c8f573fe8a0e51f4177ddfd16e2cf0");

/// Which of the two votes of a slot (protocol, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VoteKind {
    /// "This is the first proposal I saw in its slot, and it is valid."
    Notarize,
    /// "I saw its notarization in time, and am locked on its slot."
    Finalize,
}

impl VoteKind {
    /// Both kinds, in the order of their SSZ numbers.
    pub const ALL: [Self; 2] = [Self::Notarize, Self::Finalize];

    const fn number(self) -> u8 {
        match self {
            Self::Notarize => 0,
            Self::Finalize => 1,
        }
    }
}

impl ssz::Encode for VoteKind {
    fn is_ssz_fixed_len() -> bool {
        true
    }
    fn ssz_fixed_len() -> usize {
        1
    }
    fn ssz_bytes_len(&self) -> usize {
        1
    }
    fn ssz_append(&self, buf: &mut Vec<u8>) {
        buf.push(self.number());
    }
}

impl ssz::Decode for VoteKind {
    fn is_ssz_fixed_len() -> bool {
        true
    }
    fn ssz_fixed_len() -> usize {
        1
    }
    fn from_ssz_bytes(bytes: &[u8]) -> Result<Self, ssz::DecodeError> {
        match bytes {
            [0] => Ok(Self::Notarize),
            [1] => Ok(Self::Finalize),
            [other] => Err(ssz::DecodeError::BytesInvalid(format!("vote kind {other} is neither 0 nor 1"))),
            _ => Err(ssz::DecodeError::InvalidByteLength { len: bytes.len(), expected: 1 }),
        }
    }
}

impl TreeHash for VoteKind {
    fn tree_hash_type() -> tree_hash::TreeHashType {
        u8::tree_hash_type()
    }
    fn tree_hash_packed_encoding(&self) -> tree_hash::PackedEncoding {
        self.number().tree_hash_packed_encoding()
    }
    fn tree_hash_packing_factor() -> usize {
        u8::tree_hash_packing_factor()
    }
    fn tree_hash_root(&self) -> B256 {
        self.number().tree_hash_root()
    }
}

/// What one vote is about: the same for all members of a quorum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, TreeHash)]
pub struct VoteData {
    /// The epoch of the set that signs.
    pub epoch: u64,
    /// Notarize or Finalize.
    pub kind: VoteKind,
    /// The block's slot.
    pub slot: Slot,
    /// The block's height.
    pub height: u64,
    /// The block's hash.
    pub block: B256,
}

#[derive(TreeHash)]
struct SigningData {
    domain: B256,
    chain_id: u64,
    data: VoteData,
}

impl VoteData {
    /// The 32 bytes that are signed: the tree hash of (domain, chain id, this).
    #[must_use]
    pub fn signing_root(&self, chain_id: u64) -> B256 {
        SigningData { domain: VOTE_DOMAIN, chain_id, data: *self }.tree_hash_root()
    }
}

/// One member's signature share over one block.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TreeHash)]
pub struct Vote {
    /// What is voted for.
    pub data: VoteData,
    /// The voter's index in its epoch.
    pub member: u8,
    /// The share: a G2 point, to be checked under the member's own public share.
    pub share: BlsSignature,
}

/// `q` votes of one kind, combined: a notarization or a finalization.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TreeHash)]
pub struct Certificate {
    /// What was voted for.
    pub data: VoteData,
    /// The combined signature, which verifies under the epoch's group key.
    pub signature: BlsSignature,
}

impl Certificate {
    /// The SSZ bytes, as they travel.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.as_ssz_bytes()
    }

    /// Decodes a certificate. Checks no signature.
    ///
    /// # Errors
    /// Where the bytes are not exactly the SSZ encoding of one: its length is fixed.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes)
    }

    /// Checks the signature under the epoch's group key.
    ///
    /// The caller chooses the key by `data.epoch`.
    ///
    /// # Errors
    /// As [`VerifyingKey::verify`].
    pub fn verify(&self, chain_id: u64, group_key: &VerifyingKey) -> Result<(), BlsError> {
        group_key.verify(self.data.signing_root(chain_id), &self.signature)
    }
}
