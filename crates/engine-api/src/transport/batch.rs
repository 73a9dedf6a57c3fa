//! Many calls at once: in one request where the client takes that, else one after the other.
//!
//! JSON-RPC lets a server have no batches, and nothing in the Engine API asks for them. So a batch is a way to be
//! faster and never a condition: one call goes as a single request, and a client that refuses an array, or
//! answers it with something else, is asked singly from then on.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::value::RawValue;

use super::{Transport, encoded, wire, wrong_id};
use crate::error::{ApiError, RpcError};

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

/// What each call ended with.
type Outcomes = Vec<Result<Box<RawValue>, RpcError>>;

impl Transport {
    /// Makes all calls, all within `within`; one outcome for each, in their order.
    ///
    /// # Errors
    /// [`ApiError`] where the client did not answer one of them.
    pub async fn batch(&self, calls: &[Call], within: Duration) -> Result<Outcomes, ApiError> {
        let Some(first) = calls.first() else { return Ok(Vec::new()) };
        tokio::time::timeout(within, self.all(calls, within))
            .await
            .unwrap_or_else(|_| Err(ApiError::Timeout { method: first.method.to_owned(), after: within }))
    }

    /// Believes again that the client takes batches: another program may have come to its port.
    pub fn expect_batches(&self) {
        self.inner.batches.store(true, Ordering::Relaxed);
    }

    async fn all(&self, calls: &[Call], within: Duration) -> Result<Outcomes, ApiError> {
        if calls.len() == 1 || !self.inner.batches.load(Ordering::Relaxed) {
            return self.one_by_one(calls, within).await;
        }
        match self.array(calls, within).await {
            Err(error) if may_be_for_the_array(&error) => {
                // Where the client answers nothing else either, this says what is wrong.
                let outcomes = self.one_by_one(calls, within).await?;
                tracing::info!(url = self.url(), %error, "the execution client takes no batches, and is asked singly");
                self.inner.batches.store(false, Ordering::Relaxed);
                Ok(outcomes)
            }
            other => other,
        }
    }

    async fn one_by_one(&self, calls: &[Call], within: Duration) -> Result<Outcomes, ApiError> {
        let mut outcomes = Vec::with_capacity(calls.len());
        for call in calls {
            outcomes.push(match self.call_raw(call.method, &call.params, within).await {
                Ok(result) => Ok(result),
                Err(ApiError::Rpc { error, .. }) => Err(error),
                Err(other) => return Err(other),
            });
        }
        Ok(outcomes)
    }

    async fn array(&self, calls: &[Call], within: Duration) -> Result<Outcomes, ApiError> {
        let Some(first) = calls.first() else { return Ok(Vec::new()) };
        let method = first.method;
        let count = u64::try_from(calls.len()).unwrap_or(u64::MAX);
        let first_id = self.inner.next_id.fetch_add(count, Ordering::Relaxed);
        let ids = || first_id..first_id.saturating_add(count);
        let requests: Vec<_> =
            ids().zip(calls).map(|(id, call)| wire::request(id, call.method, &call.params)).collect();
        let body = self.post(method, encoded(method, &requests)?, within).await?;
        let responses = wire::batch(&body.bytes).map_err(|reason| body.unreadable(method, reason))?;
        let mut by_id = BTreeMap::new();
        for response in responses {
            let Some(id) = response.number().filter(|id| ids().contains(id)) else {
                // A client that refuses a batch as a whole answers one error without an id.
                if response.is_refusal_of_all()
                    && let Err(error) = body.outcome(method, &response)?
                {
                    return Err(ApiError::Rpc { method: method.to_owned(), error });
                }
                return Err(wrong_id(method, first_id, response.id()));
            };
            by_id.insert(id, response);
        }
        ids()
            .map(|id| {
                let response = by_id.remove(&id).ok_or_else(|| wrong_id(method, id, "nothing".into()))?;
                body.outcome(method, &response)
            })
            .collect()
    }
}

/// Whether an answer to an array may be what it is because an array was sent: one that is there, and cannot be
/// read as the answers to the calls. Silence and broken connections say nothing of the kind, nor do statuses by
/// which a server or a proxy before it says: not now.
fn may_be_for_the_array(error: &ApiError) -> bool {
    match error {
        ApiError::Rpc { .. } | ApiError::NotJson { .. } | ApiError::WrongId { .. } => true,
        ApiError::Http { status, .. } => !matches!(status, 429 | 502..=504),
        _ => false,
    }
}
