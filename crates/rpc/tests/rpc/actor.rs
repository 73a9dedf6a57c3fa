//! A stand-in for an actor: each message goes to a function, and is written down.

use std::{marker::PhantomData, pin::Pin, sync::Arc};

use alys_bus::{Address, Feed, Inbox, Limits, Protocol, Work, spawn_actor};
use parking_lot::Mutex;
use ractor::{Actor, ActorProcessingErr, ActorRef, Message, concurrency::JoinHandle};

/// What was asked, as text, oldest first.
pub(crate) type Asked = Arc<Mutex<Vec<String>>>;

/// Answers messages of `M`.
pub(crate) trait Answers<M>: FnMut(M) + Send + 'static {}
impl<M, F: FnMut(M) + Send + 'static> Answers<M> for F {}

struct StandIn<M>(PhantomData<fn(M)>);

pub(crate) struct State<M> {
    feed: Feed<M>,
    answer: Box<dyn FnMut(M) + Send>,
    asked: Asked,
}

impl<M: Protocol + std::fmt::Debug> Actor for StandIn<M> {
    type Msg = Inbox<M, ()>;
    type State = State<M>;
    type Arguments = State<M>;

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        state: State<M>,
    ) -> Result<State<M>, ActorProcessingErr> {
        Ok(state)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut State<M>,
    ) -> Result<(), ActorProcessingErr> {
        let mut message = Some(message);
        while let Some(work) = state.feed.next(&mut message).await {
            if let Work::Public(message, _) = work {
                state.asked.lock().push(format!("{message:?}"));
                (state.answer)(message);
            }
        }
        Ok(())
    }
}

/// Starts a stand-in that answers by `answer`.
pub(crate) async fn stand_in<M: Protocol + std::fmt::Debug>(
    limits: Limits,
    answer: impl Answers<M>,
) -> (Address<M>, Asked) {
    let address = Address::new(limits);
    let (asked, _) = incarnation(&address, answer).await;
    (address, asked)
}

/// Starts a stand-in and leads `address` to it, as a supervisor does.
pub(crate) async fn incarnation<M: Protocol + std::fmt::Debug>(
    address: &Address<M>,
    answer: impl Answers<M>,
) -> (Asked, Box<dyn Stop>) {
    let asked = Asked::default();
    let state = |feed| State { feed, answer: Box::new(answer), asked: Arc::clone(&asked) };
    let (actor, ended) = spawn_actor(address, None, StandIn(PhantomData), state).await.unwrap();
    (asked, stoppable(actor, ended))
}

/// Ends an actor.
pub(crate) trait Stop: Send {
    /// Asks it to stop, and waits for its end.
    fn stop(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Ends it as a panic does, without a chance to tidy up, and waits for its end.
    fn kill(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

struct Running<M: Send + 'static>(ActorRef<M>, JoinHandle<()>);

impl<M: Message> Stop for Running<M> {
    fn stop(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            self.0.stop(None);
            let _ = self.1.await;
        })
    }

    fn kill(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            self.0.kill();
            let _ = self.1.await;
        })
    }
}

/// A running actor as something that can be stopped.
pub(crate) fn stoppable<M: Message>(actor: ActorRef<M>, ended: JoinHandle<()>) -> Box<dyn Stop> {
    Box::new(Running(actor, ended))
}
