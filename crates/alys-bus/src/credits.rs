//! The bound on an actor's work in flight: ractor's own mailboxes have none.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

/// How much work one actor may hold, and how many askers may wait for a place, in each lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Messages in flight in the normal lane: queued, being worked on, or handed on and not yet answered.
    pub normal: usize,
    /// The same for the control lane, which has credits of its own.
    pub control: usize,
    /// Askers that may wait for a credit, per lane; the next one is refused at once, for waiters are a
    /// queue too.
    pub waiters: usize,
}

impl Limits {
    /// Limits with these credits, and as many waiters as the lanes have credits together.
    pub const fn new(normal: usize, control: usize) -> Self {
        Self { normal, control, waiters: normal + control }
    }
}

impl Default for Limits {
    /// 256 normal, 64 control: at 1 ms per message a full normal lane is a quarter of a second of work.
    fn default() -> Self {
        Self::new(256, 64)
    }
}

/// The credits of one lane.
#[derive(Debug)]
pub(crate) struct Credits {
    free: Semaphore,
    capacity: usize,
    waiting: AtomicUsize,
    max_waiters: usize,
}

impl Credits {
    pub(crate) fn new(capacity: usize, max_waiters: usize) -> Self {
        let capacity = capacity.min(Semaphore::MAX_PERMITS);
        Self { free: Semaphore::new(capacity), capacity, waiting: AtomicUsize::new(0), max_waiters }
    }

    /// Takes a credit if one is free and nobody waits for it.
    pub(crate) fn try_take(&self) -> bool {
        match self.free.try_acquire() {
            Ok(permit) => {
                permit.forget();
                true
            }
            Err(_) => false,
        }
    }

    /// Takes a credit, waiting in line for it until `deadline`. False: refused, because the line is
    /// full or time is up.
    pub(crate) async fn take(&self, deadline: Instant) -> bool {
        let place = Place::in_line(&self.waiting);
        if place.before >= self.max_waiters {
            return false;
        }
        match timeout_at(deadline, self.free.acquire()).await {
            Ok(Ok(permit)) => {
                permit.forget();
                true
            }
            _ => false,
        }
    }

    pub(crate) fn give_back(&self) {
        self.free.add_permits(1);
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.capacity.saturating_sub(self.free.available_permits())
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(SeqCst)
    }
}

/// A place in the line, given up when dropped.
struct Place<'a> {
    waiting: &'a AtomicUsize,
    before: usize,
}

impl<'a> Place<'a> {
    fn in_line(waiting: &'a AtomicUsize) -> Self {
        Self { waiting, before: waiting.fetch_add(1, SeqCst) }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, SeqCst);
    }
}
