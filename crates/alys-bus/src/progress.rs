//! What one incarnation of an actor is doing: written by the bus as it goes, read by the supervisor to
//! find a hung actor.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;

/// The kind number under which private messages run.
pub(crate) const PRIVATE: usize = KIND_MASK as usize;

const KIND_BITS: u32 = 16;
const KIND_MASK: u64 = (1 << KIND_BITS) - 1;

/// Counters of one incarnation. Times are microseconds since `epoch`, plus one, so that zero means never.
#[derive(Debug)]
pub(crate) struct Progress {
    epoch: Instant,
    sent: SenderSide,
    done: FeedSide,
}

/// Written by senders. Each side has cache lines of its own, or every message would move them to and fro.
#[derive(Debug, Default)]
#[repr(align(128))]
struct SenderSide {
    /// Messages sent to it.
    posted: AtomicU64,
    /// When its queue last became non-empty.
    filled_at: AtomicU64,
}

/// Written by the feed alone, so no read-modify-write is needed.
#[derive(Debug, Default)]
#[repr(align(128))]
struct FeedSide {
    /// Messages it has begun or dropped.
    taken: AtomicU64,
    /// When it last began or finished anything.
    stepped_at: AtomicU64,
    /// What runs now and since when, in one word so that both are read together: microseconds, then the
    /// kind in the low 16 bits.
    running: AtomicU64,
}

/// What runs now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Running {
    pub(crate) kind: usize,
    pub(crate) since: Instant,
}

impl Progress {
    pub(crate) fn new(epoch: Instant) -> Self {
        Self { epoch, sent: SenderSide::default(), done: FeedSide::default() }
    }

    fn stamp(&self, at: Instant) -> u64 {
        let micros = at.saturating_duration_since(self.epoch).as_micros();
        u64::try_from(micros).unwrap_or(u64::MAX - 1).saturating_add(1)
    }

    fn instant(&self, stamp: u64) -> Option<Instant> {
        let micros = stamp.checked_sub(1)?;
        self.epoch.checked_add(Duration::from_micros(micros))
    }

    pub(crate) fn posted(&self, at: Instant) {
        let before = self.sent.posted.fetch_add(1, Relaxed);
        if before == self.done.taken.load(Relaxed) {
            self.sent.filled_at.store(self.stamp(at), Relaxed);
        }
    }

    /// One message has left the queue.
    pub(crate) fn taken(&self) {
        self.done.taken.store(self.done.taken.load(Relaxed).wrapping_add(1), Relaxed);
    }

    pub(crate) fn started(&self, kind: usize, at: Instant) {
        let stamp = self.stamp(at);
        self.done.stepped_at.store(stamp, Relaxed);
        self.done.running.store((stamp << KIND_BITS) | (kind as u64 & KIND_MASK), Relaxed);
    }

    pub(crate) fn idle(&self, at: Instant) {
        self.done.stepped_at.store(self.stamp(at), Relaxed);
        self.done.running.store(0, Relaxed);
    }

    pub(crate) fn queued(&self) -> u64 {
        self.sent.posted.load(Relaxed).saturating_sub(self.done.taken.load(Relaxed))
    }

    pub(crate) fn running(&self) -> Option<Running> {
        let word = self.done.running.load(Relaxed);
        let since = self.instant(word >> KIND_BITS)?;
        Some(Running { kind: (word & KIND_MASK) as usize, since })
    }

    pub(crate) fn last_step(&self) -> Option<Instant> {
        self.instant(self.done.stepped_at.load(Relaxed))
    }

    /// Since when something is queued while nothing moves.
    pub(crate) fn stalled_since(&self) -> Option<Instant> {
        if self.queued() == 0 {
            return None;
        }
        self.instant(self.sent.filled_at.load(Relaxed).max(self.done.stepped_at.load(Relaxed)))
    }
}
