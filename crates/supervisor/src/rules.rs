//! What a child spec may say, as plain data: restart policy, budget, health limits.

use std::time::Duration;

/// What happens when an actor ends that nobody asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartPolicy {
    /// It is not started again: its end is the end of the node, in order. An end without a failure is a success.
    Never,
    /// It is started again, after a pause that grows with each end that the [`Budget`]'s window remembers.
    Backoff {
        /// The longest pause after the first end; doubled with each further one. The pause is between a half and the whole of it.
        first: Duration,
        /// The longest pause at all.
        max: Duration,
    },
}

impl Default for RestartPolicy {
    /// Pauses of up to 20 ms, 40 ms, … 10 s: the first restart is within 100 ms.
    fn default() -> Self {
        Self::Backoff { first: Duration::from_millis(20), max: Duration::from_secs(10) }
    }
}

/// How many restarts within how long are borne. The next end stops the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// So many restarts …
    pub restarts: u32,
    /// … within the time before each end. So many failed starts in a row spend it too, however long they took.
    pub within: Duration,
}

impl Default for Budget {
    /// 5 restarts in 60 s.
    fn default() -> Self {
        Self { restarts: 5, within: Duration::from_secs(60) }
    }
}

/// From when on an actor counts as hung. Choose them well above what the slowest message takes. `Duration::MAX` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthLimits {
    /// One message in the handler. Beyond it the actor is killed and restarted.
    pub work: Duration,
    /// Work queued while the actor neither begins nor finishes anything. Beyond it the actor is killed and restarted.
    pub stalled: Duration,
    /// One job, or batch of jobs, on a thread the spec owns. A thread cannot be killed: beyond it the node stops.
    pub thread: Duration,
}

impl Default for HealthLimits {
    /// 10 s for a message and for a stall, 60 s for a job on a thread.
    fn default() -> Self {
        Self {
            work: Duration::from_secs(10),
            stalled: Duration::from_secs(10),
            thread: Duration::from_secs(60),
        }
    }
}
