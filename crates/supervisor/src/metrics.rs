//! What the supervisor says to logs and metrics.

use metrics::{counter, gauge};

use crate::{Lifecycle, Outcome};

/// Counts it. The crate's documentation lists the metrics.
pub(crate) fn record(event: &Lifecycle) {
    match event {
        Lifecycle::Started { actor, restarts, .. } => {
            gauge!("alys_supervisor_running", "actor" => actor.clone()).set(1.0);
            counter!("alys_supervisor_restarts_total", "actor" => actor.clone()).absolute(*restarts);
        }
        Lifecycle::Ended { actor, .. } | Lifecycle::Stopping { actor } => {
            gauge!("alys_supervisor_running", "actor" => actor.clone()).set(0.0);
        }
        Lifecycle::Hung { actor, .. } => {
            gauge!("alys_supervisor_running", "actor" => actor.clone()).set(0.0);
            counter!("alys_supervisor_hung_total", "actor" => actor.clone()).increment(1);
        }
        Lifecycle::Starting { .. }
        | Lifecycle::BackingOff { .. }
        | Lifecycle::Stopped { .. }
        | Lifecycle::NodeStopping { .. } => {}
    }
}

/// Logs it.
pub(crate) fn log(event: &Lifecycle) {
    match event {
        Lifecycle::Starting { actor } => tracing::debug!(actor, "starting"),
        Lifecycle::Started { actor, took, restarts } => tracing::info!(actor, ?took, restarts, "started"),
        Lifecycle::Ended { actor, reason } => tracing::warn!(actor, reason, "ended"),
        Lifecycle::BackingOff { actor, pause } => {
            tracing::warn!(actor, ?pause, "will be started again");
        }
        Lifecycle::Hung { actor, symptom } => {
            tracing::error!(actor, symptom, "hung; it is killed and started again");
        }
        Lifecycle::Stopping { actor } => tracing::debug!(actor, "stopping"),
        Lifecycle::Stopped { actor, outcome } => match outcome {
            Outcome::Stopped | Outcome::NotRunning => tracing::info!(actor, %outcome, "stopped"),
            _ => tracing::error!(actor, %outcome, "did not stop in order"),
        },
        Lifecycle::NodeStopping { reason } => tracing::info!(%reason, "the node stops"),
    }
}
