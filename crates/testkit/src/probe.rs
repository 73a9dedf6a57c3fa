//! A stand-in for a neighbour, whose test decides each answer.

use std::time::Duration;

use alys_bus::{Address, Context, Feed, Inbox, Lane, Limits, Protocol, Work, spawn_actor};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::{sync::mpsc, time::timeout};

use crate::{PATIENCE, within};

/// An actor that speaks `M` and leaves every message to the test.
///
/// It is a real actor behind a real [`Address`]: limits, lanes, deadlines and death are those of the
/// bus. Messages come in the order in which an actor would have handled them; a request stays in flight
/// until the test answers or drops its reply.
///
/// ```
/// use alys_bus::{Context, Reply, protocol_kinds};
/// use alys_testkit::{PATIENCE, Probe};
///
/// enum Ledger {
///     Balance { account: u64, reply: Reply<u64, String> },
/// }
/// protocol_kinds!(Ledger, "ledger", [Balance]);
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut ledger = Probe::<Ledger>::start().await;
/// let address = ledger.address(); // for the actor under test, which would now ask:
/// let ask = address.ask(Context::root(PATIENCE), |reply| Ledger::Balance { account: 7, reply });
/// let test = async {
///     let reply = ledger
///         .expect("Balance of 7", |message| match message {
///             Ledger::Balance { account: 7, reply } => Some(reply),
///             _ => None,
///         })
///         .await;
///     reply.send(Ok(100));
/// };
/// assert_eq!(tokio::join!(ask, test).0, Ok(100));
/// # }
/// ```
pub struct Probe<M> {
    address: Address<M>,
    received: mpsc::Receiver<(M, Context)>,
    sender: mpsc::Sender<(M, Context)>,
    actor: ActorRef<Inbox<M, ()>>,
}

impl<M: Protocol> Probe<M> {
    /// A probe with the default limits.
    pub async fn start() -> Self {
        Self::with_limits(Limits::default()).await
    }

    /// A probe with these limits, e.g. to show what its asker does when it is overloaded.
    pub async fn with_limits(limits: Limits) -> Self {
        // Tells give their credit back as soon as they are here, so credits alone do not bound this queue.
        let (sender, received) = mpsc::channel(limits.normal + limits.control + 1024);
        let address = Address::new(limits);
        let actor = incarnate(&address, &sender).await;
        Self { address, received, sender, actor }
    }

    /// The address for the actor under test.
    pub fn address(&self) -> Address<M> {
        self.address.clone()
    }

    /// The next message, with the context it came in.
    ///
    /// # Panics
    /// When none comes within [`PATIENCE`].
    pub async fn next(&mut self) -> (M, Context) {
        match timeout(PATIENCE, self.received.recv()).await {
            Ok(Some(message)) => message,
            _ => panic!("{} was sent nothing within {PATIENCE:?}", M::ACTOR),
        }
    }

    /// The next message, which must be the one that `pick` takes; what `pick` made of it.
    ///
    /// # Panics
    /// When `pick` does not take it, saying what came instead of `what`; when none comes within
    /// [`PATIENCE`].
    pub async fn expect<T>(&mut self, what: &str, pick: impl FnOnce(M) -> Option<T>) -> T {
        let Ok(Some((message, _))) = timeout(PATIENCE, self.received.recv()).await else {
            panic!("{} was sent nothing within {PATIENCE:?}; expected: {what}", M::ACTOR)
        };
        let kind = message.kind_name();
        pick(message).unwrap_or_else(|| panic!("{} was sent {kind}; expected: {what}", M::ACTOR))
    }

    /// The first of the coming messages that `pick` takes. Those before it are dropped: their askers
    /// get `NoReply`.
    ///
    /// # Panics
    /// When none that fits comes within [`PATIENCE`].
    pub async fn find<T>(&mut self, what: &str, mut pick: impl FnMut(M) -> Option<T>) -> T {
        let search = async {
            loop {
                let (message, _) = self.received.recv().await?;
                if let Some(found) = pick(message) {
                    return Some(found);
                }
            }
        };
        match timeout(PATIENCE, search).await {
            Ok(Some(found)) => found,
            _ => panic!("{} was not sent within {PATIENCE:?}: {what}", M::ACTOR),
        }
    }

    /// A message that is here already.
    pub fn try_next(&mut self) -> Option<(M, Context)> {
        self.received.try_recv().ok()
    }

    /// Shows that nothing is sent for `duration`; for paused time.
    ///
    /// # Panics
    /// When something is.
    pub async fn stays_silent(&mut self, duration: Duration) {
        if let Ok(Some((message, _))) = timeout(duration, self.received.recv()).await {
            panic!("{} was sent {}; expected nothing for {duration:?}", M::ACTOR, message.kind_name());
        }
    }

    /// How many messages of `lane` are in flight: queued here, or not yet answered.
    pub fn in_flight(&self, lane: Lane) -> usize {
        self.address.stats().lane(lane).in_flight
    }

    /// Dies, as by a panic: what is queued here is dropped, and asks are `Unavailable` from now on.
    pub async fn die(&mut self) {
        self.actor.kill();
        // Its end is all that counts; it may have ended before.
        let _ = within(self.actor.wait(None)).await;
        self.address.unbind();
        while self.try_next().is_some() {}
    }

    /// Comes back after [`die`](Probe::die), behind the same address.
    pub async fn restart(&mut self) {
        self.actor = incarnate(&self.address, &self.sender).await;
    }
}

impl<M> Drop for Probe<M> {
    fn drop(&mut self) {
        self.actor.kill();
    }
}

async fn incarnate<M: Protocol>(
    address: &Address<M>,
    sender: &mpsc::Sender<(M, Context)>,
) -> ActorRef<Inbox<M, ()>> {
    let started = spawn_actor(address, None, ProbeActor(std::marker::PhantomData), |feed| ProbeState {
        feed,
        sender: sender.clone(),
    });
    started.await.expect("a probe starts").0
}

struct ProbeActor<M>(std::marker::PhantomData<fn(M)>);

struct ProbeState<M> {
    feed: Feed<M>,
    sender: mpsc::Sender<(M, Context)>,
}

impl<M: Protocol> Actor for ProbeActor<M> {
    type Msg = Inbox<M, ()>;
    type State = ProbeState<M>;
    type Arguments = ProbeState<M>;

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        state: ProbeState<M>,
    ) -> Result<ProbeState<M>, ActorProcessingErr> {
        Ok(state)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut ProbeState<M>,
    ) -> Result<(), ActorProcessingErr> {
        let mut message = Some(message);
        while let Some(work) = state.feed.next(&mut message).await {
            if let Work::Public(message, ctx) = work
                && state.sender.try_send((message, ctx)).is_err()
            {
                return Err(format!("the test does not read what {} is sent", M::ACTOR).into());
            }
        }
        Ok(())
    }
}
