//! Asking from inside a handler, without waiting there.

use std::{future::Future, panic::AssertUnwindSafe};

use futures::FutureExt;
use ractor::ActorRef;
use tracing::{Instrument, Span};

use crate::{
    AskError, Inbox, Protocol,
    task::{panic_text, spawn},
};

/// Runs `ask` in a task, and brings its outcome, whatever it is, to `me` as the private message that
/// `map` makes of it.
///
/// So a handler never waits on a peer. `ask` may be several asks in a row, with retries; it ends by the
/// deadline of the context it uses. If it panics, the outcome is [`AskError::NoReply`] of the asker
/// itself: exactly one private message comes back in any case, unless `me` has ended. Move the
/// [`Reply`](crate::Reply) that waits for the outcome into `map`.
pub fn pipe<M, P, T, E>(
    me: &ActorRef<Inbox<M, P>>,
    ask: impl Future<Output = Result<T, AskError<E>>> + Send + 'static,
    map: impl FnOnce(Result<T, AskError<E>>) -> P + Send + 'static,
) where
    M: Protocol,
    P: Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    pipe_any(me, ask, |outcome| map(outcome.unwrap_or_else(|_| Err(AskError::NoReply(M::ACTOR)))));
}

/// That a piped future panicked, and what the panic said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a piped future panicked: {0}")]
pub struct Panicked(pub String);

/// Like [`pipe`], for any future.
pub fn pipe_any<M, P, O>(
    me: &ActorRef<Inbox<M, P>>,
    future: impl Future<Output = O> + Send + 'static,
    map: impl FnOnce(Result<O, Panicked>) -> P + Send + 'static,
) where
    M: Protocol,
    P: Send + 'static,
    O: Send + 'static,
{
    let me = me.clone();
    let work = async move {
        let outcome = AssertUnwindSafe(future).catch_unwind().await.map_err(|payload| {
            let panicked = Panicked(panic_text(&*payload).to_owned());
            tracing::error!(owner = M::ACTOR, "{panicked}");
            panicked
        });
        // An actor that has ended in the meantime has no use for the outcome.
        let _ = me.send_message(Inbox::Private(map(outcome)));
    };
    // Detached: it ends by the deadline of what it asks, and when `me` has ended its outcome is dropped.
    drop(spawn(work.instrument(Span::current())));
}
