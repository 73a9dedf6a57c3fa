//! JSON-RPC over HTTP POST: single calls and batches, bounded in time and size.
//!
//! One connection pool per transport, kept alive between calls. Redirects are not followed and proxies of the
//! environment not used: the token is for this client only.

mod batch;
mod config;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::RequestBuilder;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::ApiError;
use crate::jwt::JwtKey;
use wire::Body;

pub use batch::Call;
pub use config::TransportConfig;

/// How much of an answer that is an error is shown.
const SHOWN: usize = 200;

/// A clock that differs by no more was right: so long a request may have been under way.
const SAME_TIME: u64 = 2;

/// A way to a client. Clones share its connections.
#[derive(Clone)]
pub struct Transport {
    inner: Arc<Inner>,
    /// The most bytes of one answer.
    max_response: usize,
}

struct Inner {
    http: reqwest::Client,
    config: TransportConfig,
    next_id: AtomicU64,
    /// Whether the client takes batches: believed until it refuses one.
    batches: AtomicBool,
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
        let max_response = config.max_response;
        let inner = Inner { http, config, next_id: AtomicU64::new(1), batches: AtomicBool::new(true) };
        Ok(Self { inner: Arc::new(inner), max_response })
    }

    /// The same way, and the same connections, for answers of at most `max_response` bytes.
    #[must_use]
    pub fn bounded(&self, max_response: usize) -> Self {
        Self { inner: Arc::clone(&self.inner), max_response: max_response.min(self.max_response) }
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
        body.outcome(method, &response)?.map_err(|error| ApiError::Rpc { method: method.to_owned(), error })
    }

    async fn post(&self, method: &str, request: Vec<u8>, within: Duration) -> Result<Body, ApiError> {
        tokio::time::timeout(within, self.exchange(method, request))
            .await
            .unwrap_or_else(|_| Err(ApiError::Timeout { method: method.to_owned(), after: within }))
    }

    /// Sends the request, and once more where its token was refused and the clock turns out to have been wrong:
    /// a request that was not let in has done nothing.
    async fn exchange(&self, method: &str, request: Vec<u8>) -> Result<Body, ApiError> {
        let config = &self.inner.config;
        let post = self.inner.http.post(&config.url).header(CONTENT_TYPE, "application/json").body(request);
        let Some((key, now)) = &config.auth else { return self.send(method, post).await };
        let again = config.anew.as_ref().and_then(|anew| Some((anew, post.try_clone()?)));
        let issued = now();
        let refused = match self.send(method, with_token(method, post, key, issued)?).await {
            Err(refused @ ApiError::Auth { .. }) => refused,
            other => return other,
        };
        let Some((anew, post)) = again else { return Err(refused) };
        let right = anew();
        if right.abs_diff(issued) <= SAME_TIME {
            return Err(refused);
        }
        self.send(method, with_token(method, post, key, right)?).await
    }

    async fn send(&self, method: &str, post: RequestBuilder) -> Result<Body, ApiError> {
        let mut response = post.send().await.map_err(|error| self.failed(method, error))?;
        let status = response.status();
        let refused = matches!(status.as_u16(), 401 | 403);
        let limit = if refused { SHOWN } else { self.max_response };
        let too_large = || ApiError::TooLarge { method: method.to_owned(), limit };
        // The length that an answer announces may be a reason not to begin, and is never believed.
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
        if !refused && announced.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(method, error))? {
            let room = limit.saturating_sub(bytes.len());
            if chunk.len() > room {
                if !refused {
                    return Err(too_large());
                }
                bytes.extend_from_slice(&chunk[..room]);
                break;
            }
            bytes.extend_from_slice(&chunk);
        }
        if refused {
            let (url, body) = (self.url().to_owned(), beginning(&bytes));
            return Err(ApiError::Auth { url, status: status.as_u16(), body });
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

/// The request with a token of the second `issued`.
fn with_token(
    method: &str,
    post: RequestBuilder,
    key: &JwtKey,
    issued: u64,
) -> Result<RequestBuilder, ApiError> {
    let value = HeaderValue::from_str(&format!("Bearer {}", key.token(issued)));
    let mut value =
        value.map_err(|error| ApiError::Request { method: method.to_owned(), reason: error.to_string() })?;
    value.set_sensitive(true);
    Ok(post.header(AUTHORIZATION, value))
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
