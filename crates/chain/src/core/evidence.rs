//! Proofs that a member contradicted itself: what is one, and those this node knows.

use std::collections::BTreeMap;

use alys_primitives::{Slot, VoteKind, peg::Equivocation};

use super::{
    rules::EVIDENCE_WINDOW,
    verifier::{BadSignature, Verifier},
};

/// Proofs that wait to be put on chain. One a member, kind and slot; far more than liars can make in
/// the time that a proof is worth something.
const MAX_PENDING: usize = 256;

/// What a member did twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Twice {
    /// Proposed.
    Proposal,
    /// Voted, by kind.
    Vote(VoteKind),
}

/// What one proof is about; a chain carries one for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offence {
    /// In which slot.
    pub slot: Slot,
    /// Who.
    pub member: u8,
    /// What.
    pub twice: Twice,
}

impl Offence {
    /// For people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self.twice {
            Twice::Proposal => format!("two proposals in slot {}", self.slot),
            Twice::Vote(kind) => format!("two {kind:?} votes in slot {}", self.slot),
        }
    }

    /// Whether a block in `slot` may carry it.
    #[must_use]
    pub const fn is_timely(&self, slot: Slot) -> bool {
        self.slot <= slot && slot - self.slot <= EVIDENCE_WINDOW
    }
}

/// Why an item is no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoProof {
    /// It must hold two proposals or two votes, and nothing else.
    #[error("it holds {proposals} proposals and {votes} votes, must be two of one")]
    Shape {
        /// Proposals found.
        proposals: usize,
        /// Votes found.
        votes: usize,
    },
    /// The two do not contradict each other.
    #[error("the two messages do not contradict each other")]
    Agree,
    /// One of them is not signed by the member.
    #[error(transparent)]
    Signature(#[from] BadSignature),
}

/// Judges an item: exactly two messages of one member, one kind and one slot, that differ, both
/// signed by it.
///
/// # Errors
/// [`NoProof`].
pub fn offence(item: &Equivocation, verifier: &dyn Verifier) -> Result<Offence, NoProof> {
    match (item.proposals.as_ref(), item.votes.as_ref()) {
        ([a, b], []) => {
            let (x, y) = (&a.header, &b.header);
            if (x.proposer, x.slot, x.epoch) != (y.proposer, y.slot, y.epoch) || x == y {
                return Err(NoProof::Agree);
            }
            verifier.header(a)?;
            verifier.header(b)?;
            Ok(Offence { slot: x.slot, member: x.proposer, twice: Twice::Proposal })
        }
        ([], [a, b]) => {
            let (x, y) = (&a.vote, &b.vote);
            let same = |v: &alys_primitives::Vote| (v.member, v.data.kind, v.data.slot, v.data.epoch);
            if same(x) != same(y) || x.data == y.data {
                return Err(NoProof::Agree);
            }
            verifier.vote(a)?;
            verifier.vote(b)?;
            Ok(Offence { slot: x.data.slot, member: x.member, twice: Twice::Vote(x.data.kind) })
        }
        (proposals, votes) => Err(NoProof::Shape { proposals: proposals.len(), votes: votes.len() }),
    }
}

/// The proofs this node holds and that may still go on chain.
#[derive(Debug, Default)]
pub(crate) struct Proofs {
    pending: BTreeMap<Offence, Equivocation>,
}

impl Proofs {
    /// Keeps a proof; false where one for the same offence is held.
    pub(crate) fn add(&mut self, offence: Offence, proof: Equivocation) -> bool {
        if self.pending.contains_key(&offence) {
            return false;
        }
        self.pending.insert(offence, proof);
        while self.pending.len() > MAX_PENDING {
            self.pending.pop_first();
        }
        true
    }

    /// Those that a block in `slot` may carry, oldest first.
    pub(crate) fn timely(&self, slot: Slot) -> impl Iterator<Item = (&Offence, &Equivocation)> {
        self.pending.iter().filter(move |(offence, _)| offence.is_timely(slot))
    }

    /// Drops what no block from `slot` on may carry.
    pub(crate) fn expire(&mut self, slot: Slot) {
        self.pending.retain(|offence, _| offence.slot.saturating_add(EVIDENCE_WINDOW) >= slot);
    }
}
