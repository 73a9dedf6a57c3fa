//! What a core is given when it is made: the chain's constants, this member's policy, and where to
//! go on from.

use std::{fmt, sync::Arc};

use alys_bus::protocol::storage::{BlockChange, BlockRef, Promises, StoredBlock};
use alys_primitives::{B256, Certificate, ChainSpec, ExecutionFacts, PegState, SignedProposal};

use super::{backoff::Backoff, verifier::Verifier};

/// A member's own policy: never validity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How many slots ahead of its own clock a member still keeps proposals and votes.
    pub max_early: u64,
    /// How often unanswered messages are sent again, ms.
    pub resend_ms: u64,
    /// How soon failed requests are repeated.
    pub retry: Backoff,
}

/// What does not change while a core lives.
#[derive(Clone)]
pub struct Setup {
    /// The chain spec, checked.
    pub spec: Arc<ChainSpec>,
    /// This node's member index; `None` for one that only follows.
    pub own: Option<u8>,
    /// The member's policy.
    pub policy: Policy,
    /// Checks signatures.
    pub verifier: Arc<dyn Verifier>,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("chain", &self.spec.name)
            .field("own", &self.own)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// What storage remembered.
#[derive(Debug, Clone)]
pub struct Start {
    /// The last final block.
    pub root: Arc<SignedProposal>,
    /// The peg state after it.
    pub peg: PegState,
    /// The facts of its payload.
    pub facts: ExecutionFacts,
    /// Its finalization; none for genesis.
    pub finalization: Option<Certificate>,
    /// The head.
    pub head: BlockRef,
    /// The head's notarization, where it was known.
    pub notarization: Option<Certificate>,
    /// Every stored block above the last final one, lowest first.
    pub pending: Vec<Arc<StoredBlock>>,
    /// The change sets of those that were applied.
    pub changes: Vec<BlockChange>,
    /// What this member promised.
    pub promises: Promises,
    /// Final blocks that carry evidence and lie within [`EVIDENCE_WINDOW`](super::rules::EVIDENCE_WINDOW)
    /// slots before the root, the root included.
    pub carriers: Vec<Arc<SignedProposal>>,
    /// The genesis payload's hash.
    pub genesis_payload: B256,
    /// The genesis block's hash.
    pub genesis: B256,
}
