//! Sending again what may have been lost, until it is superseded.

use std::sync::Arc;

use alys_primitives::VoteKind;

use crate::core::{
    Core,
    effect::{Effect, Effects, Gossip},
    handle::collect,
};

/// On a timer: shares that did not reach the collector, the own latest proposal and votes in their
/// envelopes, and the highest certificates.
pub(crate) fn resend(core: &mut Core, now_ms: u64, fx: &mut Effects) {
    if now_ms < core.resend_at {
        return;
    }
    core.resend_at = now_ms.saturating_add(core.setup.policy.resend_ms);
    let uncollected: Vec<_> = core.votes.uncollected().cloned().collect();
    for vote in uncollected {
        collect(core, &vote, fx);
    }
    // A federation of one has nobody to tell.
    if core.members > 1 {
        resend_own(core, fx);
        for kind in VoteKind::ALL {
            if let Some(certificate) = core.certificates.highest(kind) {
                fx.push(Effect::Publish(Gossip::Certificate(Arc::clone(certificate))));
            }
        }
    }
}

fn resend_own(core: &Core, fx: &mut Effects) {
    let notarized = core.highest_notarized();
    let finalized = core.certificates.highest_slot(VoteKind::Finalize);
    // A block is large: after a whole turn of proposers it is fetched by who still needs it.
    let turn = (core.members as u64).saturating_mul(core.stride.get());
    if let Some(proposal) = &core.own.proposal {
        let slot = proposal.block.header.slot;
        if slot > notarized && slot.saturating_add(turn) > core.slot {
            fx.push(Effect::Publish(Gossip::Proposal(Arc::clone(proposal))));
        }
    }
    let votes = [(&core.own.promises.notarize, notarized), (&core.own.promises.finalize, finalized)];
    for (vote, superseded) in votes {
        if let Some(vote) = vote
            && vote.vote.data.slot > superseded
        {
            fx.push(Effect::Publish(Gossip::Vote(Arc::new(vote.clone()))));
        }
    }
}
