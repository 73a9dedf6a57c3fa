//! The control lane of one incarnation of an actor: a queue beside ractor's own, from which the feed
//! takes between any two messages.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use parking_lot::Mutex;

use crate::{inbox::Envelope, progress::Progress};

/// Shared by the address (which pushes) and the feed (which takes) of one incarnation.
pub(crate) struct Mailbox<M> {
    queue: Mutex<Queue<M>>,
    /// The queue's length, readable without its lock.
    waiting: AtomicUsize,
    pub(crate) progress: Arc<Progress>,
}

struct Queue<M> {
    envelopes: VecDeque<Envelope<M>>,
    /// Whether a wake-up is on its way to the actor: one at a time is enough.
    woken: bool,
    /// Set when the incarnation ends, so that nothing is put where nobody looks.
    closed: bool,
}

/// What the sender has to do after a push.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// Wake the actor.
    Wake,
    /// A wake-up is on its way.
    Woken,
    /// The incarnation has ended; the envelope was dropped.
    Closed,
}

impl<M> Mailbox<M> {
    pub(crate) fn new(progress: Progress) -> Self {
        let queue = Queue { envelopes: VecDeque::new(), woken: false, closed: false };
        Self { queue: Mutex::new(queue), waiting: AtomicUsize::new(0), progress: Arc::new(progress) }
    }

    pub(crate) fn push(&self, envelope: Envelope<M>) -> Pushed {
        let mut queue = self.queue.lock();
        if queue.closed {
            drop(queue);
            drop(envelope);
            return Pushed::Closed;
        }
        queue.envelopes.push_back(envelope);
        self.waiting.store(queue.envelopes.len(), SeqCst);
        if std::mem::replace(&mut queue.woken, true) { Pushed::Woken } else { Pushed::Wake }
    }

    /// The wake-up has arrived; what is pushed from now on needs another.
    pub(crate) fn wake_arrived(&self) {
        self.queue.lock().woken = false;
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(SeqCst)
    }

    pub(crate) fn pop(&self) -> Option<Envelope<M>> {
        let mut queue = self.queue.lock();
        let envelope = queue.envelopes.pop_front();
        self.waiting.store(queue.envelopes.len(), SeqCst);
        envelope
    }

    /// Ends the incarnation: what waits is dropped, so that its askers hear of it now and not at their
    /// deadlines.
    pub(crate) fn close(&self) {
        let dropped = {
            let mut queue = self.queue.lock();
            queue.closed = true;
            self.waiting.store(0, SeqCst);
            std::mem::take(&mut queue.envelopes)
        };
        // Outside the lock: a reply's drop wakes askers.
        drop(dropped);
    }
}
