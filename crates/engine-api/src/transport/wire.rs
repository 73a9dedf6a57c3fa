//! JSON-RPC 2.0 as it is on the wire.

use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::beginning;
use crate::error::{ApiError, RpcError};

#[derive(Serialize)]
pub(super) struct Request<'a, P> {
    jsonrpc: &'static str,
    id: u64,
    method: &'a str,
    params: &'a P,
}

pub(super) fn request<'a, P>(id: u64, method: &'a str, params: &'a P) -> Request<'a, P> {
    Request { jsonrpc: "2.0", id, method, params }
}

/// A response. Exactly one of result and error is there.
#[derive(Deserialize)]
pub(super) struct Response<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    /// `null` is a result too.
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<ErrorObject<'a>>,
}

#[derive(Deserialize)]
struct ErrorObject<'a> {
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl Response<'_> {
    /// The id as a number.
    pub(super) fn number(&self) -> Option<u64> {
        self.id.and_then(|id| id.get().parse().ok())
    }

    /// The id as it came, for errors.
    pub(super) fn id(&self) -> String {
        self.id.map_or_else(|| "nothing".to_owned(), |id| id.get().chars().take(40).collect())
    }

    pub(super) fn is_to(&self, id: u64) -> bool {
        self.number() == Some(id)
    }

    /// A request that could not be read is answered by an error whose id is `null`.
    pub(super) fn is_refusal_of_all(&self) -> bool {
        self.error.is_some() && self.id.is_none_or(|id| id.get() == "null")
    }

    /// What it says.
    pub(super) fn outcome(&self) -> Result<Result<Box<RawValue>, RpcError>, String> {
        match (self.result, &self.error) {
            (_, Some(ErrorObject { code, message, data })) => {
                let data = data.map(|data| data.get().to_owned());
                Ok(Err(RpcError { code: *code, message: message.clone(), data }))
            }
            (Some(result), None) => Ok(Ok(result.to_owned())),
            (None, None) => Err("neither result nor error".to_owned()),
        }
    }
}

/// One response.
pub(super) fn single(bytes: &[u8]) -> Result<Response<'_>, String> {
    // A derived struct would be read from an array too.
    if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err("it is no object".to_owned());
    }
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

/// The responses to a batch; a client may answer a batch by one error.
pub(super) fn batch(bytes: &[u8]) -> Result<Vec<Response<'_>>, String> {
    if bytes.trim_ascii_start().first() == Some(&b'{') {
        return single(bytes).map(|one| vec![one]);
    }
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

/// An HTTP answer, read whole.
pub(super) struct Body {
    pub(super) status: StatusCode,
    pub(super) bytes: Vec<u8>,
}

impl Body {
    /// The error of an answer that is no response: by its status, where that is none of success.
    pub(super) fn unreadable(&self, method: &str, reason: String) -> ApiError {
        let method = method.to_owned();
        if self.status.is_success() {
            ApiError::NotJson { method, reason }
        } else {
            ApiError::Http { method, status: self.status.as_u16(), body: beginning(&self.bytes) }
        }
    }

    /// What a response in this answer says. A result counts under a status of success only: under another, some
    /// proxy or a server that is going down has said so first. A refusal is one under any.
    pub(super) fn outcome(
        &self,
        method: &str,
        response: &Response<'_>,
    ) -> Result<Result<Box<RawValue>, RpcError>, ApiError> {
        match response.outcome() {
            Ok(Ok(_)) if !self.status.is_success() => Err(self.unreadable(method, String::new())),
            Ok(said) => Ok(said),
            Err(reason) => Err(self.unreadable(method, reason)),
        }
    }
}
