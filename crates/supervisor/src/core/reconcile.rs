//! Brings the children from where they are towards where they should be. Runs after every input, and finds nothing to do where
//! nothing is.

use super::{ChildId, Core, Effect, Moment, Phase, child::State, stop};
use crate::{Lifecycle, Outcome};

/// The next steps, as far as they can be taken now.
pub(super) fn reconcile(core: &mut Core, now: Moment, fx: &mut Vec<Effect>) {
    match core.phase.clone() {
        Phase::Up => {
            stop_what_bounces(core, now, fx);
            start_what_may(core, now, fx);
        }
        Phase::Stopping { reason, forced } => {
            let done = if forced { finish_what_is_gone(core, now, fx) } else { stop_the_next(core, now, fx) };
            if done {
                core.phase = Phase::Done;
                fx.push(Effect::Exit(core.exit_report(reason, forced)));
            }
        }
        Phase::Idle | Phase::Done => {}
    }
}

/// Stops each child that is to be restarted, once those that restart with it are at rest, and those that depend on it and are to be
/// restarted for another reason.
fn stop_what_bounces(core: &mut Core, now: Moment, fx: &mut Vec<Effect>) {
    let order: Vec<ChildId> = core.start_order.iter().rev().copied().collect();
    for &id in &order {
        let is_at_rest = |other: ChildId| core.child(other).is_none_or(|child| child.state.is_at_rest());
        let bounces = |other: ChildId| core.child(other).is_some_and(|child| child.bounce);
        let after_it = |other: ChildId| bounces(other) && core.depends(other, id);
        let blocked = core.restarting_with(id).into_iter().any(|other| !is_at_rest(other))
            || order.iter().any(|&other| after_it(other) && !is_at_rest(other));
        let Some(child) = core.child_mut(id) else {
            continue;
        };
        if !child.bounce || blocked {
            continue;
        }
        match child.state {
            State::Running => ask_to_stop(core, now, id, fx),
            State::Starting { .. } => cancel_start(core, now, id, fx),
            _ => {}
        }
    }
}

/// Starts each child at rest whose time has come and whose dependencies run, unless others that restart with it still have to stop.
fn start_what_may(core: &mut Core, now: Moment, fx: &mut Vec<Effect>) {
    for id in core.start_order.clone() {
        let Some(child) = core.child(id) else {
            continue;
        };
        let State::Down { not_before } = child.state else {
            continue;
        };
        let mut with = core.restarting_with(id).into_iter();
        let others_rest = with.all(|member| core.child(member).is_none_or(|child| child.state.is_at_rest()));
        let may_start = core.dependencies_run(child) && others_rest;
        let Some(child) = core.child_mut(id) else {
            continue;
        };
        child.may_start = may_start;
        if !may_start || now < not_before {
            continue;
        }
        child.incarnation += 1;
        child.outcome = None;
        child.state = State::Starting { since: now, until: now.saturating_add(child.rules.start_within) };
        let incarnation = child.incarnation;
        let actor = child.name.clone();
        fx.push(Effect::Report(Lifecycle::Starting { actor }));
        fx.push(Effect::Start { child: id, incarnation });
    }
}

/// One step of the shutdown: each child is stopped, and what its spec owns closed, before the next one's turn. True: all are finished.
fn stop_the_next(core: &mut Core, now: Moment, fx: &mut Vec<Effect>) -> bool {
    for id in core.stop_order() {
        let Some(child) = core.child_mut(id) else {
            continue;
        };
        if child.stop_began.is_none() {
            child.stop_began = Some(now);
            if matches!(child.state, State::Down { .. }) {
                child.outcome.get_or_insert(Outcome::NotRunning);
            }
        }
        match child.state {
            State::Finished | State::Forgotten => continue,
            State::Running => ask_to_stop(core, now, id, fx),
            State::Starting { .. } => cancel_start(core, now, id, fx),
            State::Down { .. } | State::Stuck => release(core, now, id, fx),
            State::Cancelling { .. }
            | State::Stopping { .. }
            | State::Killing { .. }
            | State::Leaving { .. }
            | State::Releasing { .. } => {}
        }
        return false;
    }
    true
}

/// The forced shutdown: everything has been killed, and nothing is closed in order. True: all are finished.
fn finish_what_is_gone(core: &mut Core, now: Moment, fx: &mut Vec<Effect>) -> bool {
    let mut all = true;
    for id in core.stop_order() {
        let Some(child) = core.child_mut(id) else {
            continue;
        };
        match child.state {
            State::Finished | State::Forgotten => {}
            State::Down { .. } if child.stop_began.is_none() && child.outcome.is_none() => {
                stop::finish(core, now, id, Some(Outcome::NotRunning), fx);
            }
            State::Down { .. } | State::Stuck => stop::finish(core, now, id, None, fx),
            State::Releasing { .. } => {
                let cut = Outcome::Failed("its closing was cut short".to_owned());
                stop::finish(core, now, id, Some(cut), fx);
            }
            _ => all = false,
        }
    }
    all
}

fn ask_to_stop(core: &mut Core, now: Moment, id: ChildId, fx: &mut Vec<Effect>) {
    let Some(child) = core.child_mut(id) else {
        return;
    };
    child.state = State::Stopping { until: now.saturating_add(child.rules.stop_within) };
    let actor = child.name.clone();
    fx.push(Effect::Report(Lifecycle::Stopping { actor }));
    fx.push(Effect::Unbind(id));
    fx.push(Effect::Stop(id));
}

fn cancel_start(core: &mut Core, now: Moment, id: ChildId, fx: &mut Vec<Effect>) {
    let until = core.grace_from(now);
    let Some(child) = core.child_mut(id) else {
        return;
    };
    child.outcome = Some(Outcome::NotRunning);
    child.state = State::Cancelling { until, overdue: None };
    fx.push(Effect::CancelStart(id));
}

/// Closes what the spec owns. Also where the actor is stuck: its threads and databases may yet be closed in order.
fn release(core: &mut Core, now: Moment, id: ChildId, fx: &mut Vec<Effect>) {
    let grace = core.grace;
    let Some(child) = core.child_mut(id) else {
        return;
    };
    let within = child.rules.stop_within;
    child.state = State::Releasing { until: now.saturating_add(within).saturating_add(grace) };
    fx.push(Effect::Release { child: id, within });
}
