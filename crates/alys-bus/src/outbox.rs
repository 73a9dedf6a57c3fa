//! The order between what must be durable and what may be seen.
//!
//! A core states its effects by calling [`persist`](Outbox::persist) and [`push`](Outbox::push) in the
//! order in which they must happen, and keeps stepping. Whoever carries them out, the actor or the
//! simulation, takes them with [`release`](Outbox::release). After a record to persist has been
//! released nothing later leaves, from this or any later step, until that record is
//! [acknowledged](Outbox::acknowledge). If it cannot be stored, what is queued is never released: a
//! promise that might be forgotten must not be seen.
//!
//! ```
//! use alys_bus::{Outbox, Release};
//!
//! let mut outbox = Outbox::new(16);
//! outbox.persist("vote for A in slot 7");
//! outbox.push("gossip the vote");
//!
//! let Ok(Some(Release::Persist(ticket, record))) = outbox.release() else { unreachable!() };
//! assert_eq!(record, "vote for A in slot 7");
//! assert_eq!(outbox.release(), Ok(None)); // not before it is durable
//! outbox.acknowledge(ticket)?;
//! assert_eq!(outbox.release(), Ok(Some(Release::Effect("gossip the vote"))));
//! # Ok::<(), alys_bus::OutboxError>(())
//! ```

use std::collections::VecDeque;

/// Names one record under way to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// What may be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release<R, E> {
    /// Make this record durable, then [acknowledge](Outbox::acknowledge) it, or [say](Outbox::fail)
    /// that it failed.
    Persist(Ticket, R),
    /// Do this.
    Effect(E),
}

/// Why nothing leaves an outbox any more. Any of these ends the actor: its promises can no longer be
/// kept apart from its words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboxError {
    /// A record could not be made durable, or not in time.
    #[error(
        "a record could not be made durable ({0}); what followed it is withheld, and the actor must restart from what is on disk"
    )]
    PersistFailed(String),
    /// More effects wait for a record than the outbox may hold: the disk has fallen behind for good.
    #[error("{0} effects wait for a record to be durable, more than may; the disk is too slow or stuck")]
    Overflow(usize),
    /// An acknowledgement for a record that is not under way.
    #[error("acknowledged a record that is not under way: expected {expected:?}, got {got:?}")]
    WrongTicket {
        /// The record under way, if any.
        expected: Option<Ticket>,
        /// The one acknowledged.
        got: Ticket,
    },
}

#[derive(Debug)]
enum Entry<R, E> {
    Persist(R),
    Effect(E),
}

/// A queue of effects `E` and records `R` to be persisted between them. Synchronous, without clock or I/O.
#[derive(Debug)]
pub struct Outbox<R, E> {
    queue: VecDeque<Entry<R, E>>,
    capacity: usize,
    in_flight: Option<Ticket>,
    next_ticket: u64,
    failed: Option<OutboxError>,
}

impl<R, E> Outbox<R, E> {
    /// An empty outbox that fails when more than `capacity` entries wait.
    pub fn new(capacity: usize) -> Self {
        Self { queue: VecDeque::new(), capacity, in_flight: None, next_ticket: 0, failed: None }
    }

    /// States that `record` must be durable before anything stated later happens.
    pub fn persist(&mut self, record: R) {
        self.enqueue(Entry::Persist(record));
    }

    /// States an effect.
    pub fn push(&mut self, effect: E) {
        self.enqueue(Entry::Effect(effect));
    }

    fn enqueue(&mut self, entry: Entry<R, E>) {
        if self.failed.is_some() {
            return;
        }
        if self.queue.len() >= self.capacity {
            self.poison(OutboxError::Overflow(self.queue.len() + 1));
            return;
        }
        self.queue.push_back(entry);
    }

    /// The next thing that may be done, if any. An error is for good, and ends the actor.
    pub fn release(&mut self) -> Result<Option<Release<R, E>>, OutboxError> {
        self.check()?;
        if self.in_flight.is_some() {
            return Ok(None);
        }
        Ok(self.queue.pop_front().map(|entry| match entry {
            Entry::Effect(effect) => Release::Effect(effect),
            Entry::Persist(record) => {
                let ticket = Ticket(self.next_ticket);
                self.next_ticket += 1;
                self.in_flight = Some(ticket);
                Release::Persist(ticket, record)
            }
        }))
    }

    /// The record of `ticket` is durable: what follows may leave.
    pub fn acknowledge(&mut self, ticket: Ticket) -> Result<(), OutboxError> {
        self.check()?;
        if self.in_flight != Some(ticket) {
            let error = OutboxError::WrongTicket { expected: self.in_flight, got: ticket };
            self.poison(error.clone());
            return Err(error);
        }
        self.in_flight = None;
        Ok(())
    }

    /// The record under way could not be made durable, or nobody knows whether it was: nothing leaves
    /// any more.
    #[must_use = "this error must end the actor"]
    pub fn fail(&mut self, reason: impl Into<String>) -> OutboxError {
        let error = OutboxError::PersistFailed(reason.into());
        self.poison(error.clone());
        error
    }

    fn poison(&mut self, error: OutboxError) {
        self.queue.clear();
        self.in_flight = None;
        self.failed.get_or_insert(error);
    }

    /// The failure, if the outbox has failed.
    pub fn check(&self) -> Result<(), OutboxError> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    /// The record under way to the disk.
    pub fn in_flight(&self) -> Option<Ticket> {
        self.in_flight
    }

    /// How many entries wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether nothing waits. A record may still be under way.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}
