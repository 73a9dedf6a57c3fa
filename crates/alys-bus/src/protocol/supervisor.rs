//! Supervisor: what can be asked about the actors it watches.

use std::{any::Any, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Reply, protocol_kinds};

/// What the supervisor can be asked. Everyone who may ask it at all (rpc, operators' tools) may send all of these.
#[derive(Debug)]
#[non_exhaustive]
pub enum SupervisorMessage {
    /// Watch one more actor, beside those the node was built with.
    ///
    /// Answered when it is bound. If its first start fails it is forgotten again, and the node goes on; later ends follow its
    /// restart policy. Not idempotent: a name that is taken is [`Refused`](SupervisorError::Refused).
    RegisterActor {
        /// How it is started and watched: a `ChildSpec` of the supervisor crate.
        actor: Box<dyn Registration>,
        /// Done, when it runs.
        reply: Reply<(), SupervisorError>,
    },
    /// How every actor is. Answered at once. Idempotent.
    HealthCheck {
        /// One entry an actor, in start order.
        reply: Reply<Vec<ActorHealth>, SupervisorError>,
    },
    /// Stop an actor in order and start it again, with those that restart with it; counts against no budget.
    ///
    /// Answered when it is bound again. An actor that waits for its next start is started at once.
    RestartActor {
        /// Its name.
        actor: String,
        /// How long that took.
        reply: Reply<Duration, SupervisorError>,
    },
}

protocol_kinds!(SupervisorMessage, "supervisor", [RegisterActor, HealthCheck, RestartActor]);

/// What [`SupervisorMessage::RegisterActor`] carries: the supervisor crate's `ChildSpec`, whose parts (how to start an actor of a
/// certain type) have no place among the protocols.
pub trait Registration: Any + Send + fmt::Debug {
    /// The actor's name.
    fn actor(&self) -> &str;

    /// For the supervisor, which takes its own type out again.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

/// What an actor is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ActorState {
    /// Waits until those it depends on run.
    Waiting,
    /// Being started.
    Starting,
    /// Bound and answering.
    Running,
    /// Works longer than its limit, or has work queued without progress.
    Hung,
    /// Waits for its next start.
    BackingOff,
    /// Asked to stop, and not yet stopped.
    Stopping,
    /// Stopped in order.
    Stopped,
}

/// How one actor is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorHealth {
    /// Its name.
    pub actor: String,
    /// What it is doing.
    pub state: ActorState,
    /// Restarts since the node started.
    pub restarts: u64,
    /// Why it ended last, where it did.
    pub last_end: Option<String>,
    /// Messages in flight: queued or in work.
    pub in_flight: u64,
}

/// Why the supervisor could not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SupervisorError {
    /// No such actor.
    #[error("no actor is called {0}")]
    UnknownActor(String),
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
    /// The actor did not start.
    #[error("{actor} did not start: {reason}")]
    NotStarted {
        /// Its name.
        actor: String,
        /// Why.
        reason: String,
    },
    /// The actor cannot be watched.
    #[error("{actor} cannot be registered: {reason}")]
    Refused {
        /// Its name.
        actor: String,
        /// What is wrong with it.
        reason: String,
    },
}
