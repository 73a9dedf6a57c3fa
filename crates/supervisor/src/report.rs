//! How a run ended: why, and how each actor stopped.

use std::{
    fmt,
    process::{ExitCode, Termination},
    time::Duration,
};

/// Why the node stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// Somebody asked for it, and said why.
    Requested(String),
    /// The process got this signal.
    Signal(&'static str),
    /// An actor that is never restarted ended without a failure: its work is done.
    Finished {
        /// Which.
        actor: String,
    },
    /// An actor that is never restarted failed.
    Failed {
        /// Which.
        actor: String,
        /// How.
        reason: String,
    },
    /// An actor ended more often than its budget bears.
    BudgetSpent {
        /// Which.
        actor: String,
        /// So many restarts …
        restarts: u32,
        /// … within so long were borne.
        within: Duration,
        /// How it ended last.
        last: String,
    },
    /// An actor's first start failed: with this configuration the next would too.
    NotStarted {
        /// Which.
        actor: String,
        /// Why.
        reason: String,
    },
    /// Something that belongs to an actor neither goes on nor can be killed.
    Stuck {
        /// Which actor.
        actor: String,
        /// What is stuck.
        what: String,
    },
    /// The supervisor itself failed. The actors were killed.
    SupervisorFailed,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested(why) => write!(f, "stopped: {why}"),
            Self::Signal(signal) => write!(f, "stopped by {signal}"),
            Self::Finished { actor } => write!(f, "stopped: {actor} has finished"),
            Self::Failed { actor, reason } => {
                write!(f, "stopped: {actor} failed and is never restarted: {reason}")
            }
            Self::BudgetSpent { actor, restarts, within, last } => {
                write!(f, "stopped: {actor} ended again after {restarts} restarts in {within:?}: {last}")
            }
            Self::NotStarted { actor, reason } => {
                write!(f, "stopped: {actor} did not start: {reason}")
            }
            Self::Stuck { actor, what } => write!(f, "stopped: {actor} is stuck: {what}"),
            Self::SupervisorFailed => write!(
                f,
                "stopped: the supervisor itself failed, and all actors were killed; its panic is in the log"
            ),
        }
    }
}

/// How one actor ended its part of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// In order and in time: its `post_stop` ran, and its threads ended.
    Stopped,
    /// It did not run when its turn came: never started, or waiting for a restart.
    NotRunning,
    /// It ended by itself while the node was stopping, or failed in its `post_stop` or while its threads ended.
    Failed(String),
    /// Not in time, so it was killed.
    Killed,
    /// Something of it still runs and cannot be killed.
    Stuck(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => write!(f, "stopped"),
            Self::NotRunning => write!(f, "was not running"),
            Self::Failed(reason) => write!(f, "failed: {reason}"),
            Self::Killed => write!(f, "killed: it did not stop in time"),
            Self::Stuck(what) => write!(f, "stuck: {what}"),
        }
    }
}

/// How one actor ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildExit {
    /// Its name.
    pub actor: String,
    /// How.
    pub outcome: Outcome,
    /// From the order to stop until it had.
    pub took: Duration,
    /// Its restarts during the run.
    pub restarts: u64,
}

/// How a run ended. As the result of `main` it is the process' exit code, and prints the reason as the last line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "the exit code of the process is in it"]
pub struct ExitReport {
    /// Why the node stopped: the first reason, where there were several.
    pub reason: StopReason,
    /// Whether a second signal cut the shutdown short.
    pub forced: bool,
    /// How each actor ended, in the order of stopping.
    pub children: Vec<ChildExit>,
}

impl ExitReport {
    /// Whether the node stopped because it was to, and every actor in order.
    pub fn is_success(&self) -> bool {
        let wanted = matches!(
            self.reason,
            StopReason::Requested(_) | StopReason::Signal(_) | StopReason::Finished { .. }
        );
        let in_order = |child: &ChildExit| matches!(child.outcome, Outcome::Stopped | Outcome::NotRunning);
        wanted && !self.forced && self.children.iter().all(in_order)
    }

    /// 0 for a success, 1 for anything else.
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.is_success())
    }

    /// What still runs and cannot be killed: the runtime must not be waited for.
    pub fn is_stuck(&self) -> bool {
        self.children.iter().any(|child| matches!(child.outcome, Outcome::Stuck(_)))
    }
}

/// One line for each actor that did not stop in order, and the reason as the last.
impl fmt::Display for ExitReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for child in &self.children {
            if !matches!(child.outcome, Outcome::Stopped | Outcome::NotRunning) {
                writeln!(f, "{}: {}", child.actor, child.outcome)?;
            }
        }
        if self.forced {
            writeln!(f, "a second signal cut the shutdown short")?;
        }
        write!(f, "{}", self.reason)
    }
}

impl Termination for ExitReport {
    fn report(self) -> ExitCode {
        eprintln!("{self}");
        ExitCode::from(self.exit_code())
    }
}

/// What happened to an actor, for whoever listens.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lifecycle {
    /// A start begins.
    Starting {
        /// Whose.
        actor: String,
    },
    /// It has started, and its address leads to it.
    Started {
        /// Which.
        actor: String,
        /// How long the start took.
        took: Duration,
        /// Restarts until now; 0 for the first start.
        restarts: u64,
    },
    /// It ended, or its start failed. Its address leads nowhere.
    Ended {
        /// Which.
        actor: String,
        /// How.
        reason: String,
    },
    /// It will be started again.
    BackingOff {
        /// Which.
        actor: String,
        /// After so long.
        pause: Duration,
    },
    /// It makes no progress, and is killed for that.
    Hung {
        /// Which.
        actor: String,
        /// What was seen.
        symptom: String,
    },
    /// It is stopped in order, to be restarted or because the node stops.
    Stopping {
        /// Which.
        actor: String,
    },
    /// It was stopped.
    Stopped {
        /// Which.
        actor: String,
        /// How.
        outcome: Outcome,
    },
    /// The whole node stops.
    NodeStopping {
        /// Why.
        reason: StopReason,
    },
}
