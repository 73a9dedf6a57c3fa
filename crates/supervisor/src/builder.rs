//! From child specs to a running node.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

use alys_bus::{Address, Clock, Latest, Limits, Topic, protocol::supervisor::SupervisorMessage, spawn_actor};
use tokio::sync::oneshot;

use crate::{
    BuildError, ChildSpec, ExitReport, HealthLimits, Lifecycle, Supervisor, SupervisorHandle,
    actor::{Arguments, SupervisorActor},
    core::{ChildId, Core},
    signals::Signals,
    state::Hands,
};

/// How long something killed may take to be gone. Generous: a busy machine must not stop a node.
const GRACE: Duration = Duration::from_secs(5);

/// How many lifecycle events are kept for a slow listener.
const EVENTS: usize = 256;

/// Puts a node together. Made by [`Supervisor::builder`].
#[derive(Debug)]
#[must_use = "nothing runs before `start` or `run`"]
pub struct SupervisorBuilder {
    children: Vec<ChildSpec>,
    address: Address<SupervisorMessage>,
    events: Topic<Lifecycle>,
    clock: Clock,
    signals: bool,
    seed: Option<u64>,
    grace: Duration,
}

impl SupervisorBuilder {
    pub(crate) fn new() -> Self {
        Self {
            children: Vec::new(),
            address: Address::new(Limits::new(64, 16)),
            events: Topic::new(EVENTS),
            clock: Clock::system(),
            signals: false,
            seed: None,
            grace: GRACE,
        }
    }

    /// Watches this actor. Where dependencies leave it open, the order of these calls is the order of starting.
    pub fn child(mut self, spec: ChildSpec) -> Self {
        self.children.push(spec);
        self
    }

    /// Watches these actors.
    pub fn children(mut self, specs: impl IntoIterator<Item = ChildSpec>) -> Self {
        self.children.extend(specs);
        self
    }

    /// The supervisor's own address, where others (rpc) must hold it before the node runs.
    pub fn address(mut self, address: &Address<SupervisorMessage>) -> Self {
        self.address = address.clone();
        self
    }

    /// Where lifecycle events are published, where somebody must listen before the node runs.
    pub fn events(mut self, events: &Topic<Lifecycle>) -> Self {
        self.events = events.clone();
        self
    }

    /// The clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Stops the node in order at SIGINT or SIGTERM; the second signal forces. [`run`](SupervisorBuilder::run) does this anyway.
    pub fn stop_on_signals(mut self) -> Self {
        self.signals = true;
        self
    }

    /// What decides the jitter of the pauses; random by default.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How long an actor that was killed, or a start that was cancelled, may take to be gone, before it counts as stuck and the node stops.
    /// 5 s by default.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Starts the supervisor, which starts the actors. Returns before those run: see [`SupervisorHandle::until_running`].
    pub async fn start(self) -> Result<Supervisor, BuildError> {
        let signals = match self.signals {
            true => Some(Signals::listen().map_err(BuildError::Signals)?),
            false => None,
        };
        let rules = self.children.iter().map(|spec| (spec.names.clone(), spec.rules.clone())).collect();
        let seed = self.seed.unwrap_or_else(random_seed);
        let core = Core::new(rules, seed, self.grace)?;
        let limits = self.children.iter().map(|spec| spec.health);
        let health_every = look_every(limits);
        let children: BTreeMap<ChildId, Hands> =
            (0..).map(ChildId).zip(self.children.into_iter().map(Hands::from)).collect();
        let (exit, report) = oneshot::channel();
        let health = Latest::new(Vec::new());
        let handle_health = health.reader();
        let arguments = |feed| Arguments {
            feed,
            address: self.address.clone(),
            core,
            children,
            clock: self.clock,
            health,
            health_every,
            events: self.events.clone(),
            exit,
            signals,
        };
        let spawned = spawn_actor(&self.address, None, SupervisorActor, arguments).await;
        let (actor, _ended) = spawned.map_err(|error| BuildError::Start(error.to_string()))?;
        let handle = SupervisorHandle::new(actor, self.address, handle_health, self.events);
        Ok(Supervisor::new(handle, report))
    }

    /// Runs the node to its end: until somebody stops it, a signal does, or an actor that cannot be kept running.
    pub async fn run(self) -> Result<ExitReport, BuildError> {
        Ok(self.stop_on_signals().start().await?.wait().await)
    }
}

/// How often to look at the actors' health: four times within the shortest limit, between 10 ms and 1 s.
fn look_every(limits: impl Iterator<Item = HealthLimits>) -> Duration {
    let shortest = limits.map(|limits| limits.work.min(limits.stalled).min(limits.thread));
    let quarter = shortest.min().unwrap_or(Duration::MAX) / 4;
    quarter.clamp(Duration::from_millis(10), Duration::from_secs(1))
}

/// A number that differs from run to run.
fn random_seed() -> u64 {
    RandomState::new().build_hasher().finish()
}
