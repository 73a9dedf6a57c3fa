//! An actor in one closure, for those that keep nothing of ractor's beside their messages.

use std::marker::PhantomData;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::{Context, Feed, Inbox, Protocol, Work};

/// Does with each message what a closure says, one after the other, whichever lane it came by.
///
/// The arguments are the feed and the closure. An error ends this incarnation, as it does in any actor; what the
/// closure holds is dropped with it. It must not take long (a millisecond): it holds up the control lane too. Longer
/// work goes to a [`Worker`](crate::Worker), with the reply.
///
/// ```
/// use std::{convert::Infallible, time::Duration};
///
/// use alys_bus::{Address, Context, Limits, Reply, Serving, protocol_kinds, spawn_actor};
///
/// enum Counter {
///     /// Answers the count after adding `by`.
///     Add { by: u64, reply: Reply<u64, Infallible> },
/// }
/// protocol_kinds!(Counter, "counter", [Add]);
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut count = 0;
/// let counter = move |Counter::Add { by, reply }, _ctx: Context| {
///     count += by;
///     reply.send(Ok(count));
///     Ok(())
/// };
/// let address = Address::<Counter>::new(Limits::default());
/// let (actor, _) = spawn_actor(&address, None, Serving::new(), |feed| (feed, counter)).await?;
///
/// let ctx = Context::root(Duration::from_secs(1));
/// assert_eq!(address.ask(ctx, |reply| Counter::Add { by: 2, reply }).await?, 2);
/// # actor.stop(None);
/// # Ok(())
/// # }
/// ```
pub struct Serving<M, F>(PhantomData<fn(M, F)>);

impl<M, F> Serving<M, F> {
    /// The actor; what it does comes with its arguments.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<M, F> Default for Serving<M, F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M, F> std::fmt::Debug for Serving<M, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Serving")
    }
}

impl<M, F> Actor for Serving<M, F>
where
    M: Protocol,
    F: FnMut(M, Context) -> Result<(), ActorProcessingErr> + Send + 'static,
{
    type Msg = Inbox<M, ()>;
    type State = (Feed<M>, F);
    type Arguments = (Feed<M>, F);

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
        (feed, serve): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let mut message = Some(message);
        while let Some(work) = feed.next(&mut message).await {
            if let Work::Public(message, ctx) = work {
                serve(message, ctx)?;
            }
        }
        Ok(())
    }
}
