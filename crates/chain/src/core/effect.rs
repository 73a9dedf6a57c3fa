//! What the core wants done. Their order in the [`Outbox`] is the order in which they may be seen.

use std::sync::Arc;

use alys_bus::{
    Outbox,
    protocol::{
        chain::{ChainEvent, ChainStatus},
        engine::{Forkchoice, PayloadId},
        network::Source,
        storage::{BlockRef, HeadUpdate, Promises},
    },
};
use alys_primitives::{
    B256, Certificate, Header, SignedProposal, SignedVote, Vote, payload::PayloadRules, vote::VoteData,
};

/// Effects in their order, and between them the promises that must be durable before what follows.
pub type Effects = Outbox<Box<Promises>, Effect>;

/// Numbers the own blocks under construction, so that an answer for a former one is known as such.
pub type DraftId = u64;

/// What goes out to all members.
#[derive(Debug, Clone)]
pub enum Gossip {
    /// A block in its envelope.
    Proposal(Arc<SignedProposal>),
    /// A vote in its envelope.
    Vote(Arc<SignedVote>),
    /// A certificate.
    Certificate(Arc<Certificate>),
}

/// One thing to do.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Check a copy against its header ([`Block::check_copy`](alys_primitives::Block::check_copy)), on
    /// the thread for long work. Answer: `CopyChecked`.
    CheckCopy {
        /// The copy.
        proposal: Arc<SignedProposal>,
        /// Who sent it.
        source: Option<Source>,
    },
    /// Make a candidate block durable. Answer: `Stored`.
    StoreBlock {
        /// Its hash.
        hash: B256,
        /// The block.
        proposal: Arc<SignedProposal>,
    },
    /// Execute a block and judge it. Answer: `Judged`.
    Judge {
        /// Its hash.
        hash: B256,
        /// The block.
        proposal: Arc<SignedProposal>,
    },
    /// Begin to build a payload. Answer: `Building`.
    Build {
        /// The own block it is for.
        draft: DraftId,
        /// What the payload must repeat.
        rules: Box<PayloadRules>,
    },
    /// Take the payload. Answer: `Sealed`.
    Seal {
        /// The own block it is for.
        draft: DraftId,
        /// From `Building`.
        id: PayloadId,
    },
    /// Sign the own block's envelope. Answer: `ProposalSigned`.
    SignProposal {
        /// The own block it is for.
        draft: DraftId,
        /// Its header.
        header: Box<Header>,
    },
    /// Sign a vote. Answer: `VoteSigned`.
    SignVote(VoteData),
    /// Add a share to those collected. Answer: `Collected`.
    Collect(Box<Vote>),
    /// Send to all members. No answer: what matters is sent again.
    Publish(Gossip),
    /// Fetch a block from peers. Answer: `Fetched`.
    Fetch(B256),
    /// Count a fault against a peer. No answer.
    Blame {
        /// The peer.
        source: Source,
        /// What it did.
        reason: String,
    },
    /// Move storage's head. Answer: `HeadApplied`.
    ApplyHead(Box<HeadUpdate>),
    /// Tell the engine what to follow. Answer: `Followed`.
    Follow(Forkchoice),
    /// Compare storage and engine, and replay payloads until they agree. Answer: `Reconciled`.
    Reconcile {
        /// Storage's head.
        head: BlockRef,
        /// What the engine shall follow in the end.
        choice: Forkchoice,
    },
    /// Give a [`Tick`](super::Input::Tick) at this time, Unix ms; replaces the wish before.
    WakeAt(u64),
    /// Tell whoever listens.
    Event(ChainEvent),
    /// Publish the status.
    Status(Box<ChainStatus>),
}
