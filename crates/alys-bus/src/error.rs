//! Why a request has no result: five reasons of the bus, or the actor's own.

/// The outcome of an [`ask`](crate::Address::ask) that brought no result. The first field of each
/// reason is the actor asked.
///
/// A failed request is a value: it never ends the asker, and the asked actor ends only by its own
/// invariants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError<E> {
    /// The actor is not running. Nothing was done.
    #[error("{0} is not running; ask again when the supervisor has restarted it")]
    Unavailable(&'static str),
    /// The actor has as much work as it may hold, and no place became free in time. Nothing was done.
    #[error("{0} has all the work it may hold; ask again later")]
    Overloaded(&'static str),
    /// The deadline passed first. The work may have been done, or be under way.
    #[error("{0} did not answer before the deadline")]
    Timeout(&'static str),
    /// The request was dropped unanswered, as when the actor ends. The work may have been done.
    #[error("{0} dropped the request without an answer; it may have ended while it worked")]
    NoReply(&'static str),
    /// The actor does not know this kind of message. Asking again is of no use.
    #[error("{0} does not support this message")]
    Unsupported(&'static str),
    /// The actor's own, typed refusal.
    #[error(transparent)]
    Actor(E),
}

impl<E> AskError<E> {
    /// Whether the same request may succeed later: the bus' reasons, except
    /// [`Unsupported`](AskError::Unsupported).
    ///
    /// After `Timeout` and `NoReply` the work may have been done, so only idempotent requests may be
    /// repeated.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Overloaded(_) | Self::Timeout(_) | Self::NoReply(_) => true,
            Self::Unsupported(_) | Self::Actor(_) => false,
        }
    }

    /// Translates the actor's own error, keeping the bus' reasons.
    pub fn map_actor<F>(self, translate: impl FnOnce(E) -> F) -> AskError<F> {
        match self {
            Self::Unavailable(actor) => AskError::Unavailable(actor),
            Self::Overloaded(actor) => AskError::Overloaded(actor),
            Self::Timeout(actor) => AskError::Timeout(actor),
            Self::NoReply(actor) => AskError::NoReply(actor),
            Self::Unsupported(actor) => AskError::Unsupported(actor),
            Self::Actor(error) => AskError::Actor(translate(error)),
        }
    }

    /// The actor's own error, if that is what this is.
    pub fn into_actor(self) -> Option<E> {
        match self {
            Self::Actor(error) => Some(error),
            _ => None,
        }
    }

    /// A fixed label for metrics: which of the reasons this is.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Overloaded(_) => "overloaded",
            Self::Timeout(_) => "timeout",
            Self::NoReply(_) => "no_reply",
            Self::Unsupported(_) => "unsupported",
            Self::Actor(_) => "actor",
        }
    }
}

/// Why a message that asks for no answer was not taken. What a refusal means is said by the message's
/// own documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TellError {
    /// The actor is not running.
    #[error("{0} is not running")]
    Unavailable(&'static str),
    /// The actor has as much work as it may hold.
    #[error("{0} has all the work it may hold")]
    Overloaded(&'static str),
}
