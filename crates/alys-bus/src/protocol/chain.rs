//! Chain: agreement, the block tree, and what the node says about itself.

use std::sync::Arc;

use alys_primitives::{B256, Certificate, SignedProposal, SignedVote, Slot};
use serde::{Deserialize, Serialize};

use super::{network::Source, storage::BlockRef};
use crate::{Reply, protocol_kinds};

/// What chain can be told and asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum ChainMessage {
    /// A proposal arrived. Told by network, by the control lane; a refusal drops it: peers re-send.
    Proposal {
        /// The block in its envelope, not yet checked by anyone.
        proposal: Arc<SignedProposal>,
        /// The peer that sent this copy, to be blamed where the copy is bad.
        source: Option<Source>,
    },
    /// A vote arrived. Told by network, by the control lane; a refusal drops it: peers re-send.
    Vote {
        /// The vote in its envelope, not yet checked by anyone.
        vote: Arc<SignedVote>,
        /// The peer that sent this copy, to be blamed where the copy is bad.
        source: Option<Source>,
    },
    /// A certificate arrived. Told by network, by the control lane; a refusal drops it: peers re-send.
    Certificate {
        /// The certificate, not yet checked by anyone.
        certificate: Arc<Certificate>,
        /// The peer that sent this copy, to be blamed where the copy is bad.
        source: Option<Source>,
    },
    /// Where the chain stands. Asked by rpc and operators. The same is published as
    /// [`Latest`](crate::Latest).
    Status {
        /// The status at this moment.
        reply: Reply<Box<ChainStatus>, ChainError>,
    },
}

protocol_kinds!(ChainMessage, "chain", [Proposal, Vote, Certificate, Status]);

/// Whether the node follows the tip.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyncState {
    /// Comparing storage and execution client.
    #[default]
    Starting,
    /// Behind the tip of the peers.
    Syncing,
    /// At the tip.
    Synced,
}

/// What a node says about its chain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChainStatus {
    /// The chain's name, from the spec.
    pub chain: String,
    /// The EVM chain id.
    pub chain_id: u64,
    /// The genesis block's hash.
    pub genesis: B256,
    /// The spec's digest.
    pub spec_digest: B256,
    /// The slot now, by this node's clock.
    pub slot: Slot,
    /// `latest`: the notarized head.
    pub head: BlockRef,
    /// `safe`: final by the federation.
    pub finalized: BlockRef,
    /// `finalized`: anchored in Bitcoin by a final block.
    pub anchored: BlockRef,
    /// This node's member index, where it holds keys.
    pub member: Option<u8>,
    /// How many members there are.
    pub members: usize,
    /// How many votes decide.
    pub quorum: usize,
    /// The stride: 1, or more in a slow federation.
    pub stride: u64,
    /// Whether the node follows the tip.
    pub sync: SyncState,
    /// Blocks finalized since the node started.
    pub finalized_since_start: u64,
    /// Why the last own slot brought no block, where it did not.
    pub last_miss: Option<String>,
}

/// What happened on the chain, for those who show it. What must not be lost is read from storage.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainEvent {
    /// The head moved, forward or to another branch.
    HeadMoved {
        /// The new head.
        head: BlockRef,
        /// Its payload's hash.
        payload: B256,
        /// Transactions in it.
        transactions: usize,
        /// Gas used in it.
        gas_used: u64,
        /// The first block of the old branch that is no longer on the chain, if any.
        reorged_from: Option<u64>,
    },
    /// A block and all its ancestors became final.
    Finalized {
        /// The block.
        block: BlockRef,
    },
    /// An own slot passed without a block.
    SlotMissed {
        /// The slot.
        slot: Slot,
        /// Why.
        reason: String,
    },
    /// Something that honest members and a sound client cannot have done, for the operator to look at: two
    /// certificates of one slot, a certified block that our rules or the client refuse.
    Alarm {
        /// What was seen.
        what: String,
    },
    /// A member contradicted itself or sent false shares.
    Blamed {
        /// The member's index.
        member: u8,
        /// For what.
        reason: String,
    },
}

/// Why chain could not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The actor has not finished comparing storage and execution client.
    #[error("the chain is still starting: {0}")]
    Starting(String),
}
