//! How an actor fares, as the bus sees it: for health checks, metrics and tests.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use crate::{HistogramSnapshot, Lane, clock, gate::Gate, progress::PRIVATE};

/// The state of one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneStats {
    /// Which lane.
    pub lane: Lane,
    /// How much work it may hold.
    pub capacity: usize,
    /// Work it holds: queued, running, or handed on and not yet answered.
    pub in_flight: usize,
    /// Askers waiting for a credit.
    pub waiting: usize,
}

/// What an actor works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunningStats {
    /// The kind of message; `private` for the actor's own.
    pub message: &'static str,
    /// For how long.
    pub age: Duration,
}

/// The state of one actor at one moment. Ages are of the present incarnation, counts of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// The actor's name.
    pub actor: &'static str,
    /// Normal, then control.
    pub lanes: [LaneStats; 2],
    /// What runs now. Work longer than its limit makes a hung actor.
    pub running: Option<RunningStats>,
    /// Public messages sent and not yet begun.
    pub queued: u64,
    /// For how long something has been queued while the actor neither began nor finished anything. Zero
    /// where nothing is queued.
    pub stalled: Duration,
    /// How long ago it last began or finished anything; none if it never did.
    pub last_progress: Option<Duration>,
    /// Messages refused because of the limits.
    pub refused: u64,
    /// Messages dropped before they began, because their deadline had passed.
    pub expired: u64,
    /// Answers to askers who had gone.
    pub late: u64,
    /// Requests dropped without an answer.
    pub unanswered: u64,
    /// Requests of a kind the actor did not know.
    pub unsupported: u64,
}

impl Stats {
    /// The state of one lane.
    pub fn lane(&self, lane: Lane) -> LaneStats {
        self.lanes[lane.index()]
    }

    /// Work held in both lanes.
    pub fn in_flight(&self) -> usize {
        self.lanes.iter().map(|lane| lane.in_flight).sum()
    }
}

/// Durations of one kind of message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindStats {
    /// The kind of message.
    pub message: &'static str,
    /// From the ask to its outcome, as askers saw it.
    pub latency: HistogramSnapshot,
    /// From sent to begun.
    pub wait: HistogramSnapshot,
    /// In the handler.
    pub work: HistogramSnapshot,
}

/// A view of one actor that does not know its message type, so that supervisor and metrics can hold
/// many in one list.
#[derive(Clone)]
pub struct Observer {
    gate: Arc<Gate>,
}

impl Observer {
    pub(crate) fn new(gate: Arc<Gate>) -> Self {
        Self { gate }
    }

    /// The actor's name.
    pub fn actor(&self) -> &'static str {
        self.gate.actor
    }

    /// The actor's state now.
    pub fn stats(&self) -> Stats {
        let now = clock::instant();
        let gate = &*self.gate;
        let progress = gate.progress.load();
        let age = |instant| now.saturating_duration_since(instant);
        Stats {
            actor: gate.actor,
            lanes: Lane::ALL.map(|lane| {
                let credits = gate.credits(lane);
                LaneStats {
                    lane,
                    capacity: credits.capacity(),
                    in_flight: credits.in_flight(),
                    waiting: credits.waiting(),
                }
            }),
            running: progress.running().map(|running| RunningStats {
                message: self.kind_name(running.kind),
                age: age(running.since),
            }),
            queued: progress.queued(),
            stalled: progress.stalled_since().map(age).unwrap_or_default(),
            last_progress: progress.last_step().map(age),
            refused: gate.counters.refused.load(Relaxed),
            expired: gate.counters.expired.load(Relaxed),
            late: gate.counters.late.load(Relaxed),
            unanswered: gate.counters.unanswered.load(Relaxed),
            unsupported: gate.counters.unsupported.load(Relaxed),
        }
    }

    /// The durations of every kind of message, since the process began.
    pub fn kinds(&self) -> Vec<KindStats> {
        let named = self.gate.kind_names.iter().zip(&self.gate.kinds);
        named
            .map(|(&message, meter)| KindStats {
                message,
                latency: meter.latency.snapshot(),
                wait: meter.wait.snapshot(),
                work: meter.work.snapshot(),
            })
            .collect()
    }

    fn kind_name(&self, kind: usize) -> &'static str {
        if kind == PRIVATE { "private" } else { self.gate.kind_names.get(kind).copied().unwrap_or("unknown") }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").field("actor", &self.gate.actor).finish_non_exhaustive()
    }
}
