//! What all handles to one actor share, over all its incarnations: credits, counters, histograms.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use arc_swap::ArcSwap;
use tokio::time::Instant;

use crate::{
    clock,
    credits::{Credits, Limits},
    histogram::Histogram,
    progress::Progress,
};

/// Which queue a message takes. The wiring decides it by the handle it gives out, never the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// In order of arrival.
    Normal,
    /// Consensus and supervision: taken between any two messages, before normal work. In order among
    /// themselves.
    Control,
}

impl Lane {
    /// Both lanes, in the order of their indexes.
    pub const ALL: [Self; 2] = [Self::Normal, Self::Control];

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Normal => 0,
            Self::Control => 1,
        }
    }

    /// The lane's label in metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Control => "control",
        }
    }
}

/// Durations of one kind of message.
#[derive(Debug, Default)]
pub(crate) struct KindMeter {
    /// From the ask to its outcome, as the asker saw it.
    pub(crate) latency: Histogram,
    /// From sent to started.
    pub(crate) wait: Histogram,
    /// In the handler.
    pub(crate) work: Histogram,
}

/// Counts since the process began.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Messages refused because of the limits.
    pub(crate) refused: AtomicU64,
    /// Messages dropped before they started, because their deadline had passed.
    pub(crate) expired: AtomicU64,
    /// Answers to askers who had gone.
    pub(crate) late: AtomicU64,
    /// Requests dropped without an answer.
    pub(crate) unanswered: AtomicU64,
    /// Requests of a kind the actor did not know.
    pub(crate) unsupported: AtomicU64,
}

/// The part of an address that does not know its message type, and survives restarts.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) actor: &'static str,
    pub(crate) kind_names: &'static [&'static str],
    pub(crate) kinds: Box<[KindMeter]>,
    pub(crate) counters: Counters,
    /// What the incarnation bound now is doing.
    pub(crate) progress: ArcSwap<Progress>,
    pub(crate) epoch: Instant,
    lanes: [Credits; 2],
}

impl Gate {
    pub(crate) fn new(actor: &'static str, kind_names: &'static [&'static str], limits: Limits) -> Self {
        let epoch = clock::instant();
        Self {
            actor,
            kind_names,
            kinds: kind_names.iter().map(|_| KindMeter::default()).collect(),
            counters: Counters::default(),
            progress: ArcSwap::from_pointee(Progress::new(epoch)),
            epoch,
            lanes: [
                Credits::new(limits.normal, limits.waiters),
                Credits::new(limits.control, limits.waiters),
            ],
        }
    }

    pub(crate) fn credits(&self, lane: Lane) -> &Credits {
        &self.lanes[lane.index()]
    }

    pub(crate) fn count_refused(&self) {
        self.counters.refused.fetch_add(1, Relaxed);
    }
}

/// One credit taken; given back when dropped, or before.
#[derive(Debug)]
pub(crate) struct Permit {
    gate: Arc<Gate>,
    lane: Lane,
    held: bool,
}

impl Permit {
    /// Takes over a credit that was just taken from `gate`.
    pub(crate) fn taken(gate: Arc<Gate>, lane: Lane) -> Self {
        Self { gate, lane, held: true }
    }

    pub(crate) fn give_back(&mut self) {
        if std::mem::take(&mut self.held) {
            self.gate.credits(self.lane).give_back();
        }
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.give_back();
    }
}
