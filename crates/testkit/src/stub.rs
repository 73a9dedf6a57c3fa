//! A stand-in that answers by itself.

use alys_bus::{Address, Context, Inbox, Limits, Protocol, Serving, spawn_actor};
use ractor::ActorRef;

/// An actor that speaks `M` and does to each message what one closure says: for neighbours that a test
/// does not look at. Ends when dropped.
pub struct Stub<M> {
    address: Address<M>,
    actor: ActorRef<Inbox<M, ()>>,
}

impl<M: Protocol> Stub<M> {
    /// Starts one that calls `answer` with each message.
    pub async fn start(mut answer: impl FnMut(M, Context) + Send + 'static) -> Self {
        let address = Address::new(Limits::default());
        let answer = move |message, ctx| {
            answer(message, ctx);
            Ok(())
        };
        let started = spawn_actor(&address, None, Serving::new(), |feed| (feed, answer)).await;
        let (actor, _) = started.expect("a stub starts");
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
