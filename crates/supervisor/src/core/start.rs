//! Starts, and their outcomes.

use super::{
    ChildId, Core, Effect, Moment, Phase,
    child::{State, Verdict},
    end,
};
use crate::Lifecycle;

/// The node is to run.
pub(super) fn begin(core: &mut Core) {
    if core.phase == Phase::Idle {
        core.phase = Phase::Up;
    }
}

/// A start succeeded: the address is led to the incarnation, unless it has been given up.
pub(super) fn on_started(core: &mut Core, now: Moment, id: ChildId, incarnation: u64, fx: &mut Vec<Effect>) {
    let until = core.grace_from(now);
    let Some(child) = core.current(id, incarnation) else {
        return;
    };
    match &child.state {
        State::Starting { since, .. } => {
            let took = now.saturating_sub(*since);
            child.restarts += u64::from(child.has_run);
            child.has_run = true;
            child.failed_starts = 0;
            child.state = State::Running;
            fx.push(Effect::Bind(id));
            fx.push(Effect::Report(Lifecycle::Started {
                actor: child.name.clone(),
                took,
                restarts: child.restarts,
            }));
        }
        State::Cancelling { overdue, .. } => {
            // It came just too late. Whoever waits for the end of the start now waits for the end of the actor.
            child.state = State::Killing { until, hung: overdue.clone() };
            fx.push(Effect::Kill(id));
        }
        _ => fx.push(Effect::Kill(id)),
    }
}

/// A start failed, and nothing of it is left.
pub(super) fn on_start_failed(
    core: &mut Core,
    now: Moment,
    id: ChildId,
    incarnation: u64,
    reason: String,
    fx: &mut Vec<Effect>,
) {
    let Some(child) = core.current(id, incarnation) else {
        return;
    };
    let reason = match &child.state {
        State::Starting { .. } => Some(reason),
        State::Cancelling { overdue, .. } => overdue.clone(),
        State::Stuck => None,
        _ => return,
    };
    let verdict = match reason {
        Some(reason) => {
            child.failed_starts = child.failed_starts.saturating_add(1);
            Verdict::ByItself { reason, in_order: false }
        }
        None => Verdict::AsAsked,
    };
    end::at_rest(core, now, id, verdict, fx);
}
