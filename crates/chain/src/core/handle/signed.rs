//! An own vote is signed. Now the promise is made, if it still may be.

use std::sync::Arc;

use alys_primitives::{SignedVote, vote::VoteData};

use super::{alarm, collect};
use crate::core::{
    Core,
    backoff::Retry,
    duties::is_opposed,
    effect::{Effect, Effects, Gossip},
    input::Outcome,
};

/// Asks the rule of voting again, because time has passed and inputs have come since the signature was
/// wanted. A signature that comes too late is dropped: it has not left, so it is no promise.
pub(crate) fn vote_signed(
    core: &mut Core,
    now_ms: u64,
    data: VoteData,
    result: Outcome<Box<SignedVote>>,
    fx: &mut Effects,
) {
    let Some(signing) = core.own.signing.take_if(|signing| signing.data == data) else { return };
    let vote = match result {
        Ok(vote) => *vote,
        Err(failure) if failure.transient => {
            return core.own.retry.failed(now_ms, core.setup.policy.retry);
        }
        Err(failure) => {
            core.own.refused = Some(data);
            return alarm(format!("the signer refuses to vote in slot {}: {failure}", data.slot), fx);
        }
    };
    core.own.retry = Retry::default();
    let is_ours = vote.vote.data == data && Some(vote.vote.member) == core.setup.own;
    let may_vote = core.own.may_vote(&core.moment(now_ms), &signing);
    if !is_ours || !may_vote || !core.follow.is_in_step() || is_opposed(core, data.block) {
        return;
    }
    core.own.promise_vote(vote.clone());
    fx.persist(Box::new(core.own.promises.clone()));
    let vote = Arc::new(vote);
    fx.push(Effect::Publish(Gossip::Vote(Arc::clone(&vote))));
    core.votes.add(&vote);
    collect(core, &vote, fx);
    if core.votes.voters(data.slot) >= core.quorum {
        core.stride.saw_quorum(data.slot);
        core.quorum_seen = core.quorum_seen.max(data.slot);
    }
}
