//! What can happen to the core: messages of members, answers of other actors, and time.
//!
//! Every answer comes exactly once for its effect, as a value where it is a failure; the shell sees to
//! that with deadlines. An answer that is out of date is ignored.

use std::sync::Arc;

use alys_bus::protocol::{
    engine::{EngineHead, PayloadId, PayloadVerdict, SealedPayload},
    federation::Collected,
    network::{FetchedBlock, Source},
};
use alys_primitives::{
    B256, Certificate, IdentitySignature, SignedProposal, SignedVote, block::BadCopy, vote::VoteData,
};

use super::effect::DraftId;

/// Why another actor did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Failure {
    /// For people.
    pub what: String,
    /// Whether the same request may succeed later.
    pub transient: bool,
}

/// An answer of another actor.
pub type Outcome<T> = Result<T, Failure>;

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// Time has passed: the moment of the last [`WakeAt`](super::Effect::WakeAt), or later.
    Tick,
    /// The engine stands where storage's head is, or could not be brought there.
    Reconciled(Outcome<EngineHead>),

    /// A proposal arrived, from anyone.
    Proposal {
        /// The block in its envelope.
        proposal: Arc<SignedProposal>,
        /// The peer that sent it.
        source: Option<Source>,
    },
    /// A vote arrived, from anyone.
    Vote {
        /// The vote in its envelope.
        vote: Arc<SignedVote>,
        /// The peer that sent it.
        source: Option<Source>,
    },
    /// A certificate arrived, from anyone.
    Certificate {
        /// The certificate.
        certificate: Arc<Certificate>,
        /// The peer that sent it.
        source: Option<Source>,
    },
    /// A block that was fetched, or why not.
    Fetched {
        /// The hash asked for.
        hash: B256,
        /// The block.
        result: Outcome<FetchedBlock>,
    },

    /// Whether a copy is the block that its header names.
    CopyChecked {
        /// The copy.
        proposal: Arc<SignedProposal>,
        /// Who sent it.
        source: Option<Source>,
        /// The check's result.
        result: Result<(), BadCopy>,
    },
    /// A block is durable.
    Stored {
        /// The block.
        hash: B256,
        /// Whether it is.
        result: Outcome<()>,
    },
    /// The engine's judgement; a failure of any kind comes as `Unavailable`.
    Judged {
        /// The block.
        hash: B256,
        /// The judgement.
        verdict: PayloadVerdict,
    },

    /// A payload is being built.
    Building {
        /// The own block it is for.
        draft: DraftId,
        /// The id to seal it by.
        result: Outcome<PayloadId>,
    },
    /// A payload is ready.
    Sealed {
        /// The own block it is for.
        draft: DraftId,
        /// The payload.
        result: Outcome<Box<SealedPayload>>,
    },
    /// The envelope of the own block is signed.
    ProposalSigned {
        /// The own block it is for.
        draft: DraftId,
        /// The signature.
        result: Outcome<IdentitySignature>,
    },
    /// An own vote is signed, and no promise yet.
    VoteSigned {
        /// What was to be signed.
        data: VoteData,
        /// The vote.
        result: Outcome<Box<SignedVote>>,
    },
    /// What a member's share led to.
    Collected {
        /// What the vote was for.
        data: VoteData,
        /// The voter.
        member: u8,
        /// What it led to.
        result: Outcome<Collected>,
    },

    /// Storage moved head and finality.
    HeadApplied(Outcome<()>),
    /// The engine was told what to follow, and says where it stands.
    Followed(Outcome<EngineHead>),
    /// The engine is out of reach: whatever it knew has to be found out again.
    EngineGone,
    /// The engine answers again after an outage: what waits for it need wait no longer, but until it has
    /// been compared with storage nothing that it says is voted for.
    EngineBack,
}
