//! The handle by which an actor is reached, through all its restarts.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwapOption;
use ractor::ActorRef;
use tokio::time::Instant;
use tracing::{Span, debug_span};

use crate::{
    AskError, Context, Feed, Inbox, Lane, Limits, Observer, Protocol, Reply, Seat, Stats, TellError, clock,
    gate::{Gate, Permit},
    give_way::give_way,
    inbox::{Envelope, Port},
    mailbox::{Mailbox, Pushed},
    progress::Progress,
};

/// A cloneable handle to the actor that speaks `M`. It stays valid when the actor is restarted, because
/// the supervisor binds it again.
///
/// An address belongs to one lane; [`control`](Address::control) gives the handle of the other. Who
/// holds which is the wiring's choice.
pub struct Address<M> {
    shared: Arc<Shared<M>>,
    lane: Lane,
}

struct Shared<M> {
    gate: Arc<Gate>,
    binding: ArcSwapOption<Binding<M>>,
}

/// The incarnation that an address leads to now.
struct Binding<M> {
    port: Box<dyn Port<M>>,
    mailbox: Arc<Mailbox<M>>,
}

impl<M: Protocol> Address<M> {
    /// An address that leads nowhere yet.
    pub fn new(limits: Limits) -> Self {
        let gate = Arc::new(Gate::new(M::ACTOR, M::KINDS, limits));
        Self { shared: Arc::new(Shared { gate, binding: ArcSwapOption::empty() }), lane: Lane::Normal }
    }

    /// The handle whose messages overtake normal work: for consensus and supervision.
    #[must_use]
    pub fn control(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), lane: Lane::Control }
    }

    /// The handle that can only tell, in the same lane: for whoever may not ask this actor.
    pub fn tell_only(&self) -> Teller<M> {
        Teller { address: self.clone() }
    }

    /// The actor's name.
    pub fn name(&self) -> &'static str {
        M::ACTOR
    }

    /// The lane of this handle.
    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// The actor's end of the bus for a new incarnation: moved into its arguments, kept in its state.
    pub fn feed(&self) -> Feed<M> {
        let mailbox = Mailbox::new(Progress::new(self.shared.gate.epoch));
        Feed::new(Arc::clone(&self.shared.gate), Arc::new(mailbox))
    }

    /// Leads all handles to the incarnation that took the feed of `seat`. For whoever starts the actor,
    /// once it has started.
    pub fn bind<P: Send + 'static>(&self, seat: Seat<M>, actor: ActorRef<Inbox<M, P>>) {
        let Seat { mailbox } = seat;
        self.shared.gate.progress.store(Arc::clone(&mailbox.progress));
        let before = self.shared.binding.swap(Some(Arc::new(Binding { port: Box::new(actor), mailbox })));
        close(before);
    }

    /// Leads all handles nowhere: asks are `Unavailable` from now on, and what waits in the control
    /// lane is dropped.
    pub fn unbind(&self) {
        close(self.shared.binding.swap(None));
        let gate = &self.shared.gate;
        gate.progress.store(Arc::new(Progress::new(gate.epoch)));
    }

    /// Whether the address leads to an incarnation. It may have died since.
    pub fn is_bound(&self) -> bool {
        self.shared.binding.load().is_some()
    }

    /// How the actor fares now; for health checks and metrics.
    pub fn stats(&self) -> Stats {
        self.observer().stats()
    }

    /// A view of the actor's state of health that does not know its message type.
    pub fn observer(&self) -> Observer {
        Observer::new(Arc::clone(&self.shared.gate))
    }

    /// Sends a message that asks for no answer. Never waits.
    ///
    /// Being synchronous it cannot yield either: a loop around it must do that.
    pub fn try_tell(&self, ctx: Context, message: M) -> Result<(), TellError> {
        let gate = &self.shared.gate;
        if !gate.credits(self.lane).try_take() {
            gate.count_refused();
            return Err(TellError::Overloaded(M::ACTOR));
        }
        let permit = Permit::taken(Arc::clone(gate), self.lane);
        let hop = hop(&message, ctx);
        let envelope = self.envelope(ctx, message, clock::instant(), Some(permit));
        if hop.in_scope(|| self.post(envelope)) { Ok(()) } else { Err(TellError::Unavailable(M::ACTOR)) }
    }

    /// Sends the message that `make` builds around a reply, and waits for the answer until the deadline
    /// of `ctx`.
    ///
    /// Waits in line for a credit first, if there is place in the line. Refusals yield once, so that a
    /// loop around them cannot hang the runtime. Dropping the future abandons the request; a later
    /// answer is counted and dropped.
    pub async fn ask<T, E>(
        &self,
        ctx: Context,
        make: impl FnOnce(Reply<T, E>) -> M,
    ) -> Result<T, AskError<E>> {
        let gate = &self.shared.gate;
        let sent = clock::instant();
        if sent >= ctx.deadline {
            give_way().await;
            return Err(AskError::Timeout(M::ACTOR));
        }
        let credits = gate.credits(self.lane);
        if !credits.try_take() && !credits.take(ctx.deadline).await {
            gate.count_refused();
            give_way().await;
            return Err(AskError::Overloaded(M::ACTOR));
        }
        let (reply, answer) = Reply::new(Permit::taken(Arc::clone(gate), self.lane));
        let message = make(reply);
        let kind = message.kind();
        let hop = hop(&message, ctx);
        let envelope = self.envelope(ctx, message, sent, None);
        if !hop.in_scope(|| self.post(envelope)) {
            give_way().await;
            return Err(AskError::Unavailable(M::ACTOR));
        }
        let outcome = answer.wait(ctx.deadline).await;
        if let Some(meter) = gate.kinds.get(kind) {
            meter.latency.record(clock::instant().saturating_duration_since(sent));
        }
        outcome
    }

    fn envelope(&self, ctx: Context, message: M, sent: Instant, permit: Option<Permit>) -> Envelope<M> {
        let ctx = Context { lane: self.lane, ..ctx };
        Envelope { message, ctx, sent, permit, span: None }
    }

    /// False: nobody is there, and the envelope was dropped.
    fn post(&self, mut envelope: Envelope<M>) -> bool {
        let binding = self.shared.binding.load();
        let Some(Binding { port, mailbox }) = binding.as_deref() else {
            return false;
        };
        mailbox.progress.posted(envelope.sent);
        match self.lane {
            Lane::Normal => port.post(envelope),
            Lane::Control => {
                let span = Span::current();
                envelope.span = (!span.is_disabled()).then(|| Box::new(span));
                match mailbox.push(envelope) {
                    Pushed::Wake => port.wake(),
                    Pushed::Woken => true,
                    Pushed::Closed => false,
                }
            }
        }
    }
}

/// The debug span of one hop. ractor carries it over with the message, or its parent where hops are
/// filtered out.
fn hop<M: Protocol>(message: &M, ctx: Context) -> Span {
    debug_span!("hop", actor = M::ACTOR, message = message.kind_name(), id = ctx.id)
}

fn close<M>(binding: Option<Arc<Binding<M>>>) {
    if let Some(binding) = binding {
        binding.mailbox.close();
    }
}

impl<M> Clone for Address<M> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), lane: self.lane }
    }
}

impl<M> fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address")
            .field("actor", &self.shared.gate.actor)
            .field("lane", &self.lane)
            .finish_non_exhaustive()
    }
}

/// A handle that can tell and never ask, and so never waits: what an actor holds toward those that may
/// ask it.
pub struct Teller<M> {
    address: Address<M>,
}

impl<M: Protocol> Teller<M> {
    /// Sends a message that asks for no answer. What a refusal means is said by the message's
    /// documentation.
    pub fn try_tell(&self, ctx: Context, message: M) -> Result<(), TellError> {
        self.address.try_tell(ctx, message)
    }

    /// The handle of the control lane.
    #[must_use]
    pub fn control(&self) -> Self {
        Self { address: self.address.control() }
    }

    /// The actor's name.
    pub fn name(&self) -> &'static str {
        M::ACTOR
    }
}

impl<M> Clone for Teller<M> {
    fn clone(&self) -> Self {
        Self { address: self.address.clone() }
    }
}

impl<M> fmt::Debug for Teller<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Teller").field(&self.address).finish()
    }
}
