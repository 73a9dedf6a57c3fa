//! Each JSON-RPC request, by HTTP or WebSocket, alone or in a batch: that its method exists, its one deadline, its
//! span, its place among the requests in flight, its figures, and that a panic ends no more than itself.

use std::{
    future::ready,
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use alys_bus::{Clock, Context};
use futures::FutureExt;
use jsonrpsee::{
    BatchResponseBuilder, MethodResponse,
    core::middleware::{Batch, BatchEntry, Notification, RpcServiceT},
    types::{
        ErrorObjectOwned, Id, Request,
        error::{OVERSIZED_RESPONSE_CODE, TOO_BIG_BATCH_RESPONSE_CODE},
    },
};
use tokio::{sync::Semaphore, time::Instant};
use tower::Layer;
use tracing::Instrument;

use crate::{
    RpcConfig,
    call_error::{CallError, code},
    metrics::{Outcome, RpcMetrics},
};

/// What belongs to a WebSocket, and has no meaning elsewhere.
const SUBSCRIPTION_METHODS: [&str; 2] = ["eth_subscribe", "eth_unsubscribe"];

/// What all guards share.
#[derive(Debug)]
pub(super) struct Shared {
    metrics: Arc<RpcMetrics>,
    clock: Clock,
    in_flight: Semaphore,
    timeout: Duration,
    max_response_bytes: u32,
}

impl Shared {
    pub(super) fn new(config: &RpcConfig, metrics: Arc<RpcMetrics>) -> Self {
        Self {
            metrics,
            clock: Clock::system(),
            in_flight: Semaphore::new(config.max_in_flight as usize),
            timeout: config.request_timeout(),
            max_response_bytes: config.max_response_bytes,
        }
    }

    fn too_large(&self) -> CallError {
        CallError::limit(format!(
            "response too large, at most {} bytes; ask for less",
            self.max_response_bytes
        ))
    }
}

/// Puts a guard before jsonrpsee's service.
#[derive(Debug, Clone)]
pub(super) struct GuardLayer {
    shared: Arc<Shared>,
}

impl GuardLayer {
    pub(super) fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared) }
    }
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, service: S) -> Guard<S> {
        Guard { service, shared: Arc::clone(&self.shared) }
    }
}

/// The guard of one connection.
#[derive(Debug, Clone)]
pub(super) struct Guard<S> {
    service: S,
    shared: Arc<Shared>,
}

impl<S> Guard<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse> + Send + Sync,
{
    /// Serves one request until `deadline`.
    async fn serve(&self, mut request: Request<'_>, deadline: Instant) -> MethodResponse {
        let shared = &*self.shared;
        let Some((name, meter)) = shared.metrics.method(request.method_name()) else {
            shared.metrics.unknown.fetch_add(1, Relaxed);
            let error = CallError::method_not_found(request.method_name());
            return failed(request.id, error);
        };
        let Ok(_place) = shared.in_flight.try_acquire() else {
            meter.record(Outcome::Limited, Duration::ZERO);
            let error = CallError::limit("the node has too many requests; try again later");
            return failed(request.id, error);
        };
        let ctx = Context::root_at(deadline);
        request.extensions_mut().insert(ctx);
        let id = request.id.clone().into_owned();
        let began = shared.clock.now();
        let work = self.service.call(request).instrument(ctx.span(name));
        let response = match AssertUnwindSafe(work).catch_unwind().await {
            Ok(response) if response.as_error_code() == Some(OVERSIZED_RESPONSE_CODE) => {
                failed(id, shared.too_large())
            }
            // All that jsonrpsee says of a subscription over HTTP is "internal error".
            Ok(response)
                if response.as_error_code() == Some(code::INTERNAL)
                    && SUBSCRIPTION_METHODS.contains(&name) =>
            {
                failed(id, CallError::new(code::METHOD_NOT_FOUND, "notifications not supported"))
            }
            Ok(response) => response,
            Err(_) => {
                // What it said has been printed by the panic hook, with the place.
                shared.metrics.panics.fetch_add(1, Relaxed);
                tracing::error!(method = name, id = ctx.id, "a method panicked");
                failed(id, CallError::internal())
            }
        };
        let took = shared.clock.now().saturating_duration_since(began);
        meter.record(Outcome::of(response.as_error_code()), took);
        response
    }

    /// Serves a batch in its order, until one deadline for all of it.
    async fn serve_batch(&self, batch: Batch<'_>, deadline: Instant) -> MethodResponse {
        let mut answers = BatchResponseBuilder::new_with_limit(self.shared.max_response_bytes as usize);
        let mut notified = false;
        for entry in batch {
            let answer = match entry {
                // Its answer would come on its own, and again in that of the batch.
                Ok(BatchEntry::Call(request)) if SUBSCRIPTION_METHODS.contains(&request.method_name()) => {
                    let error =
                        CallError::new(code::INVALID_REQUEST, "subscriptions are not made in batches");
                    failed(request.id, error)
                }
                Ok(BatchEntry::Call(request)) => self.serve(request, deadline).await,
                Ok(BatchEntry::Notification(_)) => {
                    notified = true;
                    continue;
                }
                Err(error) => {
                    let (error, id) = error.into_parts();
                    MethodResponse::error(id, error)
                }
            };
            if let Err(error) = answers.append(answer) {
                return match error.as_error_code() {
                    Some(TOO_BIG_BATCH_RESPONSE_CODE) => failed(Id::Null, self.shared.too_large()),
                    _ => error,
                };
            }
        }
        if answers.is_empty() && notified {
            return MethodResponse::notification();
        }
        MethodResponse::from_batch(answers.finish())
    }

    fn deadline(&self) -> Instant {
        self.shared.clock.now() + self.shared.timeout
    }
}

impl<S> RpcServiceT for Guard<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse> + Clone + Send + Sync + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let guard = self.clone();
        async move { guard.serve(request, guard.deadline()).await }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let guard = self.clone();
        async move { guard.serve_batch(batch, guard.deadline()).await }
    }

    /// A notification asks for nothing, and there is nothing here that can be told.
    fn notification<'a>(&self, _: Notification<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        ready(MethodResponse::notification())
    }
}

fn failed(id: Id<'_>, error: CallError) -> MethodResponse {
    MethodResponse::error(id, ErrorObjectOwned::from(error))
}

#[cfg(test)]
#[allow(clippy::panic, reason = "a test of panics needs one")]
mod tests {
    use std::{
        future::{pending, poll_fn},
        task::Poll,
    };

    use super::*;

    /// Panics at `eth_chainId`, and never answers anything else.
    #[derive(Clone)]
    struct Faulty;

    impl RpcServiceT for Faulty {
        type MethodResponse = MethodResponse;
        type NotificationResponse = MethodResponse;
        type BatchResponse = MethodResponse;

        fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
            let panics = request.method_name() == "eth_chainId";
            poll_fn(move |_| if panics { panic!("at /home/operator/secret.rs") } else { Poll::Pending })
        }

        fn batch<'a>(&self, _: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
            pending()
        }

        fn notification<'a>(&self, _: Notification<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
            pending()
        }
    }

    fn guard(config: &RpcConfig) -> Guard<Faulty> {
        let metrics = RpcMetrics::new(["eth_chainId", "eth_call"].into_iter());
        GuardLayer::new(Shared::new(config, Arc::new(metrics))).layer(Faulty)
    }

    fn request(method: &'static str) -> Request<'static> {
        Request::owned(method.to_owned(), None, Id::Number(1))
    }

    #[tokio::test]
    async fn a_panic_in_a_method_is_that_requests_internal_error_and_gives_its_place_back() {
        let guard = guard(&RpcConfig { max_in_flight: 1, ..RpcConfig::default() });
        for _ in 0..3 {
            let answer = guard.call(request("eth_chainId")).await;
            assert_eq!(
                answer.as_json().get(),
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"internal error"}}"#
            );
        }
        assert_eq!(guard.shared.metrics.panics.load(Relaxed), 3);
    }

    #[tokio::test]
    async fn a_request_given_up_gives_its_place_back() {
        let guard = guard(&RpcConfig { max_in_flight: 1, ..RpcConfig::default() });
        let mut first = Box::pin(guard.call(request("eth_call")));
        assert!(futures::poll!(first.as_mut()).is_pending());
        let second = guard.call(request("eth_call")).await;
        assert_eq!(second.as_error_code(), Some(crate::call_error::code::LIMIT));
        drop(first);
        let mut third = Box::pin(guard.call(request("eth_call")));
        assert!(futures::poll!(third.as_mut()).is_pending());
    }
}
