//! A stand-in that answers by itself.

use std::marker::PhantomData;

use alys_bus::{Address, Context, Feed, Inbox, Limits, Protocol, Work, spawn_actor};
use ractor::{Actor, ActorProcessingErr, ActorRef};

type Answers<M> = Box<dyn FnMut(M, Context) + Send>;

/// An actor that speaks `M` and does to each message what one closure says: for neighbours that a test
/// does not look at. Ends when dropped.
pub struct Stub<M> {
    address: Address<M>,
    actor: ActorRef<Inbox<M, ()>>,
}

impl<M: Protocol> Stub<M> {
    /// Starts one that calls `answer` with each message.
    pub async fn start(answer: impl FnMut(M, Context) + Send + 'static) -> Self {
        let address = Address::new(Limits::default());
        let answer: Answers<M> = Box::new(answer);
        let started = spawn_actor(&address, None, StubActor(PhantomData), |feed| (feed, answer));
        let (actor, _) = started.await.expect("a stub starts");
        Self { address, actor }
    }

    /// The address for the actor under test.
    pub fn address(&self) -> Address<M> {
        self.address.clone()
    }
}

impl<M> Drop for Stub<M> {
    fn drop(&mut self) {
        self.actor.kill();
    }
}

struct StubActor<M>(PhantomData<fn(M)>);

impl<M: Protocol> Actor for StubActor<M> {
    type Msg = Inbox<M, ()>;
    type State = (Feed<M>, Answers<M>);
    type Arguments = (Feed<M>, Answers<M>);

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        state: Self::State,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(state)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        (feed, answer): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let mut message = Some(message);
        while let Some(work) = feed.next(&mut message).await {
            if let Work::Public(message, ctx) = work {
                answer(message, ctx);
            }
        }
        Ok(())
    }
}
