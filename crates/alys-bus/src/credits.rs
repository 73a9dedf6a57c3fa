//! The bound on an actor's work in flight: ractor's own mailboxes have none.

use std::{
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use tokio::{
    sync::Notify,
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
///
/// tokio's semaphore locks a mutex whenever a permit comes back, which shows in the rate of tells; here
/// taking and giving back are one atomic operation each, unless somebody waits.
#[derive(Debug)]
pub(crate) struct Credits {
    free: AtomicUsize,
    capacity: usize,
    /// Askers in line. Who comes while there are any goes behind them.
    waiting: AtomicUsize,
    max_waiters: usize,
    /// Rung once for each credit that comes back while somebody waits. First in line, first woken.
    bell: Notify,
}

impl Credits {
    pub(crate) fn new(capacity: usize, max_waiters: usize) -> Self {
        Self {
            free: AtomicUsize::new(capacity),
            capacity,
            waiting: AtomicUsize::new(0),
            max_waiters,
            bell: Notify::new(),
        }
    }

    /// Takes a credit if one is free and nobody waits for it.
    pub(crate) fn try_take(&self) -> bool {
        self.waiting.load(SeqCst) == 0 && self.take_free()
    }

    fn take_free(&self) -> bool {
        self.free.fetch_update(SeqCst, SeqCst, |free| free.checked_sub(1)).is_ok()
    }

    /// Takes a credit, waiting in line for it until `deadline`. False: refused, because the line is
    /// full or time is up.
    pub(crate) async fn take(&self, deadline: Instant) -> bool {
        let place = Place::in_line(self);
        if place.before >= self.max_waiters {
            return false;
        }
        // Who comes while others wait does not look before it is rung for, or it would overtake them.
        let mut may_look = place.before == 0;
        loop {
            let mut bell = pin!(self.bell.notified());
            // In line before the look: a credit that comes back after it rings this bell.
            bell.as_mut().enable();
            if may_look && self.take_free() {
                return true;
            }
            if timeout_at(deadline, bell).await.is_err() {
                return self.take_free();
            }
            may_look = true;
        }
    }

    pub(crate) fn give_back(&self) {
        // The order, and that of a waiter (in line, then looks), make sure that one of the two sees the
        // other.
        self.free.fetch_add(1, SeqCst);
        self.ring_if_waited_for();
    }

    fn ring_if_waited_for(&self) {
        if self.waiting.load(SeqCst) > 0 {
            self.bell.notify_one();
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.capacity.saturating_sub(self.free.load(SeqCst))
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(SeqCst)
    }
}

/// A place in the line, given up when dropped.
struct Place<'a> {
    credits: &'a Credits,
    before: usize,
}

impl<'a> Place<'a> {
    fn in_line(credits: &'a Credits) -> Self {
        Self { credits, before: credits.waiting.fetch_add(1, SeqCst) }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.credits.waiting.fetch_sub(1, SeqCst);
        // The next in line may not have looked because of this one, while there was enough for both.
        if self.credits.free.load(SeqCst) > 0 {
            self.credits.ring_if_waited_for();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        task::{Context, Poll, Waker},
        time::Duration,
    };

    use super::*;
    use crate::clock;

    fn poll(future: &mut (impl Future<Output = bool> + Unpin)) -> Poll<bool> {
        std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_served_before_who_comes_later() {
        let deadline = clock::instant() + Duration::from_secs(1);
        let credits = Credits::new(1, 8);
        assert!(credits.try_take());
        let mut first = Box::pin(credits.take(deadline));
        assert_eq!(poll(&mut first), Poll::Pending);
        credits.give_back();
        assert!(!credits.try_take(), "the credit that came back is for the one who waits");
        let mut later = Box::pin(credits.take(deadline));
        assert_eq!(poll(&mut later), Poll::Pending);
        assert_eq!(poll(&mut first), Poll::Ready(true));
        credits.give_back();
        assert_eq!(poll(&mut later), Poll::Ready(true));
        credits.give_back();
        assert_eq!((credits.in_flight(), credits.waiting()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_leaves_the_line_although_woken_leaves_the_credit_to_the_next() {
        let deadline = clock::instant() + Duration::from_secs(1);
        let credits = Credits::new(1, 8);
        assert!(credits.try_take());
        let mut first = Box::pin(credits.take(deadline));
        let mut second = Box::pin(credits.take(deadline));
        assert_eq!((poll(&mut first), poll(&mut second)), (Poll::Pending, Poll::Pending));
        credits.give_back();
        drop(first);
        assert_eq!(poll(&mut second), Poll::Ready(true));
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_comes_to_a_line_that_is_full_is_refused_and_takes_no_place() {
        let deadline = clock::instant() + Duration::from_secs(1);
        let credits = Credits::new(1, 1);
        assert!(credits.try_take());
        let mut first = Box::pin(credits.take(deadline));
        assert_eq!(poll(&mut first), Poll::Pending);
        assert!(!credits.take(deadline).await);
        assert_eq!(credits.waiting(), 1);
        credits.give_back();
        assert_eq!(poll(&mut first), Poll::Ready(true));
    }
}
