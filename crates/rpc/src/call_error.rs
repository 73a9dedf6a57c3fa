//! Why a call has no result, as clients see it: a code, a message, and data for reverts.
//!
//! Codes and the beginning of messages are those of Geth, because viem, ethers, web3.py and others tell errors apart
//! by them. What an actor says about its own troubles is logged here and never sent.

use alloy_primitives::{Bytes, hex};
use alys_bus::{
    AskError,
    protocol::{
        chain::ChainError, engine::EngineError, query::QueryError, query::TransactionRefusal as Refusal,
        supervisor::SupervisorError,
    },
};
use jsonrpsee::types::ErrorObjectOwned;
use serde_json::value::RawValue;

/// The codes of errors. The first four are JSON-RPC's, the others Geth's and those of EIP-1474.
pub(crate) mod code {
    /// A call reverted; data holds the revert's bytes.
    pub(crate) const REVERTED: i32 = 3;
    /// The request is no JSON.
    pub(crate) const PARSE: i32 = -32700;
    /// The request is no JSON-RPC request, or comes from where none may.
    pub(crate) const INVALID_REQUEST: i32 = -32600;
    /// No such method.
    pub(crate) const METHOD_NOT_FOUND: i32 = -32601;
    /// A parameter is missing or malformed.
    pub(crate) const INVALID_PARAMS: i32 = -32602;
    /// A fault of the node.
    pub(crate) const INTERNAL: i32 = -32603;
    /// The node understood and refuses: a transaction, a call, a block it does not have.
    pub(crate) const REFUSED: i32 = -32000;
    /// Not now: the deadline passed, or the actor asked is starting.
    pub(crate) const UNAVAILABLE: i32 = -32002;
    /// The node's execution client cannot do this at all.
    pub(crate) const NOT_SUPPORTED: i32 = -32004;
    /// Too large, too many, too often.
    pub(crate) const LIMIT: i32 = -32005;
}

/// How long the text of a hash is.
const HASH_DIGITS: usize = 66;

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallError {
    pub(crate) code: i32,
    pub(crate) message: String,
    pub(crate) data: Option<ErrorData>,
}

/// What an error carries for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ErrorData {
    /// The bytes of a revert.
    Revert(Bytes),
    /// What an execution client sent along: JSON text, passed on as it is.
    Client(String),
}

impl CallError {
    pub(crate) fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// Parameter `index`, called `name`, is there and cannot be used.
    pub(crate) fn invalid(index: usize, name: &str, why: impl std::fmt::Display) -> Self {
        Self::new(code::INVALID_PARAMS, format!("invalid argument {index} ({name}): {why}"))
    }

    /// Parameter `index`, called `name`, is not there.
    pub(crate) fn missing(index: usize, name: &str) -> Self {
        Self::new(code::INVALID_PARAMS, format!("missing value for required argument {index} ({name})"))
    }

    /// A method that is not served. Its name comes from outside, so only its beginning is repeated.
    pub(crate) fn method_not_found(name: &str) -> Self {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        Self::new(code::METHOD_NOT_FOUND, format!("the method {shown} does not exist/is not available"))
    }

    /// A method that the operator has not opened.
    pub(crate) fn closed(name: &str) -> Self {
        let text =
            format!("the method {name} is closed: rpc.debug = true in the node's configuration opens it");
        Self::new(code::METHOD_NOT_FOUND, text)
    }

    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Self::new(code::LIMIT, message)
    }

    pub(crate) fn timeout() -> Self {
        Self::new(code::UNAVAILABLE, "request timed out")
    }

    pub(crate) fn internal() -> Self {
        Self::new(code::INTERNAL, "internal error")
    }

    pub(crate) fn unavailable() -> Self {
        Self::new(code::UNAVAILABLE, "the node cannot answer this now; try again")
    }

    /// Whether the same question may have an answer a little later.
    pub(crate) fn is_for_now(&self) -> bool {
        matches!(self.code, code::UNAVAILABLE | code::LIMIT | code::INTERNAL)
    }

    fn refused(message: impl Into<String>) -> Self {
        Self::new(code::REFUSED, message)
    }
}

impl From<CallError> for ErrorObjectOwned {
    fn from(error: CallError) -> Self {
        let CallError { code, message, data } = error;
        match data {
            None => Self::owned(code, message, None::<()>),
            Some(ErrorData::Revert(bytes)) => Self::owned(code, message, Some(hex::encode_prefixed(bytes))),
            // What is no JSON cannot be passed on; the code and the message can.
            Some(ErrorData::Client(json)) => Self::owned(code, message, RawValue::from_string(json).ok()),
        }
    }
}

impl<E: Into<CallError>> From<AskError<E>> for CallError {
    fn from(error: AskError<E>) -> Self {
        match error {
            AskError::Actor(error) => error.into(),
            AskError::Timeout(_) => Self::timeout(),
            AskError::Overloaded(actor) => {
                tracing::debug!(actor, "refused: overloaded");
                Self::limit("the node has too many requests; try again later")
            }
            AskError::Unavailable(actor) | AskError::NoReply(actor) => {
                tracing::debug!(actor, "no answer: it is starting, stopping, or ended");
                Self::unavailable()
            }
            AskError::Unsupported(_) => {
                Self::new(code::NOT_SUPPORTED, "the node's execution client does not support this")
            }
        }
    }
}

impl From<QueryError> for CallError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Reverted { ref output, .. } => Self {
                code: code::REVERTED,
                message: error.to_string(),
                data: Some(ErrorData::Revert(output.clone())),
            },
            QueryError::InvalidQuery(why) => Self::new(code::INVALID_PARAMS, why),
            QueryError::LimitExceeded(why) => Self::new(code::LIMIT, why),
            QueryError::TimedOut => Self::timeout(),
            QueryError::Unavailable(why) => {
                // Whoever asks may do so again and again; the engine says once that it is away.
                tracing::debug!(why, "the execution client cannot answer");
                Self::unavailable()
            }
            QueryError::Client { code, message, data } => {
                Self { code, message, data: data.map(ErrorData::Client) }
            }
            QueryError::BlockNotFound(block) => Self::refused(match block.len() {
                HASH_DIGITS => "header for hash not found",
                _ => "header not found",
            }),
            QueryError::Refused(refusal) => refusal.into(),
            QueryError::HistoryGone { .. } | QueryError::Halted { .. } => Self::refused(error.to_string()),
            // What a later engine refuses for a reason that is not known here, it says in its own words.
            _ => Self::refused(error.to_string()),
        }
    }
}

/// In the words of Geth 1.17, which some clients compare.
impl From<Refusal> for CallError {
    fn from(refusal: Refusal) -> Self {
        Self::refused(match &refusal {
            Refusal::WrongChain { have: Some(have), want } => {
                format!("invalid sender: invalid chain id for signer: have {have} want {want}")
            }
            Refusal::WrongChain { have: None, .. } => {
                "only replay-protected (EIP-155) transactions allowed over RPC".to_owned()
            }
            Refusal::InsufficientFunds { balance, cost } => {
                format!("{refusal}, overshot {}", cost.saturating_sub(*balance))
            }
            Refusal::ExceedsBlockGasLimit { .. } => "exceeds block gas limit".to_owned(),
            Refusal::TipAboveFeeCap { .. } => {
                "max priority fee per gas higher than max fee per gas".to_owned()
            }
            Refusal::Underpriced { tip, needed } => {
                format!("transaction gas price below minimum: gas tip cap {tip}, minimum needed {needed}")
            }
            Refusal::InitCodeTooLarge { size, limit } => {
                format!("max initcode size exceeded: code size {size} limit {limit}")
            }
            other => other.to_string(),
        })
    }
}

impl From<EngineError> for CallError {
    fn from(error: EngineError) -> Self {
        tracing::debug!(%error, "the execution client cannot answer");
        Self::unavailable()
    }
}

impl From<ChainError> for CallError {
    fn from(error: ChainError) -> Self {
        tracing::debug!(%error, "the chain cannot answer");
        Self::unavailable()
    }
}

impl From<SupervisorError> for CallError {
    fn from(error: SupervisorError) -> Self {
        tracing::debug!(%error, "the supervisor cannot answer");
        Self::unavailable()
    }
}
