//! A vote arrived: kept by slot, member and kind, whether its block is here or not.

use std::sync::Arc;

use alys_bus::protocol::network::Source;
use alys_primitives::{SignedVote, peg::Equivocation};
use ssz_types::VariableList;

use super::{accuse, blame};
use crate::core::{
    Core,
    effect::{Effect, Effects, Gossip},
    evidence::{Offence, Twice},
    votes::Added,
};

/// Nothing of it is kept before its envelope is checked.
pub(crate) fn vote(core: &mut Core, vote: &Arc<SignedVote>, source: Option<Source>, fx: &mut Effects) {
    let data = vote.vote.data;
    let epoch = core.tree.root().map_or(0, |root| root.header.epoch);
    let is_late = data.slot <= core.tree.root_slot();
    let is_early = data.slot > core.slot.saturating_add(core.setup.policy.max_early);
    if is_late || is_early || data.epoch != epoch || core.votes.contains(vote) {
        return;
    }
    if let Err(error) = core.setup.verifier.vote(vote) {
        return blame(source, error.to_string(), fx);
    }
    match core.votes.add(vote) {
        Added::New => {
            collect(core, vote, fx);
            if core.votes.voters(data.slot) >= core.quorum {
                core.stride.saw_quorum(data.slot);
                core.quorum_seen = core.quorum_seen.max(data.slot);
            }
        }
        Added::Known => {}
        Added::Contradicts(first) => {
            let offence =
                Offence { slot: data.slot, member: vote.vote.member, twice: Twice::Vote(data.kind) };
            let both = vec![(*first).clone(), (**vote).clone()];
            let proof = Equivocation {
                proposals: VariableList::default(),
                votes: VariableList::new(both).unwrap_or_default(),
            };
            // Others may have seen only one of the two. Once: who hears it does the same.
            if accuse(core, offence, proof, fx) {
                fx.push(Effect::Publish(Gossip::Vote(first)));
                fx.push(Effect::Publish(Gossip::Vote(Arc::clone(vote))));
            }
        }
    }
}

/// Hands a vote's share to the collector, unless its slot has its certificate.
pub(crate) fn collect(core: &mut Core, vote: &SignedVote, fx: &mut Effects) {
    let data = vote.vote.data;
    core.votes.set_collected(&data, vote.vote.member, true);
    if core.certificates.get(data.kind, data.slot).is_none() {
        fx.push(Effect::Collect(Box::new(vote.vote.clone())));
    }
}
