//! Voting: which vote may be signed now. Whether it may, [`Own::may_vote`](crate::core::own::Own) says.

use alys_primitives::{B256, VoteKind, vote::VoteData};

use crate::core::{
    Core,
    effect::{Effect, Effects},
    own::{Moment, Signing},
    rules::vote_for,
};

/// Finalize first: Notarize in a later slot would bar it.
pub(crate) fn vote(core: &mut Core, now_ms: u64, fx: &mut Effects) {
    let is_ready = core.setup.own.is_some() && core.follow.is_in_step();
    if !is_ready || core.own.signing.is_some() || !core.own.retry.is_due(now_ms) {
        return;
    }
    let moment = core.moment(now_ms);
    if let Some(signing) = finalize(core, &moment).or_else(|| notarize(core, &moment)) {
        core.own.signing = Some(signing);
        fx.push(Effect::SignVote(signing.data));
    }
}

/// Whether this node's own judgement forbids any vote for a block.
pub(crate) fn is_opposed(core: &Core, block: B256) -> bool {
    core.tree.get(block).is_some_and(|node| node.standing.is_opposed())
}

/// The highest notarization in hand, unless it is final already.
fn finalize(core: &Core, moment: &Moment) -> Option<Signing> {
    let notarization = core.certificates.highest(VoteKind::Notarize)?;
    let data = VoteData { kind: VoteKind::Finalize, ..notarization.data };
    if core.certificates.highest_slot(VoteKind::Finalize) >= data.slot || is_opposed(core, data.block) {
        return None;
    }
    wanted(core, moment, Signing { data, parent: 0 })
}

/// The first proposal of the lowest slot that may be voted in: valid here, and not yet decided.
fn notarize(core: &Core, moment: &Moment) -> Option<Signing> {
    let mut firsts = core.proposals.firsts(core.own.last_voted(), core.slot);
    firsts.find_map(|(slot, hash)| {
        let node = core.tree.get(hash).filter(|node| node.standing.is_valid())?;
        let parent = core.tree.get(node.header.parent)?;
        if core.certificates.get(VoteKind::Notarize, slot).is_some() {
            return None;
        }
        let data = vote_for(VoteKind::Notarize, hash, &node.header);
        wanted(core, moment, Signing { data, parent: parent.slot() })
    })
}

fn wanted(core: &Core, moment: &Moment, signing: Signing) -> Option<Signing> {
    let is_refused = core.own.refused == Some(signing.data);
    (!is_refused && core.own.may_vote(moment, &signing)).then_some(signing)
}
