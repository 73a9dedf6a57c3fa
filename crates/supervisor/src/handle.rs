//! A running node, and the handle to it.

use std::time::Duration;

use alys_bus::{
    Address, AskError, Context, Inbox, LatestReader, Subscription, Topic,
    protocol::supervisor::{ActorHealth, ActorState, SupervisorError, SupervisorMessage},
};
use ractor::ActorRef;
use tokio::{sync::oneshot, time::timeout};

use crate::{ChildSpec, ExitReport, Lifecycle, StopReason, builder::SupervisorBuilder, state::Private};

/// A running node. It goes on when this is dropped; only how it ends is lost then.
#[derive(Debug)]
#[must_use = "wait for its end, or keep its handle"]
pub struct Supervisor {
    handle: SupervisorHandle,
    report: oneshot::Receiver<ExitReport>,
}

impl Supervisor {
    /// Begins to put a node together.
    pub fn builder() -> SupervisorBuilder {
        SupervisorBuilder::new()
    }

    pub(crate) fn new(handle: SupervisorHandle, report: oneshot::Receiver<ExitReport>) -> Self {
        Self { handle, report }
    }

    /// A handle, to stop and to ask.
    pub fn handle(&self) -> SupervisorHandle {
        self.handle.clone()
    }

    /// Waits for the end of the node, however it comes about.
    pub async fn wait(self) -> ExitReport {
        self.report.await.unwrap_or_else(|_| {
            // Its actor ended without a report: it panicked, and ractor has killed all children.
            tracing::error!("the supervisor failed");
            ExitReport { reason: StopReason::SupervisorFailed, forced: true, children: Vec::new() }
        })
    }
}

/// A cloneable handle to a running node.
#[derive(Debug, Clone)]
pub struct SupervisorHandle {
    actor: ActorRef<Inbox<SupervisorMessage, Private>>,
    address: Address<SupervisorMessage>,
    health: LatestReader<Vec<ActorHealth>>,
    events: Topic<Lifecycle>,
}

impl SupervisorHandle {
    pub(crate) fn new(
        actor: ActorRef<Inbox<SupervisorMessage, Private>>,
        address: Address<SupervisorMessage>,
        health: LatestReader<Vec<ActorHealth>>,
        events: Topic<Lifecycle>,
    ) -> Self {
        Self { actor, address, health, events }
    }

    /// Stops the node in order. Returns at once; [`Supervisor::wait`] tells the end. Again, or when it has stopped: nothing happens.
    pub fn stop(&self, reason: impl Into<String>) {
        let message = Inbox::Private(Private::Stop(reason.into()));
        // A supervisor that has ended has stopped the node.
        let _ = self.actor.send_message(message);
    }

    /// Stops an actor in order and starts it again, with those that restart with it. How long it took until it was bound again.
    pub async fn restart(
        &self,
        ctx: Context,
        actor: impl Into<String>,
    ) -> Result<Duration, AskError<SupervisorError>> {
        let actor = actor.into();
        let ask = |reply| SupervisorMessage::RestartActor { actor, reply };
        self.address.control().ask(ctx, ask).await
    }

    /// Watches one more actor; returns when it runs.
    pub async fn register(&self, ctx: Context, spec: ChildSpec) -> Result<(), AskError<SupervisorError>> {
        let actor = Box::new(spec);
        let ask = |reply| SupervisorMessage::RegisterActor { actor, reply };
        self.address.control().ask(ctx, ask).await
    }

    /// How all actors are now, in start order.
    pub fn health(&self) -> Vec<ActorHealth> {
        self.health.get()
    }

    /// The same, to be waited on.
    pub fn watch(&self) -> LatestReader<Vec<ActorHealth>> {
        self.health.clone()
    }

    /// What happens to the actors from now on.
    pub fn events(&self) -> Subscription<Lifecycle> {
        self.events.subscribe()
    }

    /// The supervisor's address, for rpc.
    pub fn address(&self) -> Address<SupervisorMessage> {
        self.address.clone()
    }

    /// Waits until every actor runs. False: that did not come to be within this time, or the node stops.
    pub async fn until_running(&self, within: Duration) -> bool {
        let runs = |actor: &ActorHealth| actor.state == ActorState::Running;
        let stopped = |actor: &ActorHealth| actor.state == ActorState::Stopped;
        let mut health = self.health.clone();
        let decided =
            health.wait_for(|all| !all.is_empty() && (all.iter().all(runs) || all.iter().any(stopped)));
        match timeout(within, decided).await {
            Ok(Some(all)) => all.iter().all(runs),
            Ok(None) | Err(_) => false,
        }
    }
}
