//! A block is durable. An own one may now be promised and shown.

use std::sync::Arc;

use alys_primitives::B256;

use super::alarm_once;
use crate::core::{
    Core,
    draft::Stage,
    effect::{Effect, Effects, Gossip},
    input::Outcome,
    tree::Stored,
};

/// The engine hears of a block only after this; peers hear of an own one only after its promise.
pub(crate) fn stored(core: &mut Core, now_ms: u64, hash: B256, result: Outcome<()>, fx: &mut Effects) {
    let backoff = core.setup.policy.retry;
    let is_stored = result.is_ok();
    if let (Err(failure), Some(Stored::Storing(before))) =
        (&result, core.tree.get(hash).map(|node| node.stored))
    {
        alarm_once("storage takes no block", before, failure, fx);
    }
    core.tree.update(hash, |node| {
        node.stored = match (is_stored, node.stored) {
            (true, _) => Stored::Yes,
            (false, Stored::Storing(mut retry) | Stored::No(mut retry)) => {
                retry.failed(now_ms, backoff);
                Stored::No(retry)
            }
            (false, Stored::Yes) => Stored::Yes,
        }
    });
    if is_stored {
        promise_own(core, hash, fx);
    }
}

/// Promises and publishes the own block, if this is it and its slot still lasts.
fn promise_own(core: &mut Core, hash: B256, fx: &mut Effects) {
    let stride = core.stride.get();
    let Some(draft) = &mut core.draft else { return };
    let Stage::Storing { hash: own, proposal } = &draft.stage else { return };
    let lasts = core.slot < draft.slot.saturating_add(stride);
    if *own != hash || !lasts || draft.slot <= core.own.last_proposed() {
        return;
    }
    let proposal = Arc::clone(proposal);
    draft.stage = Stage::Published;
    if !draft.body.evidence.is_empty() {
        core.optional.published(hash);
    }
    core.own.promise_proposal(Arc::clone(&proposal));
    fx.persist(Box::new(core.own.promises.clone()));
    fx.push(Effect::Publish(Gossip::Proposal(proposal)));
}
