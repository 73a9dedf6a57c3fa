//! One block in the tree, and how far it has been judged.

use std::sync::Arc;

use alys_bus::protocol::storage::BlockRef;
use alys_primitives::{B256, ExecutionFacts, Header, PegState, SignedProposal, Slot};

use crate::core::{backoff::Retry, evidence::Offence};

/// How far a block has been judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Not judged: its parent is not valid here yet, or nobody needs it.
    Waiting,
    /// Valid by our rules, which gave the peg state after it; the engine has to be asked.
    Checked {
        /// The peg state after the block.
        peg: Box<PegState>,
        /// When to ask the engine, and how often it could not say.
        retry: Retry,
    },
    /// The engine is judging it.
    Judging {
        /// The peg state after the block.
        peg: Box<PegState>,
        /// Failures before.
        retry: Retry,
    },
    /// The engine says INVALID, which may be a fault of its own: no vote, and it is asked again when a
    /// certificate says that others think otherwise.
    Refused {
        /// The peg state after the block.
        peg: Box<PegState>,
        /// When to ask again, if certified.
        retry: Retry,
    },
    /// Against our rules, for ever.
    Invalid,
    /// Valid by our rules and the engine.
    Valid {
        /// The peg state after the block.
        peg: Box<PegState>,
        /// What executing it told.
        facts: Box<ExecutionFacts>,
    },
}

impl Standing {
    pub(crate) const fn is_valid(&self) -> bool {
        matches!(self, Self::Valid { .. })
    }

    /// Whether nothing remains to be found out.
    pub(crate) const fn is_settled(&self) -> bool {
        matches!(self, Self::Valid { .. } | Self::Invalid)
    }

    /// Whether this member must not vote for it in any way.
    pub(crate) const fn is_opposed(&self) -> bool {
        matches!(self, Self::Invalid | Self::Refused { .. })
    }
}

/// Whether a block is in storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// No; it is stored when it is to be judged.
    No(Retry),
    /// On its way.
    Storing(Retry),
    /// Durable.
    Yes,
}

/// One block.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) hash: B256,
    pub(crate) header: Header,
    /// The block itself, until it is judged.
    pub(crate) proposal: Option<Arc<SignedProposal>>,
    pub(crate) transactions: usize,
    pub(crate) gas_used: u64,
    /// What its body proves, once checked.
    pub(crate) offences: Vec<Offence>,
    pub(crate) standing: Standing,
    pub(crate) stored: Stored,
    /// Whether storage has its change set.
    pub(crate) applied: bool,
    /// Whether it, or a descendant, has a certificate.
    pub(crate) certified: bool,
}

impl Node {
    /// A block not judged yet.
    pub(crate) fn new(hash: B256, proposal: Arc<SignedProposal>) -> Self {
        let inner = &proposal.block.payload.payload_inner.payload_inner;
        Self {
            hash,
            header: proposal.block.header.clone(),
            transactions: inner.transactions.len(),
            gas_used: inner.gas_used,
            proposal: Some(proposal),
            offences: Vec::new(),
            standing: Standing::Waiting,
            stored: Stored::No(Retry::default()),
            applied: false,
            certified: false,
        }
    }

    pub(crate) const fn slot(&self) -> Slot {
        self.header.slot
    }

    pub(crate) const fn place(&self) -> BlockRef {
        BlockRef { height: self.header.height, slot: self.header.slot, hash: self.hash }
    }
}
