//! Agreement as a state machine: no I/O, no clock, no threads, and the same inputs give the same
//! effects (protocol, sections 2 and 3).
//!
//! [`Core::step`] takes the time and one [`Input`], and states [`Effects`] in the order in which they
//! may be seen. Answers to effects come back as inputs, and messages of other members are inputs
//! too. First the input is handled (`handle`, one file each): it changes what is known. Then every
//! duty is looked at (`duties`): what to judge, vote for, follow, propose, fetch, send again.
//!
//! # One slot, seen by a member
//!
//! 1. The proposer's `Proposal` arrives; its envelope, slot and copy are checked, and it is the first
//!    of its slot. It is compared with the rules, stored, and the engine judges it VALID.
//! 2. The member signs Notarize, makes the promise durable, publishes and collects it.
//! 3. `q` shares are a notarization. If three quarters of the slot have not passed, the member signs
//!    Finalize, which locks it on this slot.
//! 4. `q` of those are a finalization: storage moves head and finality, and the engine follows.
//!
//! # Invariants
//!
//! - A promise is durable before it leaves: every publication of one stands behind its `persist`.
//! - At most one vote of a kind and one proposal in a slot, over all restarts.
//! - What is `Invalid` is so by our rules alone, and for ever. Everything else is tried again.
//! - Nothing waits without being asked again: each waiting thing has a time in `wake`.

mod backoff;
mod certificates;
mod draft;
mod duties;
mod effect;
mod evidence;
mod follow;
mod handle;
mod input;
mod own;
mod proposals;
pub mod rules;
mod setup;
mod start;
mod stride;
mod tree;
mod verifier;
mod votes;
mod wants;

pub use backoff::{Backoff, Retry};
pub use effect::{DraftId, Effect, Effects, Gossip};
pub use evidence::{NoProof, Offence, Twice, offence};
pub use input::{Failure, Input, Outcome};
pub use setup::{Policy, Setup, Start};
pub use stride::Stride;
pub use verifier::{BadSignature, KeyVerifier, Verifier};

use alys_bus::protocol::{chain::ChainStatus, storage::BlockRef};
use alys_primitives::{B256, Certificate, Header, Slot, SlotClock, VoteKind};

use certificates::Certificates;
use draft::{Draft, OptionalItems};
use evidence::Proofs;
use follow::Follow;
use own::{Moment, Own};
use proposals::Proposals;
use rules::Rules;
use tree::Tree;
use votes::Votes;
use wants::Wants;

/// One node's agreement.
#[derive(Debug)]
pub struct Core {
    setup: Setup,
    clock: SlotClock,
    members: usize,
    quorum: usize,
    digest: B256,
    genesis: BlockRef,
    genesis_payload: B256,

    /// The highest slot that has begun.
    slot: Slot,
    tree: Tree,
    certificates: Certificates,
    proposals: Proposals,
    votes: Votes,
    proofs: Proofs,
    stride: Stride,
    own: Own,
    draft: Option<Draft>,
    /// Why the draft before brought no block, if it brought none.
    shortfall: Option<(Slot, String)>,
    drafts: DraftId,
    optional: OptionalItems,
    follow: Follow,
    wants: Wants,
    /// The last slot in which votes of `q` members were seen.
    quorum_seen: Slot,
    /// The last own slot whose outcome was looked at.
    reviewed: Slot,
    resend_at: u64,
    woken_at: Option<u64>,
    reported: bool,
    status: ChainStatus,
}

impl Core {
    /// Takes one input at `now_ms` (Unix ms) and states what it leads to.
    pub fn step(&mut self, now_ms: u64, input: Input, fx: &mut Effects) {
        if matches!(input, Input::Tick) {
            self.woken_at = None;
        }
        duties::begin_slot(self, now_ms, fx);
        match input {
            Input::Tick => {}
            Input::Reconciled(result) => handle::reconciled(self, now_ms, result, fx),

            Input::Proposal { proposal, source } => handle::proposal(self, proposal, source, fx),
            Input::Vote { vote, source } => handle::vote(self, &vote, source, fx),
            Input::Certificate { certificate, source } => {
                handle::certificate(self, certificate, source, fx);
            }
            Input::Fetched { hash, result } => handle::fetched(self, now_ms, hash, result, fx),

            Input::CopyChecked { proposal, source, result } => {
                handle::copy_checked(self, proposal, source, result, fx);
            }
            Input::Stored { hash, result } => handle::stored(self, now_ms, hash, result, fx),
            Input::Judged { hash, verdict } => handle::judged(self, now_ms, hash, verdict, fx),

            Input::Building { draft, result } => handle::building(self, now_ms, draft, result),
            Input::Sealed { draft, result } => handle::sealed(self, now_ms, draft, result, fx),
            Input::ProposalSigned { draft, result } => handle::proposal_signed(self, draft, result, fx),
            Input::VoteSigned { data, result } => handle::vote_signed(self, now_ms, data, result, fx),
            Input::Collected { data, member, result } => {
                handle::collected(self, data, member, result, fx);
            }

            Input::HeadApplied(result) => handle::head_applied(self, now_ms, result, fx),
            Input::Followed(result) => handle::followed(self, now_ms, result, fx),
            Input::EngineGone => self.follow.lose(now_ms),
            Input::EngineBack => {
                self.follow.lose(now_ms);
                self.follow.retry.at = now_ms;
            }
        }
        self.do_duties(now_ms, fx);
    }

    /// All that may have become possible, in the order in which it matters.
    fn do_duties(&mut self, now_ms: u64, fx: &mut Effects) {
        duties::judge(self, now_ms, fx);
        duties::vote(self, now_ms, fx);
        duties::follow(self, now_ms, fx);
        duties::propose(self, now_ms, fx);
        duties::fetch(self, now_ms, fx);
        duties::resend(self, now_ms, fx);
        duties::report(self, fx);
        duties::wake(self, now_ms, fx);
    }

    /// What the node says about its chain.
    #[must_use]
    pub const fn status(&self) -> &ChainStatus {
        &self.status
    }

    /// What this member has promised.
    #[must_use]
    pub const fn promises(&self) -> &alys_bus::protocol::storage::Promises {
        &self.own.promises
    }

    /// Makes this member vote against its lock, to see that the harness finds out.
    #[cfg(feature = "weakened")]
    #[doc(hidden)]
    pub const fn ignore_the_lock(&mut self) {
        self.own.ignores_lock = true;
    }

    fn moment(&self, now_ms: u64) -> Moment {
        Moment { now_ms, slot: self.slot, stride: self.stride.get(), clock: self.clock }
    }

    /// Runs `judge` with the rules of this chain.
    fn with_rules<T>(&self, judge: impl FnOnce(&Rules<'_>) -> T) -> T {
        let is_known = |certificate: &Certificate| self.certificates.contains(certificate);
        judge(&Rules {
            spec: &self.setup.spec,
            digest: self.digest,
            verifier: &*self.setup.verifier,
            is_known: &is_known,
        })
    }

    /// Whether `slot` is this member's to propose in.
    fn is_own_slot(&self, slot: Slot) -> bool {
        slot > 0
            && self.setup.own.is_some()
            && alys_primitives::slots::proposer(slot, self.members) == self.setup.own
    }

    /// Whether a block has its notarization, or needs none.
    fn is_notarized(&self, hash: B256, header: &Header) -> bool {
        header.height == 0 || self.certificates.notarization(header.slot, hash).is_some()
    }

    /// The slot of the highest notarization known.
    fn highest_notarized(&self) -> Slot {
        self.certificates.highest_slot(VoteKind::Notarize)
    }
}
