//! How an incarnation of a child comes about, without its types: what the supervisor holds of many different actors.

use std::{error::Error, sync::Arc};

use alys_bus::{Address, Feed, Inbox, Protocol, Stats};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use ractor::{Actor, ActorCell, SpawnErr, concurrency::JoinHandle};

/// Any error, as the reason why an actor did not start.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// A start that has succeeded.
pub(crate) struct Incarnation {
    /// The actor.
    pub(crate) cell: ActorCell,
    /// Leads the address to it.
    pub(crate) bind: Box<dyn FnOnce() + Send>,
    /// Ends when the actor has, and its state has been dropped.
    pub(crate) handle: JoinHandle<()>,
}

/// What can be done with a child whatever its types are.
pub(crate) trait Launch: Send {
    /// Starts an incarnation, linked to `parent`. Dropping the future gives the start up.
    fn start(&self, parent: ActorCell) -> BoxFuture<'static, Result<Incarnation, String>>;
    /// Leads the address nowhere.
    fn unbind(&self);
    /// How the actor fares, as the bus sees it.
    fn stats(&self) -> Stats;
}

/// Makes actor and arguments for each incarnation.
type Factory<M, A> =
    dyn FnMut(Feed<M>) -> BoxFuture<'static, Result<(A, <A as Actor>::Arguments), BoxError>> + Send;

/// The one implementation: an address, and a factory of what is to be spawned behind it.
pub(crate) struct Launcher<M, A: Actor> {
    pub(crate) address: Address<M>,
    /// Called in the task of the start, so that neither its work nor its panic is the supervisor's.
    pub(crate) factory: Arc<Mutex<Factory<M, A>>>,
}

impl<M, P, A> Launch for Launcher<M, A>
where
    M: Protocol,
    P: Send + 'static,
    A: Actor<Msg = Inbox<M, P>>,
{
    fn start(&self, parent: ActorCell) -> BoxFuture<'static, Result<Incarnation, String>> {
        let address = self.address.clone();
        let factory = Arc::clone(&self.factory);
        Box::pin(async move {
            let feed = address.feed();
            let seat = feed.seat();
            let setup = (factory.lock())(feed);
            let (actor, arguments) = setup.await.map_err(|error| in_full(&*error))?;
            let spawned = A::spawn_linked(None, actor, arguments, parent).await;
            let (actor, handle) = spawned.map_err(|error| match error {
                SpawnErr::StartupFailed(reason) => in_full(&*reason),
                other => other.to_string(),
            })?;
            Ok(Incarnation {
                cell: actor.get_cell(),
                bind: Box::new(move || address.bind(seat, actor)),
                handle,
            })
        })
    }

    fn unbind(&self) {
        self.address.unbind();
    }

    fn stats(&self) -> Stats {
        self.address.stats()
    }
}

/// An error with all its causes, in one line.
pub(crate) fn in_full(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        // Some errors repeat their cause in their own text.
        if !text.contains(&part) {
            text = format!("{text}: {part}");
        }
        cause = error.source();
    }
    text
}
