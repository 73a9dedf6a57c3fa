//! What the actor holds between messages.

use alys_bus::{Feed, Timer, Worker, protocol::chain::ChainMessage};

use crate::{
    actor::ChainArgs,
    actor::Me,
    checks::Check,
    core::{Core, Effects},
    metrics::ChainMetrics,
};

/// How far the incarnation has come.
pub(crate) enum Phase {
    /// Storage and federation are asked; how often that failed.
    Loading {
        /// Failures in a row.
        failures: u32,
        /// Why the last try failed.
        why: String,
    },
    /// The core runs.
    Running(Box<Core>),
}

/// One incarnation.
pub struct ChainState {
    pub(crate) feed: Feed<ChainMessage>,
    pub(crate) me: Me,
    pub(crate) args: ChainArgs,
    pub(crate) phase: Phase,
    /// The request whose message is in work: what follows from it, in every actor, carries its id.
    pub(crate) request: u64,
    /// What may be seen, behind what must be durable.
    pub(crate) outbox: Effects,
    pub(crate) checks: Worker<Check>,
    /// The one timer: the core says when it wants to look again.
    pub(crate) wake: Option<Timer>,
    /// Watches the execution client's health; ends with this.
    pub(crate) _watch: Option<alys_bus::Task>,
    pub(crate) metrics: ChainMetrics,
}
