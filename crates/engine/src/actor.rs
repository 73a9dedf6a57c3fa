//! The engine actor: a mailbox in front of an execution client.

use std::fmt;
use std::time::Duration;

use alys_bus::{Address, Feed, Inbox, Owner, Timer, Work, spawn_actor};
use ractor::concurrency::JoinHandle;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr};

use crate::client::ExecutionClient;
use crate::messages::{EngineMessage, EnginePrivate};

/// How often figures are published. Dashboards scrape every few seconds.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);

/// Answers [`EngineMessage`] by the client `C`.
pub struct EngineActor<C>(std::marker::PhantomData<fn() -> C>);

/// What the actor is started with.
pub struct EngineArgs<C> {
    /// Its end of the bus.
    pub feed: Feed<EngineMessage>,
    /// The client; the child specification keeps another handle to it.
    pub client: C,
}

/// What the actor holds between messages.
pub struct EngineState<C> {
    feed: Feed<EngineMessage>,
    client: C,
    /// Stops when it is dropped.
    _publish: Timer,
}

/// Starts one incarnation and binds `address` to it.
///
/// # Errors
/// [`SpawnErr`] where the client cannot be attached to, with the client's reason.
pub async fn spawn<C: ExecutionClient>(
    address: &Address<EngineMessage>,
    parent: Option<ActorCell>,
    client: C,
) -> Result<(ActorRef<Inbox<EngineMessage, EnginePrivate>>, JoinHandle<()>), SpawnErr> {
    spawn_actor(address, parent, EngineActor::default(), |feed| EngineArgs { feed, client }).await
}

impl<C: ExecutionClient> Actor for EngineActor<C> {
    type Msg = Inbox<EngineMessage, EnginePrivate>;
    type State = EngineState<C>;
    type Arguments = EngineArgs<C>;

    async fn pre_start(
        &self,
        me: ActorRef<Self::Msg>,
        EngineArgs { feed, client }: EngineArgs<C>,
    ) -> Result<EngineState<C>, ActorProcessingErr> {
        client.attach(Owner::actor(&me)).await?;
        let publish = Timer::every(&me, "publish", PUBLISH_EVERY, EnginePrivate::Publish);
        Ok(EngineState { feed, client, _publish: publish })
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut EngineState<C>,
    ) -> Result<(), ActorProcessingErr> {
        let mut message = Some(message);
        while let Some(work) = state.feed.next(&mut message).await {
            match work {
                Work::Public(message, ctx) => state.client.handle(ctx, message),
                Work::Private(EnginePrivate::Publish(_tick)) => state.client.publish(),
            }
        }
        Ok(())
    }
}

impl<C> Default for EngineActor<C> {
    fn default() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<C> fmt::Debug for EngineActor<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EngineActor")
    }
}

impl<C> fmt::Debug for EngineArgs<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EngineArgs")
    }
}

impl<C> fmt::Debug for EngineState<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EngineState")
    }
}
