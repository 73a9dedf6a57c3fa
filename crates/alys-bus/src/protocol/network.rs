//! Network: what goes out to peers, what comes in, and how they behave. The actor comes with its own issue; chain runs without it where
//! a federation has one member.

use std::sync::Arc;

use alys_primitives::{B256, Certificate, IdentityKey, SignedProposal, SignedVote};

use super::storage::BlockRef;
use crate::{Reply, Subscription, protocol_kinds};

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
    /// Blocks as peers send them, from now on. Sent by rpc and operators' tools; chain needs none, it is
    /// told every proposal.
    ///
    /// Answered at once; each ask is a subscription of its own, which ends when it is dropped. Every block
    /// comes once, in its proposer's envelope, which was checked; nothing else of it was. Who is slow is told
    /// how many were missed, and reads them from storage.
    SubscribeToBlocks {
        /// The blocks.
        reply: Reply<Subscription<FetchedBlock>, NetworkError>,
    },
    /// How the peers are. Sent by rpc, operators' tools and the supervisor.
    ///
    /// Answered at once. Idempotent. Empty where nobody is connected, which is no error.
    PeerHealth {
        /// One entry a connected peer, longest connected first.
        reply: Reply<Vec<PeerHealth>, NetworkError>,
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

/// How one peer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerHealth {
    /// Its number for as long as it is connected.
    pub source: Source,
    /// Its public identity key, which it proved to hold.
    pub identity: IdentityKey,
    /// Its index among the members of the present epoch, where it is one.
    pub member: Option<u8>,
    /// Where it is reached, as network writes addresses.
    pub address: String,
    /// Since when it is connected, Unix ms.
    pub connected_ms: u64,
    /// Its head, as it says.
    pub head: BlockRef,
    /// From a question to its answer, ms; `None` before the first.
    pub round_trip_ms: Option<u32>,
    /// 0 for a stranger, less after faults; at the configured least it is banned for a time.
    pub score: i32,
}

protocol_kinds!(
    NetworkMessage,
    "network",
    [
        BroadcastBlock,
        BroadcastVote,
        BroadcastCertificate,
        FetchBlock,
        SubscribeToBlocks,
        PeerHealth,
        BlamePeer,
    ]
);

/// Why network could not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// No peer had it in time.
    #[error("no peer has {0}")]
    NotFound(B256),
    /// As many subscriptions are open as there may be.
    #[error("{0} subscriptions to blocks are open, which is the most; drop one")]
    TooManySubscriptions(usize),
}
