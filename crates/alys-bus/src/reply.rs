//! The right, and the duty, to answer one request.

use std::{
    cell::Cell,
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use crate::{
    AskError,
    gate::{Counters, Permit},
};

/// Answers one request, from wherever the work ends: it may be moved into a task, a thread or a table.
///
/// It holds the request's credit, so work handed on stays counted until it is answered or dropped.
/// Dropped unanswered, its asker gets [`AskError::NoReply`].
pub struct Reply<T, E> {
    /// Empty once answered.
    answer: Option<oneshot::Sender<Result<T, AskError<E>>>>,
    origin: Origin,
}

/// Where a request came from.
enum Origin {
    /// Over an address, whose credit it holds.
    Address(Permit),
    /// From nowhere; the name is that of the actor asked.
    Detached(&'static str),
}

impl Origin {
    fn actor(&self) -> &'static str {
        match self {
            Self::Address(permit) => permit.gate().actor,
            Self::Detached(actor) => actor,
        }
    }

    fn give_back(&mut self) {
        if let Self::Address(permit) = self {
            permit.give_back();
        }
    }

    fn count(&self, counter: impl FnOnce(&Counters) -> &AtomicU64) {
        if let Self::Address(permit) = self {
            counter(&permit.gate().counters).fetch_add(1, Relaxed);
        }
    }
}

impl<T, E> Reply<T, E> {
    pub(crate) fn new(permit: Permit) -> (Self, Answer<T, E>) {
        Self::from(Origin::Address(permit))
    }

    /// A reply that belongs to no address, with the end that waits for it: to call a handler directly,
    /// in tests and simulations.
    pub fn detached(actor: &'static str) -> (Self, Answer<T, E>) {
        Self::from(Origin::Detached(actor))
    }

    fn from(origin: Origin) -> (Self, Answer<T, E>) {
        let (sender, receiver) = oneshot::channel();
        let actor = origin.actor();
        (Self { answer: Some(sender), origin }, Answer { receiver, actor })
    }

    /// Answers. Where the asker has gone, that is counted and nothing else happens.
    pub fn send(self, result: Result<T, E>) {
        self.finish(result.map_err(AskError::Actor));
    }

    /// Answers with the outcome of another actor's work, e.g. where a request was handed on whole.
    pub fn forward(self, outcome: Result<T, AskError<E>>) {
        self.finish(outcome);
    }

    /// Answers that this actor does not know this kind of message.
    pub fn unsupported(self) {
        let actor = self.origin.actor();
        self.finish(Err(AskError::Unsupported(actor)));
    }

    /// Whether the asker has gone. Work not yet begun may then be skipped.
    pub fn is_abandoned(&self) -> bool {
        self.answer.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    fn finish(mut self, outcome: Result<T, AskError<E>>) {
        // The credit first: whoever sees the answer may count on its being free again.
        self.origin.give_back();
        let delivered = self.answer.take().is_some_and(|answer| answer.send(outcome).is_ok());
        if !delivered {
            self.origin.count(|counters| &counters.late);
        }
    }
}

impl<T, E> Drop for Reply<T, E> {
    fn drop(&mut self) {
        let Some(answer) = self.answer.take() else {
            return;
        };
        self.origin.give_back();
        if DROPPED_AS_UNSUPPORTED.get() {
            // An asker who has gone needs no answer.
            let _ = answer.send(Err(AskError::Unsupported(self.origin.actor())));
            self.origin.count(|counters| &counters.unsupported);
        } else {
            self.origin.count(|counters| &counters.unanswered);
        }
    }
}

impl<T, E> fmt::Debug for Reply<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("actor", &self.origin.actor()).finish_non_exhaustive()
    }
}

thread_local! {
    static DROPPED_AS_UNSUPPORTED: Cell<bool> = const { Cell::new(false) };
}

/// Refuses a message of a kind this actor does not know: whoever asked gets [`AskError::Unsupported`].
///
/// For the last arm of a match over a `#[non_exhaustive]` protocol, where the reply inside the message
/// cannot be named.
pub fn unsupported<M>(message: M) {
    /// Resets the mark also where a message's own drop panics.
    struct Mark;
    impl Drop for Mark {
        fn drop(&mut self) {
            DROPPED_AS_UNSUPPORTED.set(false);
        }
    }
    DROPPED_AS_UNSUPPORTED.set(true);
    let _mark = Mark;
    drop(message);
}

/// The asker's end of a [`Reply`].
#[derive(Debug)]
pub struct Answer<T, E> {
    receiver: oneshot::Receiver<Result<T, AskError<E>>>,
    actor: &'static str,
}

impl<T, E> Answer<T, E> {
    /// Waits for the answer until `deadline`.
    pub async fn wait(self, deadline: Instant) -> Result<T, AskError<E>> {
        match timeout_at(deadline, self.receiver).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(AskError::NoReply(self.actor)),
            Err(_) => Err(AskError::Timeout(self.actor)),
        }
    }

    /// The answer, if it is there already.
    pub fn try_take(&mut self) -> Option<Result<T, AskError<E>>> {
        match self.receiver.try_recv() {
            Ok(outcome) => Some(outcome),
            Err(oneshot::error::TryRecvError::Closed) => Some(Err(AskError::NoReply(self.actor))),
            Err(oneshot::error::TryRecvError::Empty) => None,
        }
    }
}
