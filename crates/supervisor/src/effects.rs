//! The only place that turns effects of the core into what happens.

use std::{mem::take, time::Duration};

use alys_bus::{
    Inbox, Timer, pipe_any,
    protocol::supervisor::{SupervisorError, SupervisorMessage},
};
use ractor::ActorRef;
use tokio::sync::oneshot;

use crate::{
    ExitReport, Lifecycle, StopReason,
    core::{ChildId, Effect, Input, ReleaseError},
    kept::not_released,
    metrics,
    state::{Private, State, Waiting},
};

/// Longer waits are cut in parts: a limit of `Duration::MAX` is no instant.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// A reference to the supervisor itself.
pub(crate) type Me = ActorRef<Inbox<SupervisorMessage, Private>>;

/// Takes a step of the core, and does what comes of it.
pub(crate) fn drive(me: &Me, state: &mut State, input: Input) {
    let mut effects = Vec::new();
    state.core.step(state.now(), input, &mut effects);
    for effect in effects {
        run(me, state, effect);
    }
    arm(me, state);
    publish_health(state);
}

/// Shows the state of health to whoever looks, if it has changed.
pub(crate) fn publish_health(state: &State) {
    let health = state.health();
    state.health.update(|shown| {
        let changed = *shown != health;
        if changed {
            *shown = health;
        }
        changed
    });
}

/// Sets the timer to the core's next deadline.
fn arm(me: &Me, state: &mut State) {
    let soon = state.now().saturating_add(LONGEST_WAIT);
    let next = state.core.next_wake().map(|at| at.min(soon));
    if state.wake.as_ref().map(|(at, _)| *at) == next {
        return;
    }
    state.wake = next.map(|at| {
        let timer = Timer::once(me, "supervisor-wake", state.epoch + at, Private::Wake);
        (at, timer)
    });
}

fn run(me: &Me, state: &mut State, effect: Effect) {
    match effect {
        Effect::Start { child, incarnation } => start(me, state, child, incarnation),
        Effect::CancelStart(child) => {
            if let Some(hands) = state.children.get_mut(&child) {
                hands.cancel = None;
            }
        }
        Effect::Bind(child) => bind(state, child),
        Effect::Unbind(child) => {
            if let Some(launch) = state.children.get(&child).and_then(|hands| hands.launch.as_ref()) {
                launch.unbind();
            }
        }
        Effect::Stop(child) => {
            if let Some(cell) = state.children.get(&child).and_then(|hands| hands.cell.as_ref()) {
                cell.stop(None);
            }
        }
        Effect::Kill(child) => {
            if let Some(cell) = state.children.get(&child).and_then(|hands| hands.cell.as_ref()) {
                cell.kill();
            }
        }
        Effect::Release { child, within } => release(me, state, child, within),
        Effect::Forget { child, reason } => forget(me, state, child, &reason),
        Effect::Report(event) => report(state, event),
        Effect::Exit(report) => exit(me, state, report),
    }
}

/// Starts an incarnation in a task of its own. Its outcome comes back in any case: also after a panic, and after a cancellation,
/// when all that the start had built up is dropped.
fn start(me: &Me, state: &mut State, child: ChildId, incarnation: u64) {
    let Some(hands) = state.children.get_mut(&child) else {
        return;
    };
    let Some(launch) = &hands.launch else {
        return;
    };
    let (cancel, cancelled) = oneshot::channel();
    hands.cancel = Some(cancel);
    let start = launch.start(me.get_cell(), cancelled);
    pipe_any(me, start, move |outcome| Private::StartReported {
        child,
        incarnation,
        outcome: outcome.unwrap_or_else(|panicked| Err(panicked.0)),
    });
}

fn bind(state: &mut State, child: ChildId) {
    if let Some(bind) = state.children.get_mut(&child).and_then(|hands| hands.bind.take()) {
        bind();
    }
    let now = state.clock.now();
    for waiting in take_waiting(state, |waiting| waiting.child() == child) {
        waiting.succeed(now);
    }
}

/// Closes what the spec owns: its threads, then all that its starting function holds.
fn release(me: &Me, state: &mut State, child: ChildId, within: Duration) {
    let Some(hands) = state.children.get_mut(&child) else {
        return;
    };
    let kept = take(&mut hands.kept);
    let launch = hands.launch.take();
    let deadline = state.clock.now() + within.min(LONGEST_WAIT);
    let close = async move {
        let mut result = Ok(());
        for worker in &kept {
            result = result.and(worker.stop(deadline).await.map_err(not_released));
        }
        drop((kept, launch));
        result
    };
    pipe_any(me, close, move |outcome| Private::Released {
        child,
        result: outcome.unwrap_or_else(|panicked| Err(ReleaseError::Failed(panicked.0))),
    });
}

fn forget(me: &Me, state: &mut State, child: ChildId, reason: &str) {
    let actor = state.core.name(child).to_owned();
    sweep(me, state.children.remove(&child));
    for waiting in take_waiting(state, |waiting| waiting.child() == child) {
        waiting.fail(SupervisorError::NotStarted { actor: actor.clone(), reason: reason.to_owned() });
    }
}

/// Drops what came from outside, in a task of its own: that may take long, or panic.
pub(crate) fn sweep(me: &Me, what: impl Send + 'static) {
    pipe_any(me, async move { drop(what) }, |_| Private::Swept);
}

fn report(state: &mut State, event: Lifecycle) {
    metrics::record(&event);
    metrics::log(&event);
    if let Lifecycle::NodeStopping { reason } = &event {
        for waiting in take_waiting(state, |_| true) {
            let error = why_not(state.core.name(waiting.child()), reason);
            waiting.fail(error);
        }
    }
    state.events.publish(event);
}

/// What someone who waits for `name` to run is told when the node stops.
fn why_not(name: &str, reason: &StopReason) -> SupervisorError {
    match reason {
        StopReason::BudgetSpent { actor, last, .. } if actor == name => {
            SupervisorError::NotStarted { actor: actor.clone(), reason: last.clone() }
        }
        _ => SupervisorError::Stopping,
    }
}

fn exit(me: &Me, state: &mut State, report: ExitReport) {
    state.address.unbind();
    if let Some(exit) = state.exit.take() {
        // Whoever started the node may have lost interest in how it ended.
        let _ = exit.send(report);
    }
    me.stop(None);
}

/// Takes out those who wait and meet the condition.
pub(crate) fn take_waiting(state: &mut State, condition: impl Fn(&Waiting) -> bool) -> Vec<Waiting> {
    let (taken, left) = take(&mut state.waiting).into_iter().partition(condition);
    state.waiting = left;
    taken
}
