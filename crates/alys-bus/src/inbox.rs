//! What a ractor actor of ours receives, and what its feed makes of it.

use ractor::ActorRef;
use tokio::time::Instant;
use tracing::Span;

use crate::{Context, Protocol, gate::Permit};

/// A public message on its way, with its context.
pub struct Envelope<M> {
    pub(crate) message: M,
    pub(crate) ctx: Context,
    pub(crate) sent: Instant,
    /// The credit of a message that asks for no answer; a request's is in its reply.
    pub(crate) permit: Option<Permit>,
    /// The sender's span, in the control lane only: ractor carries the spans of what goes through its
    /// own mailbox. Boxed, for every message is moved about with its envelope.
    pub(crate) span: Option<Box<Span>>,
}

/// The ractor message type of an actor with the public protocol `M` and private messages `P`.
///
/// Public messages come through an [`Address`](crate::Address) and its limits; private ones the actor
/// sends to itself: outcomes of [`pipe`](crate::pipe), ticks of a [`Timer`](crate::Timer), results of
/// its [`Worker`](crate::Worker).
pub enum Inbox<M, P> {
    /// From an address.
    Public(Envelope<M>),
    /// From the actor itself.
    Private(P),
    /// From the bus.
    Signal(Signal),
}

/// A word from the bus to an actor's feed.
pub struct Signal(pub(crate) SignalKind);

pub(crate) enum SignalKind {
    /// Something waits in the control lane.
    Wake,
    /// Something the actor owns has panicked, and so has the actor.
    OwnedPanic(String),
}

/// One piece of work for an actor, as its feed hands it out.
pub enum Work<M, P> {
    /// A public message, and the context it must be done in.
    Public(M, Context),
    /// A private message.
    Private(P),
}

/// Where the public messages of one incarnation go. ractor's references are ports; a test may bring its
/// own.
pub(crate) trait Port<M>: Send + Sync {
    /// False: the incarnation has ended, and the envelope was dropped.
    fn post(&self, envelope: Envelope<M>) -> bool;
    /// Tells the incarnation that something waits in its control lane.
    fn wake(&self) -> bool;
}

impl<M: Protocol, P: Send + 'static> Port<M> for ActorRef<Inbox<M, P>> {
    fn post(&self, envelope: Envelope<M>) -> bool {
        self.send_message(Inbox::Public(envelope)).is_ok()
    }

    fn wake(&self) -> bool {
        self.send_message(Inbox::Signal(Signal(SignalKind::Wake))).is_ok()
    }
}
