//! The rules of supervision, as a synchronous state machine: what happened goes in, what to do comes out.
//!
//! It knows no clock, no runtime and no actors: time is an argument, children are numbers. Whoever drives it must report the outcome
//! of each effect, and step again at [`Core::next_wake`]; an outcome that never comes has a deadline here.

mod backoff;
mod budget;
mod child;
mod end;
mod expire;
mod health;
mod order;
mod reconcile;
mod restart;
mod start;
mod stop;
#[cfg(test)]
mod tests;

use std::time::Duration;

use alys_bus::protocol::supervisor::ActorState;

use crate::{BuildError, ExitReport, Lifecycle, StopReason};
use child::{Child, State};

pub(crate) use child::Rules;
pub(crate) use health::{judge_actor, judge_ending, judge_thread};
pub(crate) use order::Names;

/// The time since the supervisor began.
pub(crate) type Moment = Duration;

/// Which child: its place in the order of declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ChildId(pub(crate) usize);

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// The node is to run.
    Begin,
    /// A start succeeded. The incarnation waits to be bound.
    Started { child: ChildId, incarnation: u64 },
    /// A start failed or was cancelled, and nothing of it is left.
    StartFailed { child: ChildId, incarnation: u64, reason: String },
    /// A running incarnation has ended.
    Ended { child: ChildId, incarnation: u64, end: End },
    /// Everything it held has been dropped.
    Gone { child: ChildId, incarnation: u64 },
    /// A running incarnation makes no progress.
    Hung { child: ChildId, incarnation: u64, symptom: String },
    /// A thread of a child makes no progress.
    ThreadHung { child: ChildId, symptom: String },
    /// What the spec of a child owned has been closed.
    Released { child: ChildId, result: Result<(), ReleaseError> },
    /// A child is to be stopped and started again.
    Restart { child: ChildId },
    /// The node is to stop.
    Stop(StopReason),
    /// The process got a signal. The second one forces.
    Signal(&'static str),
    /// Time has passed.
    Tick,
}

/// How an incarnation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// In words.
    pub(crate) reason: String,
    /// Whether its `post_stop` ran, to the end.
    pub(crate) in_order: bool,
}

/// Why what a spec owns could not be closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReleaseError {
    /// A thread goes on; it cannot be killed.
    Stuck(String),
    /// It panicked while being closed.
    Failed(String),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Start an incarnation; answered by `Started` or `StartFailed`.
    Start { child: ChildId, incarnation: u64 },
    /// Cancel the start under way; answered by `StartFailed`, or by `Started` where it came too late.
    CancelStart(ChildId),
    /// Lead the address to the incarnation that has just started.
    Bind(ChildId),
    /// Lead the address nowhere.
    Unbind(ChildId),
    /// Stop in order; answered by `Ended` and `Gone`.
    Stop(ChildId),
    /// Kill; answered by `Ended` and `Gone`.
    Kill(ChildId),
    /// Close what the spec owns, and drop it; answered by `Released`.
    Release { child: ChildId, within: Duration },
    /// A child registered at run time did not start, and is forgotten.
    Forget { child: ChildId, reason: String },
    /// Say it to whoever listens.
    Report(Lifecycle),
    /// All is done.
    Exit(ExitReport),
}

/// What the node as a whole is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// Not begun.
    Idle,
    /// Everything is to run.
    Up,
    /// Everything is to stop; `forced`: at once.
    Stopping { reason: StopReason, forced: bool },
    /// The exit has been reported.
    Done,
}

/// The state of all children.
#[derive(Debug)]
pub(crate) struct Core {
    children: Vec<Child>,
    /// Each after all that it depends on.
    start_order: Vec<ChildId>,
    phase: Phase,
    signals: u32,
    seed: u64,
    /// How long something that was killed or cancelled may take to be gone. After that it counts as stuck.
    grace: Duration,
}

impl Core {
    /// Children at rest. `seed` decides the jitter of all pauses.
    pub(crate) fn new(specs: Vec<(Names, Rules)>, seed: u64, grace: Duration) -> Result<Self, BuildError> {
        let names: Vec<Names> = specs.iter().map(|(names, _)| names.clone()).collect();
        let links = order::resolve(&names)?;
        let start_order = order::start_order(&names, &links)?;
        let mut children = Vec::new();
        for ((names, rules), links) in specs.into_iter().zip(links) {
            rules.check(&names.name)?;
            children.push(Child::new(names.name, links, rules, false));
        }
        Ok(Self { children, start_order, phase: Phase::Idle, signals: 0, seed, grace })
    }

    /// Takes in one more child while the node runs. It is started at the next step.
    pub(crate) fn register(&mut self, names: Names, rules: Rules) -> Result<ChildId, BuildError> {
        let present: Vec<Names> = self.children.iter().map(Child::names).collect();
        let links = order::resolve_one(&present, &names)?;
        rules.check(&names.name)?;
        let id = ChildId(self.children.len());
        self.children.push(Child::new(names.name, links, rules, true));
        self.start_order.push(id);
        Ok(id)
    }

    /// Takes in what happened at `now`, and says what to do. The order of the effects is the order of doing.
    pub(crate) fn step(&mut self, now: Moment, input: Input, fx: &mut Vec<Effect>) {
        match input {
            Input::Begin => start::begin(self),
            Input::Started { child, incarnation } => {
                start::on_started(self, now, child, incarnation, fx);
            }
            Input::StartFailed { child, incarnation, reason } => {
                start::on_start_failed(self, now, child, incarnation, reason, fx)
            }
            Input::Ended { child, incarnation, end } => end::on_ended(self, now, child, incarnation, end, fx),
            Input::Gone { child, incarnation } => end::on_gone(self, now, child, incarnation, fx),
            Input::Hung { child, incarnation, symptom } => {
                end::on_hung(self, now, child, incarnation, symptom, fx)
            }
            Input::ThreadHung { child, symptom } => {
                stop::on_stuck(self, now, child, symptom, fx);
            }
            Input::Released { child, result } => stop::on_released(self, now, child, result, fx),
            Input::Restart { child } => restart::on_restart(self, now, child),
            Input::Stop(reason) => stop::begin(self, now, reason, fx),
            Input::Signal(name) => stop::on_signal(self, now, name, fx),
            Input::Tick => {}
        }
        expire::expire(self, now, fx);
        reconcile::reconcile(self, now, fx);
    }

    /// When the next deadline or pause ends.
    pub(crate) fn next_wake(&self) -> Option<Moment> {
        if self.phase == Phase::Done {
            return None;
        }
        let up = self.phase == Phase::Up;
        let wakes = self.children.iter().filter_map(|child| match child.state {
            State::Down { not_before } => (up && child.may_start).then_some(not_before),
            _ => child.state.deadline(),
        });
        wakes.min()
    }

    /// The child of this name, if there is one.
    pub(crate) fn find(&self, name: &str) -> Option<ChildId> {
        let found =
            self.children.iter().position(|child| child.name == name && child.state != State::Forgotten);
        found.map(ChildId)
    }

    /// Whether the node stops or has stopped.
    pub(crate) fn is_stopping(&self) -> bool {
        matches!(self.phase, Phase::Stopping { .. } | Phase::Done)
    }

    /// The children that are there, each after all that it depends on.
    pub(crate) fn children(&self) -> impl Iterator<Item = ChildId> + '_ {
        let there = |id: &ChildId| self.child(*id).is_some_and(|child| child.state != State::Forgotten);
        self.start_order.iter().copied().filter(there)
    }

    /// A child's name.
    pub(crate) fn name(&self, id: ChildId) -> &str {
        self.child(id).map_or("", |child| &child.name)
    }

    /// The number of a child's incarnation, where it runs and is not to be stopped.
    pub(crate) fn running(&self, id: ChildId) -> Option<u64> {
        let child = self.child(id)?;
        matches!(child.state, State::Running).then_some(child.incarnation)
    }

    /// What a child is doing, how often it was restarted, and how it ended last.
    pub(crate) fn health(&self, id: ChildId, now: Moment) -> (ActorState, u64, Option<String>) {
        let Some(child) = self.child(id) else {
            return (ActorState::Stopped, 0, None);
        };
        let state = child.actor_state(now, self.is_stopping());
        (state, child.restarts, child.last_end.clone())
    }

    /// When something killed or cancelled at `now` counts as stuck.
    fn grace_from(&self, now: Moment) -> Moment {
        now.saturating_add(self.grace)
    }

    fn child(&self, id: ChildId) -> Option<&Child> {
        self.children.get(id.0)
    }

    fn child_mut(&mut self, id: ChildId) -> Option<&mut Child> {
        self.children.get_mut(id.0)
    }

    /// The child, where `incarnation` is its present one.
    fn current(&mut self, id: ChildId, incarnation: u64) -> Option<&mut Child> {
        self.child_mut(id).filter(|child| child.incarnation == incarnation)
    }

    /// Whether all that `child` depends on run, and are not about to be stopped.
    fn dependencies_run(&self, child: &Child) -> bool {
        child.links.depends_on.iter().all(|&id| {
            self.child(id).is_some_and(|dependency| dependency.state == State::Running && !dependency.bounce)
        })
    }

    /// Whether `child` depends on `on`, directly or through others.
    fn depends(&self, child: ChildId, on: ChildId) -> bool {
        let Some(child) = self.child(child) else {
            return false;
        };
        let mut dependencies = child.links.depends_on.iter();
        dependencies.any(|&id| id == on || self.depends(id, on))
    }

    /// All that restart together with `id`, directly or through others; without itself.
    fn restarting_with(&self, id: ChildId) -> Vec<ChildId> {
        let mut group = vec![id];
        // Dependants come later in the order, so one pass finds all.
        for &member in &self.start_order {
            let joins = self
                .child(member)
                .is_some_and(|child| child.links.restarts_with.iter().any(|with| group.contains(with)));
            if joins && !group.contains(&member) {
                group.push(member);
            }
        }
        group.remove(0);
        group
    }
}
