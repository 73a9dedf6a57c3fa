//! One child: its rules, and where it stands.

use std::time::Duration;

use alys_bus::protocol::supervisor::ActorState;

use super::{Moment, Names, budget::Window, order::Links};
use crate::{Budget, BuildError, Outcome, RestartPolicy};

/// What the spec says about a child, as far as the rules need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) policy: RestartPolicy,
    pub(crate) budget: Budget,
    /// How long a start may take.
    pub(crate) start_within: Duration,
    /// How long its stop may take, and after it the closing of what its spec owns.
    pub(crate) stop_within: Duration,
    /// Stopped before all others.
    pub(crate) intake: bool,
}

impl Rules {
    /// Whether the figures make sense together.
    pub(super) fn check(&self, actor: &str) -> Result<(), BuildError> {
        let what = match self.policy {
            RestartPolicy::Backoff { first, max } if first > max => {
                "its first pause is longer than its longest"
            }
            RestartPolicy::Backoff { .. } if self.budget.within.is_zero() => {
                "its budget covers no time, so it would never be spent"
            }
            _ if self.start_within.is_zero() => "it has no time to start",
            _ if self.stop_within.is_zero() => "it has no time to stop",
            _ => return Ok(()),
        };
        let actor = actor.to_owned();
        Err(BuildError::Invalid { actor, what })
    }
}

/// Where a child stands. Each state but `Running` ends by its own deadline, or because those it waits for do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// At rest; started once its dependencies run, and not before this time.
    Down { not_before: Moment },
    /// A start is under way.
    Starting { since: Moment, until: Moment },
    /// Its start has been cancelled. With a reason: because it took too long.
    Cancelling { until: Moment, overdue: Option<String> },
    /// Bound.
    Running,
    /// Asked to stop; `post_stop` may be under way.
    Stopping { until: Moment },
    /// Killed. With a symptom: because it was hung; without: because it did not stop in time, or by force.
    Killing { until: Moment, hung: Option<String> },
    /// It has ended, and what it held is being dropped.
    Leaving { until: Moment, verdict: Verdict },
    /// It does not go, though killed.
    Stuck,
    /// What its spec owns is being closed.
    Releasing { until: Moment },
    /// The node stops, and this child has.
    Finished,
    /// Registered at run time, but its first start failed.
    Forgotten,
}

/// What an end means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It ended, and nobody had asked for it: a failure unless it was in order.
    ByItself { reason: String, in_order: bool },
    /// It was asked to stop, or killed for not having stopped.
    AsAsked,
}

impl State {
    /// When patience with this state ends.
    pub(super) fn deadline(&self) -> Option<Moment> {
        match self {
            Self::Starting { until, .. }
            | Self::Cancelling { until, .. }
            | Self::Stopping { until }
            | Self::Killing { until, .. }
            | Self::Leaving { until, .. }
            | Self::Releasing { until } => Some(*until),
            Self::Down { .. } | Self::Running | Self::Stuck | Self::Finished | Self::Forgotten => None,
        }
    }

    /// Whether nothing of it runs.
    pub(super) fn is_at_rest(&self) -> bool {
        matches!(self, Self::Down { .. } | Self::Finished | Self::Forgotten)
    }
}

/// A child.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) name: String,
    pub(super) links: Links,
    pub(super) rules: Rules,
    pub(super) state: State,
    /// Counts starts, so that a late report about an earlier one is known as such.
    pub(super) incarnation: u64,
    /// To be stopped and started again.
    pub(super) bounce: bool,
    /// Whether only time keeps it from being started.
    pub(super) may_start: bool,
    /// Registered at run time.
    pub(super) registered: bool,
    /// Whether it has ever run.
    pub(super) has_run: bool,
    pub(super) window: Window,
    pub(super) failed_starts: u32,
    pub(super) restarts: u64,
    pub(super) last_end: Option<String>,
    /// When its turn to stop came, in the shutdown.
    pub(super) stop_began: Option<Moment>,
    /// How it stopped, where that is known.
    pub(super) outcome: Option<Outcome>,
    pub(super) stop_took: Duration,
}

impl Child {
    pub(super) fn new(name: String, links: Links, rules: Rules, registered: bool) -> Self {
        Self {
            name,
            links,
            rules,
            state: State::Down { not_before: Moment::ZERO },
            incarnation: 0,
            bounce: false,
            may_start: false,
            registered,
            has_run: false,
            window: Window::default(),
            failed_starts: 0,
            restarts: 0,
            last_end: None,
            stop_began: None,
            outcome: None,
            stop_took: Duration::ZERO,
        }
    }

    /// Its name, as far as later registrations must know it. A forgotten child has none.
    pub(super) fn names(&self) -> Names {
        let name = match self.state {
            State::Forgotten => String::new(),
            _ => self.name.clone(),
        };
        Names { name, depends_on: Vec::new(), restarts_with: Vec::new() }
    }

    /// At rest, to be started again as soon as its dependencies run.
    pub(super) fn down(&mut self) {
        self.state = State::Down { not_before: Moment::ZERO };
        self.bounce = false;
    }

    pub(super) fn actor_state(&self, now: Moment, node_stops: bool) -> ActorState {
        match &self.state {
            State::Down { .. } if node_stops => ActorState::Stopped,
            State::Down { not_before } if *not_before > now => ActorState::BackingOff,
            State::Down { .. } => ActorState::Waiting,
            State::Starting { .. } => ActorState::Starting,
            State::Running => ActorState::Running,
            State::Killing { hung: Some(_), .. } | State::Stuck => ActorState::Hung,
            State::Cancelling { .. }
            | State::Stopping { .. }
            | State::Killing { .. }
            | State::Leaving { .. }
            | State::Releasing { .. } => ActorState::Stopping,
            State::Finished | State::Forgotten => ActorState::Stopped,
        }
    }
}
