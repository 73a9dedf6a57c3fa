//! Header, body and block.

use alloy_primitives::B256;
use alloy_rpc_types_engine::ExecutionPayloadV3;
use sha2::{Digest as _, Sha256};
use ssz::Encode as _;
use ssz_derive::{Decode, Encode};
use ssz_types::VariableList;
use tree_hash::TreeHash as _;
use tree_hash_derive::TreeHash;

use crate::{
    limits::{
        MaxBitcoinHeaders, MaxDeposits, MaxEvidence, MaxGovernance, MaxJustifications, MaxOptional,
        MaxPayouts, MaxRequestBytes, MaxRequests, MaxSettlements,
    },
    payload::{self, PayloadError},
    peg::{AuxPow, BitcoinHeader, Deposit, Equivocation, Governance, Handover, PayoutProposal, Settlement},
    slots::Slot,
    vote::Certificate,
};

/// The version of the protocol that headers name.
pub const VERSION: u32 = 1;

/// The head of a block. Its tree hash is the block's hash.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, TreeHash)]
pub struct Header {
    /// The protocol version, [`VERSION`].
    pub version: u32,
    /// The epoch whose members propose it.
    pub epoch: u64,
    /// The parent's height + 1, and the payload's block number.
    pub height: u64,
    /// The slot it was proposed in; greater than the parent's.
    pub slot: Slot,
    /// The proposer's index in its epoch: `slot mod n`.
    pub proposer: u8,
    /// The parent's hash.
    pub parent: B256,
    /// The execution block's hash.
    pub payload_hash: B256,
    /// The tree hash of the body.
    pub body_root: B256,
    /// The root of the peg state after the parent's payload and this body.
    pub peg_root: B256,
}

impl Header {
    /// The block's hash.
    #[must_use]
    pub fn hash(&self) -> B256 {
        self.tree_hash_root()
    }
}

/// The peg's data of one block, and what justifies its parent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, TreeHash)]
pub struct Body {
    /// The parent's notarization: none in block 1, two where the parent is joint.
    pub justification: VariableList<Certificate, MaxJustifications>,
    /// The finalization that ends a change of members.
    pub handover: VariableList<Handover, MaxOptional>,
    /// New headers for the relay.
    pub bitcoin_headers: VariableList<BitcoinHeader, MaxBitcoinHeaders>,
    /// Deposits with their SPV proofs.
    pub deposits: VariableList<Deposit, MaxDeposits>,
    /// Unsigned Bitcoin transactions that pay burns.
    pub payouts: VariableList<PayoutProposal, MaxPayouts>,
    /// Proofs that payouts are confirmed.
    pub settlements: VariableList<Settlement, MaxSettlements>,
    /// Bitcoin work over a bundle of ancestors.
    pub auxpow: VariableList<AuxPow, MaxOptional>,
    /// Decisions of the members.
    pub governance: VariableList<Governance, MaxGovernance>,
    /// Proofs that a member contradicted itself.
    pub evidence: VariableList<Equivocation, MaxEvidence>,
}

impl Body {
    /// The tree hash that a header commits to.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.tree_hash_root()
    }

    /// What the payload of this block must have as `prev_randao`: SHA-256 of the signatures that
    /// certify the parent; of the spec's digest in block 1, which has none.
    #[must_use]
    pub fn prev_randao(&self, spec_digest: B256) -> B256 {
        let mut hash = Sha256::new();
        if self.justification.is_empty() {
            hash.update(spec_digest);
        }
        for certificate in &self.justification {
            hash.update(certificate.signature);
        }
        B256::from_slice(&hash.finalize())
    }
}

/// The bytes of one execution request (EIP-7685): type byte and data.
pub type RequestBytes = VariableList<u8, MaxRequestBytes>;

/// A header, its body, and one Ethereum execution payload.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Block {
    /// The head, whose hash is the block's.
    pub header: Header,
    /// Peg data and justification.
    pub body: Body,
    /// The execution payload: encoded with the block, never tree-hashed.
    pub payload: ExecutionPayloadV3,
    /// Execution requests, which a client needs to verify the payload.
    pub execution_requests: VariableList<RequestBytes, MaxRequests>,
}

/// Why a copy of a block is not the block that its header names. The copy is dropped, whoever sent
/// it is blamed, and the block stays unjudged (`poisoned-copy`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCopy {
    /// The body is not the one the header commits to.
    #[error("the body's root is {found}, the header says {expected}")]
    Body {
        /// The root of the body at hand.
        found: B256,
        /// The root in the header.
        expected: B256,
    },
    /// The payload is not the one the header commits to.
    #[error("the payload's hash is {found}, the header says {expected}")]
    Payload {
        /// The hash of the payload at hand.
        found: B256,
        /// The hash in the header.
        expected: B256,
    },
    /// The payload is no execution block at all.
    #[error("the payload is not an execution block: {0}")]
    Malformed(#[from] PayloadError),
}

impl Block {
    /// The block's hash: its header's tree hash.
    #[must_use]
    pub fn hash(&self) -> B256 {
        self.header.hash()
    }

    /// Checks that body and payload are those the header commits to: recomputes `body_root`, and the
    /// execution block hash from (payload, parent, requests).
    ///
    /// # Errors
    /// [`BadCopy`].
    pub fn check_copy(&self) -> Result<(), BadCopy> {
        let found = self.body.root();
        if found != self.header.body_root {
            return Err(BadCopy::Body { found, expected: self.header.body_root });
        }
        let found = payload::block_hash(&self.payload, self.header.parent, &self.execution_requests)?;
        if found != self.header.payload_hash || found != self.payload_hash_as_given() {
            return Err(BadCopy::Payload { found, expected: self.header.payload_hash });
        }
        Ok(())
    }

    /// The hash that the payload names itself.
    #[must_use]
    pub fn payload_hash_as_given(&self) -> B256 {
        self.payload.payload_inner.payload_inner.block_hash
    }

    /// The SSZ bytes of the block.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.as_ssz_bytes()
    }

    /// Decodes a block.
    ///
    /// # Errors
    /// Where the bytes are not exactly the SSZ encoding of a block.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes)
    }
}

/// Decodes what must be exactly one encoding of `T`: no byte less, none more.
pub(crate) fn decode<T: ssz::Decode>(bytes: &[u8]) -> Result<T, DecodeError> {
    T::from_ssz_bytes(bytes).map_err(|error| DecodeError(format!("{error:?}")))
}

/// The bytes are not the SSZ encoding of what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the SSZ encoding expected: {0}")]
pub struct DecodeError(pub String);
