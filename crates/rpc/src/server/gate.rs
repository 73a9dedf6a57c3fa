//! Each HTTP request, before JSON-RPC: where it comes from, and its body.

use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderValue, Method, StatusCode, header};
use jsonrpsee::{
    MethodResponse,
    core::http_helpers::{HttpError, read_body, read_header_value},
    server::{
        HttpBody, HttpRequest, HttpResponse, TowerService, http::content_type_is_json, ws::is_upgrade_request,
    },
    types::{ErrorObjectOwned, Id},
};
use serde::{
    Deserialize,
    de::{Deserializer, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use tokio::{sync::Semaphore, time::timeout};
use tower::{
    Layer, Service,
    layer::util::{Identity, Stack},
};
use tower_http::cors::{AllowOrigin, Cors, CorsLayer};

use super::{accept::Place, guard::GuardLayer, hosts::Strangers};
use crate::{
    RpcConfig,
    call_error::{CallError, code},
    metrics::RpcMetrics,
};

/// jsonrpsee's service with our guard.
pub(super) type JsonRpc = TowerService<Stack<GuardLayer, Identity>, Identity>;

type Answer = Pin<Box<dyn Future<Output = Result<HttpResponse, Infallible>> + Send>>;

/// How long browsers may remember what a preflight said.
const PREFLIGHT_AGE: Duration = Duration::from_secs(600);

/// What the gate checks, the same for all connections.
#[derive(Clone)]
pub(super) struct GateRules {
    strangers: Arc<Strangers>,
    cors: Option<CorsLayer>,
    /// Bytes of bodies that may be held at a time.
    buffer: Arc<Semaphore>,
    max_request_bytes: u32,
    max_batch: usize,
    transfer_timeout: Duration,
    metrics: Arc<RpcMetrics>,
}

impl GateRules {
    pub(super) fn new(config: &RpcConfig, metrics: Arc<RpcMetrics>) -> Self {
        Self {
            strangers: Arc::new(Strangers::new(config)),
            cors: cors(config),
            buffer: Arc::new(Semaphore::new(config.max_buffered_bytes as usize)),
            max_request_bytes: config.max_request_bytes,
            max_batch: config.max_batch as usize,
            transfer_timeout: config.transfer_timeout(),
            metrics,
        }
    }
}

/// What browsers are told, if any page may use the server.
fn cors(config: &RpcConfig) -> Option<CorsLayer> {
    if config.cors_origins.is_empty() {
        return None;
    }
    let origins = if config.any_origin() {
        AllowOrigin::any()
    } else {
        // What `validate` let through is a header value.
        AllowOrigin::list(config.cors_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::POST])
        .allow_headers([header::CONTENT_TYPE])
        .allow_private_network(true)
        .max_age(PREFLIGHT_AGE);
    Some(layer)
}

/// The way into one connection's gate: through CORS, where any page may use the server.
#[derive(Clone)]
pub(super) enum Entrance {
    Plain(Box<Gate>),
    Cors(Box<Cors<Gate>>),
}

impl Entrance {
    pub(super) fn new(gate: Gate) -> Self {
        match gate.rules.cors.clone() {
            Some(cors) => Self::Cors(Box::new(cors.layer(gate))),
            None => Self::Plain(Box::new(gate)),
        }
    }

    pub(super) fn call(&mut self, request: HttpRequest) -> Answer {
        match self {
            Self::Plain(gate) => gate.call(request),
            Self::Cors(cors) => Box::pin(cors.call(request)),
        }
    }
}

/// The gate of one connection.
#[derive(Clone)]
pub(super) struct Gate {
    json_rpc: JsonRpc,
    rules: GateRules,
    place: Place,
}

impl Gate {
    pub(super) fn new(json_rpc: JsonRpc, rules: GateRules, place: Place) -> Self {
        Self { json_rpc, rules, place }
    }

    async fn answer(mut self, request: HttpRequest) -> HttpResponse {
        let rules = &self.rules;
        if !rules.strangers.knows_host(request.headers(), request.uri()) {
            return self.stranger("invalid host specified");
        }
        if is_upgrade_request(&request) {
            if !rules.strangers.knows_origin(request.headers()) {
                return self.stranger("origin not allowed");
            }
            let mut request = request;
            // The session of a WebSocket holds the extensions of the request it began with.
            request.extensions_mut().insert(self.place.clone());
            return self.json_rpc(request).await;
        }
        if request.method() != Method::POST || !content_type_is_json(&request) {
            // Refused there, unread.
            return self.json_rpc(request).await;
        }
        self.post(request).await
    }

    /// Reads the body, within time and bounds, and hands it on.
    async fn post(mut self, request: HttpRequest) -> HttpResponse {
        let (parts, body) = request.into_parts();
        let most = self.rules.max_request_bytes;
        let declared = read_header_value(&parts.headers, header::CONTENT_LENGTH)
            .and_then(|length| length.parse::<u64>().ok());
        if declared.is_some_and(|bytes| bytes > u64::from(most)) {
            return too_large(most);
        }
        let bytes = declared.map_or(most, |bytes| u32::try_from(bytes).unwrap_or(most));
        let reading = async {
            let held = Arc::clone(&self.rules.buffer).acquire_many_owned(bytes).await;
            (held, read_body(&parts.headers, body, most).await)
        };
        let Ok((_held, read)) = timeout(self.rules.transfer_timeout, reading).await else {
            let error = CallError::new(code::UNAVAILABLE, "the request did not arrive in time");
            return refusal(StatusCode::REQUEST_TIMEOUT, error);
        };
        let body = match read {
            Ok((body, single)) => match objection(&body, single, self.rules.max_batch) {
                Some(error) => return refusal(StatusCode::OK, error),
                None => body,
            },
            Err(HttpError::Malformed) => {
                let error = CallError::new(code::PARSE, "parse error: no JSON object or array");
                return refusal(StatusCode::BAD_REQUEST, error);
            }
            // A broken body has nobody left who would read the answer; so this one is too large.
            Err(HttpError::TooLarge | HttpError::Stream(_)) => return too_large(most),
        };
        self.json_rpc(HttpRequest::from_parts(parts, HttpBody::from(body))).await
    }

    async fn json_rpc(&mut self, request: HttpRequest) -> HttpResponse {
        match self.json_rpc.call(request).await {
            Ok(response) => response,
            Err(error) => {
                tracing::warn!(%error, "a request could not be served");
                refusal(StatusCode::INTERNAL_SERVER_ERROR, CallError::internal())
            }
        }
    }

    fn stranger(&self, why: &'static str) -> HttpResponse {
        self.rules.metrics.strangers_refused.fetch_add(1, Relaxed);
        let error = CallError::new(code::INVALID_REQUEST, why);
        refusal(StatusCode::FORBIDDEN, error)
    }
}

impl Service<HttpRequest> for Gate {
    type Response = HttpResponse;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest) -> Answer {
        let answer = self.clone().answer(request);
        Box::pin(async move { Ok(answer.await) })
    }
}

fn too_large(most: u32) -> HttpResponse {
    let error = CallError::limit(format!("request too large, at most {most} bytes"));
    refusal(StatusCode::PAYLOAD_TOO_LARGE, error)
}

/// An answer to a request whose id was not read.
fn refusal(status: StatusCode, error: CallError) -> HttpResponse {
    let body = MethodResponse::error(Id::Null, ErrorObjectOwned::from(error)).into_json();
    let mut response = HttpResponse::new(HttpBody::from(body.get().to_owned()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

/// Why a body is not handed on, where it is not: a batch that is too long, or an id that would be lost.
fn objection(body: &[u8], single: bool, most: usize) -> Option<CallError> {
    let seen = match single {
        true => Seen { requests: 1, strange: has_strange_id(body) },
        false => look(body, most),
    };
    if seen.requests > most && !single {
        return Some(CallError::limit(format!("batch too large, at most {most} requests")));
    }
    seen.strange.then(|| {
        CallError::new(
            code::INVALID_REQUEST,
            "invalid request: an id is a string, or a whole number from 0 up",
        )
    })
}

/// What is seen of a batch before it is read.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    requests: usize,
    /// Whether one has an id that jsonrpsee does not know.
    strange: bool,
}

/// How many elements the array `json` has, and whether their ids are known; it is looked at no further than above
/// `most`, and than what is no JSON.
fn look(json: &[u8], most: usize) -> Seen {
    struct Look<'a> {
        seen: &'a mut Seen,
        most: usize,
    }

    impl<'de> Visitor<'de> for Look<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
            let Self { seen, most } = self;
            while seen.requests <= most
                && let Some(request) = array.next_element::<&RawValue>()?
            {
                seen.requests += 1;
                seen.strange |= has_strange_id(request.get().as_bytes());
            }
            Ok(())
        }
    }

    let mut seen = Seen::default();
    // What is malformed, or left over, is refused where the batch is read.
    let _ = serde_json::Deserializer::from_slice(json).deserialize_seq(Look { seen: &mut seen, most });
    seen
}

/// Whether a request has an id, and one that jsonrpsee does not know: it would take the request for a notification,
/// and answer nothing.
fn has_strange_id(request: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
    }

    let named = serde_json::from_slice::<Named<'_>>(request);
    let id = named.ok().and_then(|named| named.id);
    id.is_some_and(|id| serde_json::from_str::<Id<'_>>(id.get()).is_err())
}

#[cfg(test)]
mod tests {
    use super::{Seen, has_strange_id, look};

    #[test]
    fn a_batch_is_looked_at_no_further_than_its_bound() {
        for (json, requests) in
            [("[]", 0), ("[1, {}, [2, 3]]", 3), ("[1, 2, 3, 4, 5, 6, 7]", 4), ("[1, 2", 2), ("nothing", 0)]
        {
            assert_eq!(look(json.as_bytes(), 3), Seen { requests, strange: false }, "{json}");
        }
    }

    #[test]
    fn an_id_is_strange_where_it_is_neither_text_nor_a_whole_number_from_0_up() {
        for id in ["0", "18446744073709551615", "\"\"", "\"-1\"", "null"] {
            assert!(!has_strange_id(format!(r#"{{"method":"m","id":{id}}}"#).as_bytes()), "{id}");
        }
        for id in ["-1", "1.5", "1e3", "18446744073709551616", "true", "[1]", "{}"] {
            let request = format!(r#"{{"method":"m","id":{id}}}"#);
            assert!(has_strange_id(request.as_bytes()), "{id}");
            let batch = format!(r#"[{{"id":1}}, {request}]"#);
            assert_eq!(look(batch.as_bytes(), 3), Seen { requests: 2, strange: true }, "{id}");
        }
        assert!(!has_strange_id(br#"{"method":"a notification"}"#));
        assert!(!has_strange_id(br#"{"id":-1"#));
    }
}
