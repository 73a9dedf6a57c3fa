//! What the supervisor holds between messages.

use std::{collections::BTreeMap, time::Duration};

use alys_bus::{
    Address, Clock, Feed, Latest, Reply, Task, Tick, Timer, Topic,
    protocol::supervisor::{ActorHealth, SupervisorError, SupervisorMessage},
};
use ractor::{ActorCell, ActorStatus, concurrency::JoinHandle};
use tokio::{sync::oneshot, time::Instant};

use crate::{
    ChildSpec, ExitReport, HealthLimits, Lifecycle,
    core::{ChildId, Core, End, Moment, ReleaseError},
    kept::KeptThreads,
    launch::{Incarnation, Launch},
};

/// What the supervisor tells itself.
pub(crate) enum Private {
    /// A start is over.
    StartReported { child: ChildId, incarnation: u64, outcome: Result<Incarnation, String> },
    /// A running incarnation has ended.
    Ended { child: ChildId, incarnation: u64, end: End },
    /// The state of an ended incarnation has been dropped.
    Gone { child: ChildId, incarnation: u64 },
    /// What a spec owned has been closed.
    Released { child: ChildId, result: Result<(), ReleaseError> },
    /// Something that nobody needs any more has been dropped.
    Swept,
    /// Look at the health of all children.
    Health(Tick),
    /// A deadline or pause of the core ends.
    Wake,
    /// The node is to stop.
    Stop(String),
    /// The process got a signal.
    Signal(&'static str),
}

/// A child, as far as the rules do not know it.
pub(crate) struct Hands {
    /// Empty once the node has stopped this child.
    pub(crate) launch: Option<Box<dyn Launch>>,
    pub(crate) kept: Vec<Box<dyn KeptThreads>>,
    pub(crate) limits: HealthLimits,
    /// Of the start under way: dropped to cancel it.
    pub(crate) cancel: Option<oneshot::Sender<()>>,
    /// Of the present incarnation.
    pub(crate) incarnation: u64,
    pub(crate) cell: Option<ActorCell>,
    pub(crate) bind: Option<Box<dyn FnOnce() + Send>>,
    pub(crate) handle: Option<JoinHandle<()>>,
    /// Since when the present incarnation has been seen to be ending.
    pub(crate) ending: Option<Instant>,
}

impl Hands {
    pub(crate) fn new(
        launch: Box<dyn Launch>,
        kept: Vec<Box<dyn KeptThreads>>,
        limits: HealthLimits,
    ) -> Self {
        Self {
            launch: Some(launch),
            kept,
            limits,
            cancel: None,
            incarnation: 0,
            cell: None,
            bind: None,
            handle: None,
            ending: None,
        }
    }

    /// For how long the present incarnation has been seen to be ending, though nobody has told it to: it stopped by itself or failed, and its
    /// `post_stop`, or the end of what it held, takes its time.
    pub(crate) fn ending_for(&mut self, now: Instant) -> Option<Duration> {
        let cell = self.cell.as_ref()?;
        if cell.get_status() < ActorStatus::Stopping {
            return None;
        }
        Some(now.saturating_duration_since(*self.ending.get_or_insert(now)))
    }

    /// How many messages the actor has in flight.
    fn in_flight(&self) -> u64 {
        let launch = self.launch.as_ref();
        launch.map_or(0, |launch| launch.stats().in_flight() as u64)
    }
}

impl From<ChildSpec> for Hands {
    fn from(spec: ChildSpec) -> Self {
        Self::new(spec.launch, spec.kept, spec.health)
    }
}

/// Who waits for a child to run.
pub(crate) enum Waiting {
    Restart { child: ChildId, since: Instant, reply: Reply<Duration, SupervisorError> },
    Register { child: ChildId, reply: Reply<(), SupervisorError> },
}

impl Waiting {
    pub(crate) fn child(&self) -> ChildId {
        match self {
            Self::Restart { child, .. } | Self::Register { child, .. } => *child,
        }
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        match self {
            Self::Restart { reply, .. } => reply.is_abandoned(),
            Self::Register { reply, .. } => reply.is_abandoned(),
        }
    }

    /// It runs.
    pub(crate) fn succeed(self, now: Instant) {
        match self {
            Self::Restart { since, reply, .. } => {
                reply.send(Ok(now.saturating_duration_since(since)));
            }
            Self::Register { reply, .. } => reply.send(Ok(())),
        }
    }

    /// It will not run.
    pub(crate) fn fail(self, error: SupervisorError) {
        match self {
            Self::Restart { reply, .. } => reply.send(Err(error)),
            Self::Register { reply, .. } => reply.send(Err(error)),
        }
    }
}

/// The supervisor's state.
pub(crate) struct State {
    pub(crate) feed: Feed<SupervisorMessage>,
    /// Its own; unbound at the exit.
    pub(crate) address: Address<SupervisorMessage>,
    pub(crate) core: Core,
    pub(crate) children: BTreeMap<ChildId, Hands>,
    /// Bounded by the credits of the supervisor's address.
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) clock: Clock,
    /// When the core's time began.
    pub(crate) epoch: Instant,
    pub(crate) health: Latest<Vec<ActorHealth>>,
    pub(crate) events: Topic<Lifecycle>,
    /// Empty once the report has been given.
    pub(crate) exit: Option<oneshot::Sender<ExitReport>>,
    /// The timer for the core's next deadline, and that deadline.
    pub(crate) wake: Option<(Moment, Timer)>,
    pub(crate) _health_timer: Timer,
    pub(crate) _signals: Option<Task>,
    /// Does nothing but wake a thread of the runtime now and then, which looks for work when it is awake. A task that waits in the queue of a
    /// thread that an actor blocks is taken over so, this actor's own included; where all others sleep nobody would look.
    pub(crate) _heartbeat: Task,
}

impl State {
    /// The core's time.
    pub(crate) fn now(&self) -> Moment {
        self.clock.now().saturating_duration_since(self.epoch)
    }

    /// How all actors are, in start order.
    pub(crate) fn health(&self) -> Vec<ActorHealth> {
        let now = self.now();
        let health = |id: ChildId| {
            let (state, restarts, last_end) = self.core.health(id, now);
            ActorHealth {
                actor: self.core.name(id).to_owned(),
                state,
                restarts,
                last_end,
                in_flight: self.children.get(&id).map_or(0, Hands::in_flight),
            }
        };
        self.core.children().map(health).collect()
    }
}
