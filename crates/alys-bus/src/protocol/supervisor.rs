//! Supervisor: what can be asked about the actors it watches.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Reply, protocol_kinds};

/// What the supervisor can be asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum SupervisorMessage {
    /// How every actor is. Sent by rpc and operators.
    HealthCheck {
        /// One entry an actor, in start order.
        reply: Reply<Vec<ActorHealth>, SupervisorError>,
    },
    /// Stop an actor and start it again; counts against no budget. Sent by operators.
    ///
    /// Answered when it is bound again.
    RestartActor {
        /// Its name.
        actor: String,
        /// How long that took.
        reply: Reply<Duration, SupervisorError>,
    },
}

protocol_kinds!(SupervisorMessage, "supervisor", [HealthCheck, RestartActor]);

/// What an actor is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorState {
    /// Being started.
    Starting,
    /// Bound and answering.
    Running,
    /// Works longer than its limit, or has work queued without progress.
    Hung,
    /// Waits for its next start.
    BackingOff,
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
}
