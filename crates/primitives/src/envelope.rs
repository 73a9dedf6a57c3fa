//! How a member's proposal or vote travels: signed by its identity key (Ed25519).
//!
//! An envelope is checked before anything in it is stored, so that nobody can speak, or be blamed,
//! in another's name. Whoever re-sends a message re-sends its envelope.

use alloy_primitives::{B256, FixedBytes, b256};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use ssz::Encode as _;
use ssz_derive::{Decode, Encode};
use tree_hash::TreeHash;
use tree_hash_derive::TreeHash;

use crate::{
    block::{Block, DecodeError, Header, decode},
    vote::Vote,
};

/// What sets these signatures apart from all others: SHA-256 of `alys/envelope/1`.
pub const ENVELOPE_DOMAIN: B256 = b256!("ac8a4270fb85c96477bb44cf2123057cbcf7527a56036a3758a5f288601221e1");

/// A member's public identity key: Ed25519, 32 bytes (RFC 8032), libp2p's too.
pub type IdentityKey = FixedBytes<32>;

/// An Ed25519 signature, 64 bytes.
pub type IdentitySignature = FixedBytes<64>;

/// Why an envelope was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The member index is outside the member list.
    #[error("member {index} is not one of the {members} members")]
    NotAMember {
        /// The index that the message names.
        index: u8,
        /// How many members there are.
        members: usize,
    },
    /// The identity key in the spec or registry is no Ed25519 key.
    #[error("the identity key of member {index} is not an Ed25519 key")]
    BadKey {
        /// The member.
        index: u8,
    },
    /// The signature is not the member's over this content.
    #[error("the envelope is not signed by member {index}")]
    WrongSignature {
        /// The member that the message names.
        index: u8,
    },
}

#[derive(TreeHash)]
struct EnvelopeData {
    domain: B256,
    chain_id: u64,
    kind: u8,
    member: u8,
    content: B256,
}

/// A message of one member that its identity key signs.
pub trait Envelope {
    /// The member who speaks.
    fn member(&self) -> u8;
    /// The Ed25519 signature over [`Envelope::signing_root`].
    fn signature(&self) -> &IdentitySignature;
    /// The 32 bytes that are signed.
    fn signing_root(&self, chain_id: u64) -> B256;

    /// Checks that the member it names is one of `identities` and signed it.
    ///
    /// # Errors
    /// [`EnvelopeError`], which names the member.
    fn verify(&self, chain_id: u64, identities: &[IdentityKey]) -> Result<(), EnvelopeError> {
        let index = self.member();
        let key = identities
            .get(usize::from(index))
            .ok_or(EnvelopeError::NotAMember { index, members: identities.len() })?;
        let key = VerifyingKey::from_bytes(&key.0).map_err(|_| EnvelopeError::BadKey { index })?;
        let root = self.signing_root(chain_id);
        key.verify_strict(root.as_slice(), &Signature::from_bytes(&self.signature().0))
            .map_err(|_| EnvelopeError::WrongSignature { index })
    }
}

const PROPOSAL: u8 = 0;
const VOTE: u8 = 1;

/// The root that a proposer's identity key signs for `header`.
#[must_use]
pub fn proposal_root(chain_id: u64, header: &Header) -> B256 {
    let content = header.hash();
    EnvelopeData { domain: ENVELOPE_DOMAIN, chain_id, kind: PROPOSAL, member: header.proposer, content }
        .tree_hash_root()
}

/// The root that a voter's identity key signs for `vote`.
#[must_use]
pub fn vote_root(chain_id: u64, vote: &Vote) -> B256 {
    let content = vote.tree_hash_root();
    EnvelopeData { domain: ENVELOPE_DOMAIN, chain_id, kind: VOTE, member: vote.member, content }
        .tree_hash_root()
}

/// Signs an envelope's root with an identity key.
#[must_use]
pub fn sign(key: &SigningKey, root: B256) -> IdentitySignature {
    FixedBytes(key.sign(root.as_slice()).to_bytes())
}

/// A proposal: the whole block, signed by its proposer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignedProposal {
    /// The block.
    pub block: Block,
    /// The proposer's signature over the header.
    pub signature: IdentitySignature,
}

impl SignedProposal {
    /// The part that suffices as evidence.
    #[must_use]
    pub fn signed_header(&self) -> SignedHeader {
        SignedHeader { header: self.block.header.clone(), signature: self.signature }
    }

    /// The SSZ bytes, as they travel.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.as_ssz_bytes()
    }

    /// Decodes a proposal. Checks no signature.
    ///
    /// # Errors
    /// Where the bytes are not exactly the SSZ encoding of one.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes)
    }
}

impl Envelope for SignedProposal {
    fn member(&self) -> u8 {
        self.block.header.proposer
    }
    fn signature(&self) -> &IdentitySignature {
        &self.signature
    }
    fn signing_root(&self, chain_id: u64) -> B256 {
        proposal_root(chain_id, &self.block.header)
    }
}

/// A proposal without its block: what evidence needs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TreeHash)]
pub struct SignedHeader {
    /// The header.
    pub header: Header,
    /// The proposer's signature over it.
    pub signature: IdentitySignature,
}

impl Envelope for SignedHeader {
    fn member(&self) -> u8 {
        self.header.proposer
    }
    fn signature(&self) -> &IdentitySignature {
        &self.signature
    }
    fn signing_root(&self, chain_id: u64) -> B256 {
        proposal_root(chain_id, &self.header)
    }
}

/// A vote, signed by its voter.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TreeHash)]
pub struct SignedVote {
    /// The vote.
    pub vote: Vote,
    /// The voter's signature over it.
    pub signature: IdentitySignature,
}

impl SignedVote {
    /// The SSZ bytes, as they travel.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.as_ssz_bytes()
    }

    /// Decodes a vote. Checks no signature.
    ///
    /// # Errors
    /// Where the bytes are not exactly the SSZ encoding of one: its length is fixed.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes)
    }
}

impl Envelope for SignedVote {
    fn member(&self) -> u8 {
        self.vote.member
    }
    fn signature(&self) -> &IdentitySignature {
        &self.signature
    }
    fn signing_root(&self, chain_id: u64) -> B256 {
        vote_root(chain_id, &self.vote)
    }
}
