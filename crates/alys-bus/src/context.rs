//! What travels with every message: until when it matters, and which request it belongs to.

use std::{
    future::Future,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;
use tracing::{Instrument, Span, info_span};

use crate::{Lane, clock};

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// The deadline and the correlation id of one request, handed on to every request made on its behalf.
///
/// There is no request without a deadline. Work whose deadline has passed is dropped before it starts,
/// and a nested ask gets what is left, because it is made with the same context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// When the asker gives up.
    pub deadline: Instant,
    /// The number of the root request, the same in every actor that works for it; unique in this process.
    pub id: u64,
    /// By which lane this message came; the asked address sets it.
    pub(crate) lane: Lane,
}

impl Context {
    /// Begins a request of its own that matters for `within` from now.
    pub fn root(within: Duration) -> Self {
        Self::root_at(clock::instant() + within)
    }

    /// Begins a request of its own that matters until `deadline`.
    pub fn root_at(deadline: Instant) -> Self {
        Self { deadline, id: NEXT_ID.fetch_add(1, Relaxed), lane: Lane::Normal }
    }

    /// The same request with at most `within` from now: never later than the deadline it has.
    #[must_use]
    pub fn within(self, within: Duration) -> Self {
        Self { deadline: self.deadline.min(clock::instant() + within), ..self }
    }

    /// For a nested request: the same id, and what is left of the deadline.
    #[must_use]
    pub fn child(self) -> Self {
        Self { lane: Lane::Normal, ..self }
    }

    /// What is left until the deadline; zero once it has passed.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(clock::instant())
    }

    /// Whether the deadline has passed.
    pub fn is_expired(&self) -> bool {
        clock::instant() >= self.deadline
    }

    /// The lane this message came by, for whoever hands the work on to a queue with the same lanes.
    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// The one info span of this root request, named by `request`, e.g. the RPC method or `slot`.
    pub fn span(&self, request: &'static str) -> Span {
        info_span!("request", request, id = self.id)
    }
}

/// Runs `work` as a root request: with a context of its own, inside the request's one info span.
pub async fn root_request<F: Future>(
    request: &'static str,
    within: Duration,
    work: impl FnOnce(Context) -> F,
) -> F::Output {
    let ctx = Context::root(within);
    let span = ctx.span(request);
    let future = span.in_scope(|| work(ctx));
    future.instrument(span).await
}
