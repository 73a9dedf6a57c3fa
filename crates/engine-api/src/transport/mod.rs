//! JSON-RPC over HTTP POST: single calls and batches, bounded in time and size.
//!
//! One connection pool per transport, kept alive between calls. Redirects are not followed and proxies of the
//! environment not used: the token is for this client only.

mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::{ApiError, RpcError};
use crate::jwt::{JwtKey, UnixSeconds};
use wire::Body;

/// How much of an answer that is an error is shown.
const SHOWN: usize = 200;

/// Where a client is, and how far it is trusted.
#[derive(Clone)]
pub struct TransportConfig {
    /// `http://host:port`. Plain HTTP: the port is on this machine or in a private network.
    pub url: String,
    /// The secret and the clock of the tokens; `None` for a public port.
    pub auth: Option<(JwtKey, UnixSeconds)>,
    /// The most bytes of one answer, a batch's together.
    pub max_response: usize,
}

impl TransportConfig {
    /// 128 MiB: four times a payload of 30 M gas in the worst case (calldata at 10 gas a byte, twice as hex,
    /// and its receipts).
    pub const MAX_RESPONSE: usize = 128 << 20;

    /// An engine port.
    #[must_use]
    pub fn engine(url: impl Into<String>, key: JwtKey, now: UnixSeconds) -> Self {
        Self { url: url.into(), auth: Some((key, now)), max_response: Self::MAX_RESPONSE }
    }

    /// A public port, without a token.
    #[must_use]
    pub fn public(url: impl Into<String>) -> Self {
        Self { url: url.into(), auth: None, max_response: Self::MAX_RESPONSE }
    }
}

impl fmt::Debug for TransportConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportConfig")
            .field("url", &self.url)
            .field("auth", &self.auth.is_some())
            .field("max_response", &self.max_response)
            .finish()
    }
}

/// One call of a batch.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method.
    pub method: &'static str,
    /// Its parameters, a JSON array or object.
    pub params: serde_json::Value,
}

impl Call {
    /// A call of a batch.
    #[must_use]
    pub fn new(method: &'static str, params: serde_json::Value) -> Self {
        Self { method, params }
    }
}

/// A way to a client. Clones share its connections.
#[derive(Clone)]
pub struct Transport {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    config: TransportConfig,
    next_id: AtomicU64,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

impl Transport {
    /// A way to the client at `config.url`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ApiError::Request`] where the URL is none, or not `http`.
    pub fn new(config: TransportConfig) -> Result<Self, ApiError> {
        let wrong = |reason: String| ApiError::Request { method: config.url.clone(), reason };
        let url = reqwest::Url::parse(&config.url).map_err(|error| wrong(error.to_string()))?;
        if url.scheme() != "http" || url.host_str().is_none() {
            return Err(wrong("the URL must be http://host:port".into()));
        }
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self { inner: Arc::new(Inner { http, config, next_id: AtomicU64::new(1) }) })
    }

    /// Where it leads.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.inner.config.url
    }

    /// Calls `method` and reads its result, all within `within`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn call<R: DeserializeOwned>(
        &self,
        method: &str,
        params: &impl serde::Serialize,
        within: Duration,
    ) -> Result<R, ApiError> {
        let raw = self.call_raw(method, params, within).await?;
        read_result(method, &raw)
    }

    /// Calls `method`; its result as it came.
    ///
    /// # Errors
    /// [`ApiError`], not [`ApiError::BadResult`].
    pub async fn call_raw(
        &self,
        method: &str,
        params: &impl serde::Serialize,
        within: Duration,
    ) -> Result<Box<RawValue>, ApiError> {
        let id = self.inner.next_id.fetch_add(1, Ordering::Relaxed);
        let request = wire::request(id, method, params);
        let request = encoded(method, &request)?;
        let body = self.post(method, request, within).await?;
        let response = wire::single(&body.bytes).map_err(|reason| body.unreadable(method, reason))?;
        if !response.is_to(id) && !response.is_refusal_of_all() {
            return Err(wrong_id(method, id, response.id()));
        }
        body.outcome(method, response.outcome())
    }

    /// Makes all calls in one request; one outcome for each, in their order.
    ///
    /// # Errors
    /// [`ApiError`] where the batch as a whole has no answer.
    pub async fn batch(
        &self,
        calls: &[Call],
        within: Duration,
    ) -> Result<Vec<Result<Box<RawValue>, RpcError>>, ApiError> {
        let Some(first) = calls.first() else { return Ok(Vec::new()) };
        let method = first.method;
        let count = u64::try_from(calls.len()).unwrap_or(u64::MAX);
        let first_id = self.inner.next_id.fetch_add(count, Ordering::Relaxed);
        let ids = || first_id..first_id.saturating_add(count);
        let requests: Vec<_> =
            ids().zip(calls).map(|(id, call)| wire::request(id, call.method, &call.params)).collect();
        let request = encoded(method, &requests)?;
        let body = self.post(method, request, within).await?;
        let responses = wire::batch(&body.bytes).map_err(|reason| body.unreadable(method, reason))?;
        let mut by_id = BTreeMap::new();
        for response in responses {
            let Some(id) = response.number().filter(|id| ids().contains(id)) else {
                // A client that refuses a batch as a whole answers one error without an id.
                if response.is_refusal_of_all() {
                    body.outcome(method, response.outcome())?;
                }
                return Err(wrong_id(method, first_id, response.id()));
            };
            by_id.insert(id, response);
        }
        ids()
            .map(|id| {
                let response = by_id.remove(&id).ok_or_else(|| wrong_id(method, id, "nothing".into()))?;
                response.outcome().map_err(|reason| body.unreadable(method, reason))
            })
            .collect()
    }

    async fn post(&self, method: &str, request: Vec<u8>, within: Duration) -> Result<Body, ApiError> {
        tokio::time::timeout(within, self.exchange(method, request))
            .await
            .unwrap_or_else(|_| Err(ApiError::Timeout { method: method.to_owned(), after: within }))
    }

    async fn exchange(&self, method: &str, request: Vec<u8>) -> Result<Body, ApiError> {
        let config = &self.inner.config;
        let mut post =
            self.inner.http.post(&config.url).header(CONTENT_TYPE, "application/json").body(request);
        if let Some((key, now)) = &config.auth {
            let value = HeaderValue::from_str(&format!("Bearer {}", key.token(now())));
            let mut value = value.map_err(|error| ApiError::Request {
                method: method.to_owned(),
                reason: error.to_string(),
            })?;
            value.set_sensitive(true);
            post = post.header(AUTHORIZATION, value);
        }
        let mut response = post.send().await.map_err(|error| self.failed(method, error))?;
        let status = response.status();
        let mut bytes = Vec::new();
        // Never by the length the answer announces.
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(method, error))? {
            if bytes.len().saturating_add(chunk.len()) > config.max_response {
                return Err(ApiError::TooLarge { method: method.to_owned(), limit: config.max_response });
            }
            bytes.extend_from_slice(&chunk);
        }
        if matches!(status.as_u16(), 401 | 403) {
            let body = beginning(&bytes);
            return Err(ApiError::Auth { url: config.url.clone(), status: status.as_u16(), body });
        }
        Ok(Body { status, bytes })
    }

    fn failed(&self, method: &str, error: reqwest::Error) -> ApiError {
        let refused = error.is_connect();
        let error = error.without_url();
        // The causes say more than the error itself.
        let mut reason = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            reason = format!("{reason}: {error}");
            cause = error.source();
        }
        if refused {
            ApiError::Refused { url: self.inner.config.url.clone(), reason }
        } else {
            ApiError::Broken { method: method.to_owned(), reason }
        }
    }
}

fn encoded(method: &str, request: &impl serde::Serialize) -> Result<Vec<u8>, ApiError> {
    let failed =
        |error: serde_json::Error| ApiError::Request { method: method.to_owned(), reason: error.to_string() };
    serde_json::to_vec(request).map_err(failed)
}

/// A result in its type.
pub(crate) fn read_result<R: DeserializeOwned>(method: &str, raw: &RawValue) -> Result<R, ApiError> {
    serde_json::from_str(raw.get())
        .map_err(|error| ApiError::BadResult { method: method.to_owned(), reason: error.to_string() })
}

fn wrong_id(method: &str, expected: u64, found: String) -> ApiError {
    ApiError::WrongId { method: method.to_owned(), expected, found }
}

fn beginning(bytes: &[u8]) -> String {
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]);
    shown.trim().to_owned()
}
