//! The actor's end of the bus: takes control work between any two messages, drops what is too late,
//! measures the rest.

use std::{
    panic::resume_unwind,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;
use tracing::Span;

use crate::{
    Lane, Protocol, Work, clock,
    gate::{Gate, Permit},
    give_way::give_way,
    inbox::{Envelope, Inbox, Signal, SignalKind},
    mailbox::Mailbox,
    progress::PRIVATE,
};

/// After this much work an actor lets others run: without it the woken askers of a busy actor wait up
/// to tens of milliseconds.
const YIELD_AFTER: Duration = Duration::from_micros(100);

/// Hands one incarnation of an actor its work. Held in the actor's state; its end is the end of the
/// incarnation.
///
/// ```text
/// async fn handle(
///     &self,
///     me: ActorRef<Self::Msg>,
///     message: Self::Msg,
///     state: &mut State,
/// ) -> Result<(), ActorProcessingErr> {
///     let mut message = Some(message);
///     while let Some(work) = state.feed.next(&mut message).await {
///         match work {
///             Work::Public(message, ctx) => ...,
///             Work::Private(message) => ...,
///         }
///     }
///     Ok(())
/// }
/// ```
///
/// The loop must run until the feed has no more: whoever leaves it early leaves control work behind
/// until the next message.
pub struct Feed<M> {
    gate: Arc<Gate>,
    mailbox: Arc<Mailbox<M>>,
    current: Option<Current>,
    /// Control messages still to be taken in this turn. A count taken when the turn begins, so that a
    /// stream of them cannot keep ractor from its own signals (stop, kill).
    left: Option<usize>,
}

/// The work handed out last.
struct Current {
    kind: usize,
    started: Instant,
    /// Given back when the work is done.
    permit: Option<Permit>,
    span: Option<Box<Span>>,
}

impl<M: Protocol> Feed<M> {
    pub(crate) fn new(gate: Arc<Gate>, mailbox: Arc<Mailbox<M>>) -> Self {
        Self { gate, mailbox, current: None, left: None }
    }

    /// What binds an address to this incarnation, for [`Address::bind`](crate::Address::bind).
    pub fn seat(&self) -> Seat<M> {
        Seat { mailbox: Arc::clone(&self.mailbox) }
    }

    /// The next piece of work of this turn: first the control work that waited when the turn began,
    /// then `message`.
    ///
    /// Public work whose deadline has passed is dropped here. A panic in a task, timer or thread that
    /// this actor owns is resumed here, and so becomes the actor's own.
    pub async fn next<P>(&mut self, message: &mut Option<Inbox<M, P>>) -> Option<Work<M, P>> {
        let mut now = clock::instant();
        if let Some(done) = self.current.take()
            && self.finish(done, now) > YIELD_AFTER
        {
            give_way().await;
            now = clock::instant();
        }
        if let Some(Inbox::Signal(_)) = message
            && let Some(Inbox::Signal(signal)) = message.take()
        {
            self.on_signal(signal);
        }
        let mut left = self.left.take().unwrap_or_else(|| self.mailbox.waiting());
        loop {
            let overtaking = if left > 0 { self.mailbox.pop() } else { None };
            let envelope = match overtaking {
                Some(envelope) => {
                    left -= 1;
                    envelope
                }
                None => {
                    left = 0;
                    match message.take() {
                        Some(Inbox::Public(envelope)) => envelope,
                        Some(Inbox::Private(private)) => {
                            self.left = Some(0);
                            self.begin(Current { kind: PRIVATE, started: now, permit: None, span: None });
                            return Some(Work::Private(private));
                        }
                        Some(Inbox::Signal(_)) | None => {
                            self.mailbox.progress.idle(now);
                            return None;
                        }
                    }
                }
            };
            if let Some(work) = self.admit(envelope, now) {
                self.left = Some(left);
                return Some(work);
            }
        }
    }

    /// Counts an envelope as taken, and drops it if its deadline has passed.
    fn admit<P>(&mut self, envelope: Envelope<M>, now: Instant) -> Option<Work<M, P>> {
        let Envelope { message, ctx, sent, permit, span } = envelope;
        let kind = message.kind();
        self.mailbox.progress.taken();
        if let Some(meter) = self.gate.kinds.get(kind) {
            meter.wait.record(now.saturating_duration_since(sent));
        }
        if now >= ctx.deadline {
            self.gate.counters.expired.fetch_add(1, Relaxed);
            return None;
        }
        self.begin(Current { kind, started: now, permit, span });
        Some(Work::Public(message, ctx))
    }

    fn begin(&mut self, current: Current) {
        self.mailbox.progress.started(current.kind, current.started);
        self.current = Some(current);
    }

    /// Ends the work handed out last; how long it took.
    fn finish(&self, done: Current, now: Instant) -> Duration {
        let took = now.saturating_duration_since(done.started);
        if let Some(meter) = self.gate.kinds.get(done.kind) {
            meter.work.record(took);
        }
        drop(done.permit);
        took
    }

    fn on_signal(&self, signal: Signal) {
        match signal.0 {
            SignalKind::Wake => self.mailbox.wake_arrived(),
            // ractor takes the text as the reason of the failure. The panic itself has been reported
            // where it happened.
            SignalKind::OwnedPanic(text) => resume_unwind(Box::new(text)),
        }
    }

    /// The span of the work handed out last.
    ///
    /// ractor carries spans through its own mailbox. Control work that overtakes runs inside the turn
    /// of another message, and so inside its span; where that matters, `.instrument(feed.span())` the
    /// work. `ctx.id` is right in any case.
    pub fn span(&self) -> Span {
        let own = self.current.as_ref().and_then(|current| current.span.as_deref());
        own.cloned().unwrap_or_else(Span::current)
    }

    /// The name of the actor.
    pub fn actor(&self) -> &'static str {
        self.gate.actor
    }

    /// How many messages of `lane` are queued, being worked on, or handed on and not yet answered.
    pub fn in_flight(&self, lane: Lane) -> usize {
        self.gate.credits(lane).in_flight()
    }
}

impl<M> Drop for Feed<M> {
    fn drop(&mut self) {
        self.mailbox.close();
    }
}

/// The place of one incarnation behind its address.
pub struct Seat<M> {
    pub(crate) mailbox: Arc<Mailbox<M>>,
}
