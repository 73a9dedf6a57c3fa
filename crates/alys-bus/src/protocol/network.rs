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
        /// The block, checked to have that hash.
        reply: Reply<Arc<SignedProposal>, NetworkError>,
    },
}

protocol_kinds!(
    NetworkMessage,
    "network",
    [BroadcastBlock, BroadcastVote, BroadcastCertificate, FetchBlock]
);

/// Why network could not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// No peer had it in time.
    #[error("no peer has {0}")]
    NotFound(B256),
}
