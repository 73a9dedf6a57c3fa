//! The shutdown: why it begins, and what its steps come to.

use super::{ChildId, Core, Effect, Moment, Phase, ReleaseError, child::State};
use crate::{ChildExit, ExitReport, Lifecycle, Outcome, StopReason};

/// The node is to stop. The first reason counts.
pub(super) fn begin(core: &mut Core, _now: Moment, reason: StopReason, fx: &mut Vec<Effect>) {
    if matches!(core.phase, Phase::Idle | Phase::Up) {
        core.phase = Phase::Stopping { reason: reason.clone(), forced: false };
        fx.push(Effect::Report(Lifecycle::NodeStopping { reason }));
    }
}

/// The first signal stops the node, the second one at once.
pub(super) fn on_signal(core: &mut Core, now: Moment, name: &'static str, fx: &mut Vec<Effect>) {
    core.signals = core.signals.saturating_add(1);
    begin(core, now, StopReason::Signal(name), fx);
    if core.signals >= 2 {
        force(core, now, fx);
    }
}

/// Kills whatever still runs, and waits for no post_stop and no thread.
fn force(core: &mut Core, now: Moment, fx: &mut Vec<Effect>) {
    let Phase::Stopping { forced, .. } = &mut core.phase else {
        return;
    };
    if std::mem::replace(forced, true) {
        return;
    }
    let until = core.grace_from(now);
    let stop_order = core.stop_order();
    for id in stop_order {
        let Some(child) = core.child_mut(id) else {
            continue;
        };
        match child.state {
            State::Running | State::Stopping { .. } => {
                fx.push(Effect::Unbind(id));
                fx.push(Effect::Kill(id));
                child.state = State::Killing { until, hung: None };
                child.outcome = Some(Outcome::Killed);
                child.stop_began.get_or_insert(now);
            }
            State::Starting { .. } => {
                fx.push(Effect::CancelStart(id));
                child.outcome = Some(Outcome::NotRunning);
                child.state = State::Cancelling { until, overdue: None };
                child.stop_began.get_or_insert(now);
            }
            _ => {}
        }
    }
}

/// Something of a child neither goes on nor can be killed: the node stops, while that can still be done in order.
pub(super) fn on_stuck(core: &mut Core, now: Moment, id: ChildId, what: String, fx: &mut Vec<Effect>) {
    let Some(child) = core.child_mut(id) else {
        return;
    };
    let actor = child.name.clone();
    begin(core, now, StopReason::Stuck { actor, what }, fx);
}

/// What the spec of a child owned has been closed: the child is finished.
pub(super) fn on_released(
    core: &mut Core,
    now: Moment,
    id: ChildId,
    result: Result<(), ReleaseError>,
    fx: &mut Vec<Effect>,
) {
    let Some(child) = core.child_mut(id) else {
        return;
    };
    if !matches!(child.state, State::Releasing { .. }) {
        return;
    }
    let outcome = match result {
        Ok(()) => None,
        Err(ReleaseError::Stuck(what)) => Some(Outcome::Stuck(what)),
        Err(ReleaseError::Failed(reason)) => Some(Outcome::Failed(reason)),
    };
    finish(core, now, id, outcome, fx);
}

/// Ends a child's part in the shutdown. A worse outcome that is known already stays.
pub(super) fn finish(
    core: &mut Core,
    now: Moment,
    id: ChildId,
    outcome: Option<Outcome>,
    fx: &mut Vec<Effect>,
) {
    let Some(child) = core.child_mut(id) else {
        return;
    };
    let known = child.outcome.take();
    let outcome = match (known, outcome) {
        (Some(stuck @ Outcome::Stuck(_)), _) => stuck,
        (_, Some(new)) => new,
        (Some(known), None) => known,
        (None, None) => Outcome::Stopped,
    };
    child.stop_took = now.saturating_sub(child.stop_began.unwrap_or(now));
    child.outcome = Some(outcome.clone());
    child.state = State::Finished;
    fx.push(Effect::Report(Lifecycle::Stopped { actor: child.name.clone(), outcome }));
}

impl Core {
    /// Intake first; otherwise the reverse of the order of starting.
    pub(super) fn stop_order(&self) -> Vec<ChildId> {
        let intake = |id: &ChildId| self.child(*id).is_some_and(|child| child.rules.intake);
        let reverse = || self.start_order.iter().rev().copied();
        let first = reverse().filter(intake);
        first.chain(reverse().filter(|id| !intake(id))).collect()
    }

    /// The report, in the order of stopping.
    pub(super) fn exit_report(&self, reason: StopReason, forced: bool) -> ExitReport {
        let stopped = self.stop_order().into_iter().filter_map(|id| {
            let child = self.child(id)?;
            (child.state != State::Forgotten).then(|| ChildExit {
                actor: child.name.clone(),
                outcome: child.outcome.clone().unwrap_or(Outcome::Stopped),
                took: child.stop_took,
                restarts: child.restarts,
            })
        });
        ExitReport { reason, forced, children: stopped.collect() }
    }
}
