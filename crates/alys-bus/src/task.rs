//! Tasks that belong to somebody. A panic in one is its owner's failure, never a silence.

use std::{any::Any, fmt, future::Future, panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;
use ractor::ActorRef;
use tokio::{sync::mpsc, task::AbortHandle};
use tracing::{Instrument, Span};

use crate::{
    Inbox, Protocol,
    inbox::{Signal, SignalKind},
};

/// Whose failure it is when a task, timer or thread panics.
#[derive(Clone)]
pub struct Owner {
    name: &'static str,
    notify: Arc<dyn Fn(String) + Send + Sync>,
}

impl Owner {
    /// An actor: it panics too, at its next message, with the same text; its supervisor is told as of
    /// any panic.
    pub fn actor<M: Protocol, P: Send + 'static>(me: &ActorRef<Inbox<M, P>>) -> Self {
        let me = me.clone();
        let notify = move |text| {
            // An owner that has ended needs no failure.
            let _ = me.send_message(Inbox::Signal(Signal(SignalKind::OwnedPanic(text))));
        };
        Self { name: M::ACTOR, notify: Arc::new(notify) }
    }

    /// Who is no actor, e.g. a node's main: it reads the panics from the other end.
    pub fn watched(name: &'static str) -> (Self, Panics) {
        let (sender, receiver) = mpsc::channel(16);
        let notify = move |text| {
            // Full means that sixteen panics wait to be read: one more changes nothing.
            let _ = sender.try_send(text);
        };
        (Self { name, notify: Arc::new(notify) }, Panics { receiver })
    }

    /// The owner's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Reports that `what` panicked with `payload`.
    pub(crate) fn report(&self, what: &str, payload: &(dyn Any + Send)) {
        let text = format!("{what}, owned by {}, panicked: {}", self.name, panic_text(payload));
        tracing::error!(owner = self.name, "{text}");
        (self.notify)(text);
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The panics in what a [watched](Owner::watched) owner owns.
#[derive(Debug)]
pub struct Panics {
    receiver: mpsc::Receiver<String>,
}

impl Panics {
    /// Waits for the next panic. None when nothing is owned any more.
    pub async fn next(&mut self) -> Option<String> {
        self.receiver.recv().await
    }

    /// The next panic, if there was one.
    pub fn try_next(&mut self) -> Option<String> {
        self.receiver.try_recv().ok()
    }
}

/// What a panic said, as far as it can be read.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("(no text)")
}

/// A running task. Dropping this aborts it at its next await.
#[derive(Debug)]
#[must_use = "dropping a task aborts it: keep it in its owner's state, or detach what ends by itself"]
pub struct Task {
    abort: Option<AbortHandle>,
}

impl Task {
    /// Lets the task outlive this handle. Only for what has a deadline of its own.
    pub fn detach(mut self) {
        self.abort = None;
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.abort.as_ref().is_none_or(AbortHandle::is_finished)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(abort) = self.abort.take() {
            abort.abort();
        }
    }
}

/// Runs `future` in a task of its own, inside the current span. If it panics, so does its owner.
pub fn spawn_task(
    owner: Owner,
    name: &'static str,
    future: impl Future<Output = ()> + Send + 'static,
) -> Task {
    let work = async move {
        if let Err(payload) = AssertUnwindSafe(future).catch_unwind().await {
            owner.report(&format!("task {name}"), &*payload);
        }
    };
    let handle = spawn(work.instrument(Span::current()));
    Task { abort: Some(handle) }
}

/// The one place where the bus spawns tasks.
#[allow(
    clippy::disallowed_methods,
    reason = "every task of the bus has an owner; this is the place they come from"
)]
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    tokio::spawn(future).abort_handle()
}
