//! Federation: the members, this node's keys, and the combining of signature shares.

use alys_primitives::{
    BlsPublicKey, Certificate, Header, IdentityKey, IdentitySignature, SignedVote, Vote, vote::VoteData,
};

use super::storage::Promises;
use crate::{Reply, protocol_kinds};

/// What federation can be asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum FederationMessage {
    /// Remind the signer of what this member promised before it was started. Sent by chain at each of
    /// its own starts, before it asks for a signature.
    ///
    /// The signer takes over what is newer than what it remembers, and forgets nothing; until it was
    /// reminded once it refuses to sign ([`FederationError::SignerRefuses`]). So a restart of the
    /// whole node makes no second vote in a slot, whatever chain asks for. Idempotent; `Ok` without
    /// keys too.
    RecallPromises {
        /// The record, as storage has it.
        promises: Box<Promises>,
        /// Answered when the signer will contradict none of it.
        reply: Reply<(), FederationError>,
    },
    /// Sign a vote with this member's share and its envelope with the identity key. Sent by chain.
    ///
    /// Not yet a promise: chain makes it durable before it leaves. The signer has rules of its own on
    /// top: slots rise within a kind, and a second vote of a kind in one slot must be for the same
    /// block ([`FederationError::SignerRefuses`]). Idempotent.
    SignVote {
        /// What to vote for.
        data: VoteData,
        /// The vote in its envelope.
        reply: Reply<Box<SignedVote>, FederationError>,
    },
    /// Sign a proposal's envelope. Sent by chain. Idempotent; a second header in one slot is refused.
    SignProposal {
        /// The header.
        header: Box<Header>,
        /// The signature over it.
        reply: Reply<IdentitySignature, FederationError>,
    },
    /// Add one member's share to those collected for the same block and kind. Sent by chain, once the
    /// envelope has been checked.
    ///
    /// Idempotent. Shares are combined unverified when `q` are there, and the result is checked once;
    /// only if that fails is each share checked and the liars named.
    CollectSignature {
        /// The vote with its share.
        vote: Box<Vote>,
        /// What that led to.
        reply: Reply<Collected, FederationError>,
    },
    /// Check a certificate under its epoch's group key. Sent by anyone.
    VerifyCertificate {
        /// The certificate.
        certificate: Box<Certificate>,
        /// `Ok` where it verifies.
        reply: Reply<(), FederationError>,
    },
    /// Which member, if any, has this identity key. Sent by network and rpc.
    ValidateMember {
        /// The key a peer has proved to hold.
        identity: IdentityKey,
        /// The member's index in the present epoch.
        reply: Reply<Option<u8>, FederationError>,
    },
    /// The present epoch's public keys. Sent by anyone.
    Members {
        /// The set.
        reply: Reply<Box<MemberSet>, FederationError>,
    },
    /// Change the quorum of the federation, by a new epoch. Sent by the operator.
    ///
    /// Answered with `Unsupported` until changes of members are in force.
    UpdateThreshold {
        /// The new quorum.
        quorum: u8,
        /// The epoch that begins.
        reply: Reply<u64, FederationError>,
    },
}

protocol_kinds!(
    FederationMessage,
    "federation",
    [
        RecallPromises,
        SignVote,
        SignProposal,
        CollectSignature,
        VerifyCertificate,
        ValidateMember,
        Members,
        UpdateThreshold,
    ]
);

/// What a share led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Collected {
    /// More are needed.
    Waiting {
        /// Shares at hand, of distinct members.
        have: usize,
        /// The quorum.
        need: usize,
    },
    /// Combined and checked. Late shares get the same certificate again.
    Certified {
        /// The notarization or finalization.
        certificate: Certificate,
        /// Members whose shares were false; their envelopes are the evidence.
        blamed: Vec<u8>,
    },
    /// Combining failed, the liars' shares are out, and more are needed.
    Blamed {
        /// Members whose shares were false.
        members: Vec<u8>,
        /// Good shares at hand.
        have: usize,
        /// The quorum.
        need: usize,
    },
}

/// One epoch's members and keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberSet {
    /// The epoch.
    pub epoch: u64,
    /// Identity keys by index.
    pub identities: Vec<IdentityKey>,
    /// The key under which certificates verify.
    pub group_key: BlsPublicKey,
    /// How many shares make a certificate.
    pub quorum: usize,
    /// This node's own index, where it holds a member's keys.
    pub own: Option<u8>,
}

/// Why federation could not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FederationError {
    /// This node holds no member's keys.
    #[error("this node holds no member's keys")]
    NoKeys,
    /// The signer's own rules refuse.
    #[error("the signer refuses: {0}")]
    SignerRefuses(String),
    /// The member is not one of the epoch's.
    #[error("member {member} is not one of the {members} members of epoch {epoch}")]
    NotAMember {
        /// The index named.
        member: u8,
        /// How many there are.
        members: usize,
        /// The epoch.
        epoch: u64,
    },
    /// The epoch is not one this node knows.
    #[error("epoch {0} is not known here")]
    UnknownEpoch(u64),
    /// The vote lies outside the window in which shares are collected.
    #[error("slot {slot} lies outside the window {from}..={to} in which shares are collected")]
    OutsideWindow {
        /// The vote's slot.
        slot: u64,
        /// The lowest slot collected.
        from: u64,
        /// The highest slot collected.
        to: u64,
    },
    /// The member has voted for as many blocks in one slot as shares are held of it.
    #[error("member {member} has voted for {most} other blocks in slot {slot} already")]
    TooManyBallots {
        /// The equivocator.
        member: u8,
        /// The slot.
        slot: u64,
        /// For how many blocks of a slot and kind the shares of one member are held.
        most: usize,
    },
    /// A signature does not verify.
    #[error("{0}")]
    BadSignature(String),
}
