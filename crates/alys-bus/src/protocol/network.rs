//! Network: what goes out to peers. The actor comes with its own issue; chain runs without it where
//! a federation has one member.

use std::sync::Arc;

use alys_primitives::{B256, Certificate, SignedProposal, SignedVote};

use crate::{Reply, protocol_kinds};

/// What network can be told and asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum NetworkMessage {
    /// Gossip a block in its proposer's envelope. Told by chain; a refusal drops it: chain re-sends on
    /// its timer until it is superseded.
    BroadcastBlock {
        /// The block.
        proposal: Arc<SignedProposal>,
    },
    /// Gossip a vote in its envelope. Told by chain; a refusal drops it: chain re-sends.
    BroadcastVote {
        /// The vote.
        vote: Arc<SignedVote>,
    },
    /// Gossip a certificate. Told by chain; a refusal drops it: chain re-sends.
    BroadcastCertificate {
        /// The certificate.
        certificate: Arc<Certificate>,
    },
    /// Fetch a block by its hash from peers. Asked by chain.
    FetchBlock {
        /// The block's hash.
        hash: B256,
        /// The block, whose header has that hash; nothing else of it was checked.
        reply: Reply<FetchedBlock, NetworkError>,
    },
    /// Count a fault against a peer. Told by chain; a refusal drops it.
    BlamePeer {
        /// The peer.
        source: Source,
        /// What it did, for people.
        reason: String,
    },
}

/// A peer, by the number that network gave it for as long as it is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(pub u64);

/// A block that a peer sent on request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedBlock {
    /// The block in its proposer's envelope.
    pub proposal: Arc<SignedProposal>,
    /// Who sent this copy.
    pub source: Source,
}

protocol_kinds!(
    NetworkMessage,
    "network",
    [BroadcastBlock, BroadcastVote, BroadcastCertificate, FetchBlock, BlamePeer]
);

/// Why network could not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// No peer had it in time.
    #[error("no peer has {0}")]
    NotFound(B256),
}
