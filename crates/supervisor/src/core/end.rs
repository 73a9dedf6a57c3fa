//! Ends: of those that were asked to, and of those that were not.

use std::time::Duration;

use super::{
    ChildId, Core, Effect, End, Moment, Phase, backoff,
    child::{State, Verdict},
    restart, stop,
};
use crate::{Lifecycle, Outcome, RestartPolicy, StopReason};

/// An incarnation has ended. Its address leads nowhere from now on; it may be started again once what it held is gone.
pub(super) fn on_ended(
    core: &mut Core,
    now: Moment,
    id: ChildId,
    incarnation: u64,
    end: End,
    fx: &mut Vec<Effect>,
) {
    let until = core.grace_from(now);
    let Some(child) = core.current(id, incarnation) else {
        return;
    };
    let verdict = match &child.state {
        State::Running => {
            fx.push(Effect::Unbind(id));
            Verdict::ByItself { reason: end.reason, in_order: end.in_order }
        }
        State::Stopping { .. } => {
            if !end.in_order {
                child.last_end = Some(format!("failed while it stopped: {}", end.reason));
                child.outcome = Some(Outcome::Failed(end.reason));
            }
            Verdict::AsAsked
        }
        State::Killing { hung: Some(symptom), .. } => {
            Verdict::ByItself { reason: symptom.clone(), in_order: false }
        }
        State::Killing { hung: None, .. } | State::Stuck => Verdict::AsAsked,
        _ => return,
    };
    child.state = State::Leaving { until, verdict };
}

/// What an ended incarnation held has been dropped.
pub(super) fn on_gone(core: &mut Core, now: Moment, id: ChildId, incarnation: u64, fx: &mut Vec<Effect>) {
    let Some(child) = core.current(id, incarnation) else {
        return;
    };
    match &child.state {
        State::Leaving { verdict, .. } => {
            let verdict = verdict.clone();
            at_rest(core, now, id, verdict, fx);
        }
        // Counted as stuck already; it went after all.
        State::Stuck => child.down(),
        _ => {}
    }
}

/// A running incarnation makes no progress. It cannot be stopped in order, because that waits for the handler too.
pub(super) fn on_hung(
    core: &mut Core,
    now: Moment,
    id: ChildId,
    incarnation: u64,
    symptom: String,
    fx: &mut Vec<Effect>,
) {
    let until = core.grace_from(now);
    let Some(child) = core.current(id, incarnation) else {
        return;
    };
    if child.state != State::Running {
        return;
    }
    let actor = child.name.clone();
    child.state = State::Killing { until, hung: Some(format!("hung: {symptom}")) };
    fx.push(Effect::Report(Lifecycle::Hung { actor, symptom }));
    fx.push(Effect::Unbind(id));
    fx.push(Effect::Kill(id));
}

/// Nothing of the incarnation is left: decides whether, and when, there will be another.
pub(super) fn at_rest(core: &mut Core, now: Moment, id: ChildId, verdict: Verdict, fx: &mut Vec<Effect>) {
    let up = core.phase == Phase::Up;
    let Some(child) = core.child_mut(id) else {
        return;
    };
    child.down();
    if up {
        child.outcome = None;
    }
    let Verdict::ByItself { reason, in_order } = verdict else {
        return;
    };
    let actor = child.name.clone();
    child.last_end = Some(reason.clone());
    fx.push(Effect::Report(Lifecycle::Ended { actor: actor.clone(), reason: reason.clone() }));
    if !up {
        child.outcome = Some(Outcome::Failed(reason));
        return;
    }
    if !child.has_run {
        if child.registered {
            child.state = State::Forgotten;
            fx.push(Effect::Forget { child: id, reason });
        } else {
            stop::begin(core, now, StopReason::NotStarted { actor, reason }, fx);
        }
        return;
    }
    match child.rules.policy {
        RestartPolicy::Never if in_order => {
            stop::begin(core, now, StopReason::Finished { actor }, fx);
        }
        RestartPolicy::Never => stop::begin(core, now, StopReason::Failed { actor, reason }, fx),
        RestartPolicy::Backoff { first, max } => {
            again(core, now, id, first, max, reason, fx);
        }
    }
}

/// Plans the next start, if the budget bears it.
fn again(
    core: &mut Core,
    now: Moment,
    id: ChildId,
    first: Duration,
    max: Duration,
    last: String,
    fx: &mut Vec<Effect>,
) {
    let seed = core.seed;
    let Some(child) = core.child_mut(id) else {
        return;
    };
    let actor = child.name.clone();
    let budget = child.rules.budget;
    let taken = child.window.take(budget, now);
    let (Some(restart), true) = (taken, child.failed_starts <= budget.restarts) else {
        let reason =
            StopReason::BudgetSpent { actor, restarts: budget.restarts, within: budget.within, last };
        stop::begin(core, now, reason, fx);
        return;
    };
    let random = backoff::random(seed, id.0, child.incarnation);
    let pause = backoff::pause(first, max, restart, random);
    child.state = State::Down { not_before: now.saturating_add(pause) };
    fx.push(Effect::Report(Lifecycle::BackingOff { actor, pause }));
    restart::bounce_dependants(core, id);
}
