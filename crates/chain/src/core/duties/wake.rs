//! When to look again: the earliest moment at which a duty may be due without any input.

use crate::core::{
    Core,
    backoff::Retry,
    draft::Stage,
    duties::{ahead_at, judge::is_needed},
    effect::{Effect, Effects},
    tree::{Node, Standing, Stored},
};

/// States the wish when it differs from the last.
pub(crate) fn wake(core: &mut Core, now_ms: u64, fx: &mut Effects) {
    let next = core.slot.saturating_add(1);
    let mut times = vec![core.clock.start_ms(next), Some(core.resend_at), ahead_at(core, next)];
    times.extend([core.wants.next_at(), Some(core.follow.retry.at), Some(core.own.retry.at)]);
    if let Some(Stage::Failed(retry, _)) = core.draft.as_ref().map(|draft| &draft.stage) {
        times.push(Some(retry.at));
    }
    for hash in core.tree.unsettled() {
        if let Some(node) = core.tree.get(hash).filter(|node| is_needed(core, node)) {
            times.push(retry_of(node).map(|retry| retry.at));
        }
    }
    // What is due now was done in this step, or waits for an answer.
    let next = times.into_iter().flatten().filter(|at| *at > now_ms).min();
    if let Some(at) = next
        && core.woken_at != Some(at)
    {
        core.woken_at = Some(at);
        fx.push(Effect::WakeAt(at));
    }
}

const fn retry_of(node: &Node) -> Option<Retry> {
    match (&node.standing, node.stored) {
        (Standing::Checked { .. }, Stored::No(retry)) => Some(retry),
        (Standing::Checked { retry, .. } | Standing::Refused { retry, .. }, _) => Some(*retry),
        _ => None,
    }
}
