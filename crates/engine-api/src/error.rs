//! What can go wrong between this node and an execution client.

use std::time::Duration;

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// No answer within the call's time.
    #[error("{method}: no answer within {after:?}")]
    Timeout {
        /// The method called.
        method: String,
        /// How long was waited.
        after: Duration,
    },
    /// No connection: nothing listens there, or the name leads nowhere.
    #[error("no connection to {url}: {reason}")]
    Refused {
        /// Where to.
        url: String,
        /// Why.
        reason: String,
    },
    /// The connection ended before the answer did.
    #[error("{method}: the connection broke: {reason}")]
    Broken {
        /// The method called.
        method: String,
        /// How.
        reason: String,
    },
    /// HTTP 401 or 403: the client does not take this node's token.
    #[error(
        "{url} refuses this node's token (HTTP {status}{}): both must have the same JWT secret, and clocks \
         less than 60 s apart",
        said(body)
    )]
    Auth {
        /// Where.
        url: String,
        /// 401 or 403.
        status: u16,
        /// What the answer began with.
        body: String,
    },
    /// Another status than success, without a JSON-RPC answer.
    #[error("{method}: HTTP {status}{}", said(body))]
    Http {
        /// The method called.
        method: String,
        /// The status.
        status: u16,
        /// What the answer began with.
        body: String,
    },
    /// The answer is no JSON-RPC response, or ends early.
    #[error("{method}: the answer is no JSON-RPC response: {reason}")]
    NotJson {
        /// The method called.
        method: String,
        /// Where reading it failed.
        reason: String,
    },
    /// The answer is longer than allowed.
    #[error("{method}: the answer is longer than {limit} bytes")]
    TooLarge {
        /// The method called.
        method: String,
        /// The bound.
        limit: usize,
    },
    /// The answer is to another request.
    #[error("{method}: the answer is to request {found}, not to {expected}")]
    WrongId {
        /// The method called.
        method: String,
        /// This request's id.
        expected: u64,
        /// The id in the answer.
        found: String,
    },
    /// A result of another shape than the method's.
    #[error("{method}: the result has another shape: {reason}")]
    BadResult {
        /// The method called.
        method: String,
        /// What is wrong.
        reason: String,
    },
    /// The client's refusal.
    #[error("{method}: {error}")]
    Rpc {
        /// The method called.
        method: String,
        /// The refusal.
        error: RpcError,
    },
    /// The call could not be put into words; nothing was sent.
    #[error("{method}: the request cannot be made: {reason}")]
    Request {
        /// The method called.
        method: String,
        /// Why.
        reason: String,
    },
}

fn said(body: &str) -> String {
    if body.is_empty() { String::new() } else { format!(", {body:?}") }
}

impl ApiError {
    /// Whether the client, or the way to it, is at fault, rather than what was asked: what circuit breakers
    /// count. A refusal in JSON-RPC is an answer.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        !matches!(self, Self::Rpc { .. } | Self::Request { .. })
    }

    /// The client's refusal, if this is one.
    #[must_use]
    pub fn rpc(&self) -> Option<&RpcError> {
        match self {
            Self::Rpc { error, .. } => Some(error),
            _ => None,
        }
    }

    /// What kind of refusal this is, if it is one.
    #[must_use]
    pub fn kind(&self) -> Option<RpcErrorKind> {
        self.rpc().map(RpcError::kind)
    }

    /// Whether the client does not have the method.
    #[must_use]
    pub fn is_missing_method(&self) -> bool {
        self.kind() == Some(RpcErrorKind::MethodNotFound)
    }
}

/// A JSON-RPC error, as it came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code}){}", data.as_ref().map(|data| format!(", {data}")).unwrap_or_default())]
pub struct RpcError {
    /// Its code.
    pub code: i64,
    /// Its message.
    pub message: String,
    /// Its data, JSON text.
    pub data: Option<String>,
}

/// What the codes of the Engine API and of JSON-RPC mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RpcErrorKind {
    /// -38001, or -32001 (EthereumJS): no such payload is being built.
    UnknownPayload,
    /// -38002: the hashes of a forkchoice do not belong together. The head may have moved all the same.
    InvalidForkchoice,
    /// -38003: the attributes of a payload to build are wrong.
    InvalidAttributes,
    /// -38004: too many items were asked for.
    TooLargeRequest,
    /// -38005: the method's version does not fit the payload's fork. On `engine_getPayload` Geth answers it
    /// for an unknown payload too.
    UnsupportedFork,
    /// -32601: the client does not have the method.
    MethodNotFound,
    /// -32602: the parameters are wrong.
    InvalidParams,
    /// 3, as Geth's: an execution reverted; the data are its output.
    Reverted,
    /// Any other.
    Other,
}

impl RpcError {
    /// What the code means.
    #[must_use]
    pub fn kind(&self) -> RpcErrorKind {
        match self.code {
            -38001 | -32001 => RpcErrorKind::UnknownPayload,
            -38002 => RpcErrorKind::InvalidForkchoice,
            -38003 => RpcErrorKind::InvalidAttributes,
            -38004 => RpcErrorKind::TooLargeRequest,
            -38005 => RpcErrorKind::UnsupportedFork,
            -32601 => RpcErrorKind::MethodNotFound,
            -32602 => RpcErrorKind::InvalidParams,
            3 => RpcErrorKind::Reverted,
            _ => RpcErrorKind::Other,
        }
    }
}
