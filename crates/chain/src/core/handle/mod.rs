//! What each input changes. One file an input, one free function each; what several share stands here.

mod applied;
mod build;
mod certificate;
mod collected;
mod copy;
mod fetched;
mod judged;
mod proposal;
mod signed;
mod stored;
mod vote;

pub(crate) use applied::{followed, head_applied, reconciled};
pub(crate) use build::{building, proposal_signed, sealed};
pub(crate) use certificate::{certificate, learn};
pub(crate) use collected::collected;
pub(crate) use copy::{accept, copy_checked};
pub(crate) use fetched::fetched;
pub(crate) use judged::judged;
pub(crate) use proposal::proposal;
pub(crate) use signed::vote_signed;
pub(crate) use stored::stored;
pub(crate) use vote::{collect, vote};

use alys_bus::protocol::{chain::ChainEvent, network::Source};
use alys_primitives::peg::Equivocation;

use super::{
    Core,
    backoff::Retry,
    effect::{Effect, Effects},
    evidence::Offence,
    input::Failure,
};

/// Counts a fault against the peer that sent a message, where a peer did.
fn blame(source: Option<Source>, reason: impl Into<String>, fx: &mut Effects) {
    if let Some(source) = source {
        fx.push(Effect::Blame { source, reason: reason.into() });
    }
}

/// Tells the operator of something that honest members and a sound client cannot have done.
pub(crate) fn alarm(what: impl Into<String>, fx: &mut Effects) {
    fx.push(Effect::Event(ChainEvent::Alarm { what: what.into() }));
}

/// Tells the operator of a failure that will not pass by itself, at its first appearance.
fn alarm_once(what: &str, before: Retry, failure: &Failure, fx: &mut Effects) {
    if !failure.transient && before.failures == 0 {
        alarm(format!("{what}: {failure}"), fx);
    }
}

/// Keeps the proof that a member contradicted itself, and says so once; false where it was known.
fn accuse(core: &mut Core, offence: Offence, proof: Equivocation, fx: &mut Effects) -> bool {
    if !core.proofs.add(offence, proof) {
        return false;
    }
    let reason = offence.describe();
    fx.push(Effect::Event(ChainEvent::Blamed { member: offence.member, reason }));
    true
}
