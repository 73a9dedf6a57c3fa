//! How an incarnation of a child comes about, without its types: what the supervisor holds of many different actors.

use std::{error::Error, sync::Arc};

use alys_bus::{Address, Feed, Inbox, Protocol, Stats};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use ractor::{Actor, ActorCell, ActorRef, SpawnErr, concurrency::JoinHandle};
use tokio::sync::oneshot;

use crate::{
    core::End,
    warden::{self, Watch},
};

/// Any error, as the reason why an actor did not start.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Why a start failed that was given up.
const CANCELLED: &str = "its start was cancelled";

/// A start that has succeeded.
pub(crate) struct Incarnation {
    /// The actor.
    pub(crate) cell: ActorCell,
    /// Leads the address to it.
    pub(crate) bind: Box<dyn FnOnce() + Send>,
    /// How it ended, once it has.
    pub(crate) ended: BoxFuture<'static, End>,
    /// Ends when the actor has, and its state has been dropped.
    pub(crate) handle: JoinHandle<()>,
}

/// What can be done with a child whatever its types are.
pub(crate) trait Launch: Send {
    /// Starts an incarnation, under the supervision of `supervisor`; done when its `post_start` is. When the other end of `cancelled` is
    /// dropped the start is given up: it has failed, and nothing of it is left, when the future ends.
    fn start(
        &self,
        supervisor: ActorCell,
        cancelled: oneshot::Receiver<()>,
    ) -> BoxFuture<'static, Result<Incarnation, String>>;
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
    fn start(
        &self,
        supervisor: ActorCell,
        mut cancelled: oneshot::Receiver<()>,
    ) -> BoxFuture<'static, Result<Incarnation, String>> {
        let address = self.address.clone();
        let factory = Arc::clone(&self.factory);
        Box::pin(async move {
            let feed = address.feed();
            let seat = feed.seat();
            let (actor, handle, watch) = tokio::select! {
                biased;
                spawned = spawn(&factory, feed, supervisor) => spawned?,
                _ = &mut cancelled => return Err(CANCELLED.to_owned()),
            };
            let Watch { up, ended } = watch;
            let cell = actor.get_cell();
            let ended = Box::pin(async { ended.await.unwrap_or_else(|_| unobserved()) });
            let is_up = tokio::select! {
                biased;
                up = up => up.is_ok(),
                _ = cancelled => {
                    cell.kill();
                    false
                }
            };
            if is_up {
                let bind = Box::new(move || address.bind(seat, actor));
                return Ok(Incarnation { cell, bind, ended, handle });
            }
            let End { reason, .. } = ended.await;
            // However its task ended, it has, and what the actor held is dropped.
            let _ = handle.await;
            Err(reason)
        })
    }

    fn unbind(&self) {
        self.address.unbind();
    }

    fn stats(&self) -> Stats {
        self.address.stats()
    }
}

/// Makes actor and arguments, and spawns them under a warden of their own. Dropping the future undoes it.
async fn spawn<M, P, A>(
    factory: &Mutex<Factory<M, A>>,
    feed: Feed<M>,
    supervisor: ActorCell,
) -> Result<(ActorRef<A::Msg>, JoinHandle<()>, Watch), String>
where
    M: Protocol,
    P: Send + 'static,
    A: Actor<Msg = Inbox<M, P>>,
{
    let (warden, watch) = warden::appoint(supervisor).await?;
    let Some(parent) = warden.cell() else {
        return Err(CANCELLED.to_owned());
    };
    let setup = (factory.lock())(feed);
    let (actor, arguments) = setup.await.map_err(|error| in_full(&*error))?;
    let spawned = A::spawn_linked(None, actor, arguments, parent).await;
    let (actor, handle) = spawned.map_err(|error| match error {
        SpawnErr::StartupFailed(reason) => in_full(&*reason),
        other => other.to_string(),
    })?;
    warden.has_linked();
    Ok((actor, handle, watch))
}

/// The end of an actor whose warden was killed before it: only the supervisor's own end does that.
fn unobserved() -> End {
    End { reason: "its end was not observed".to_owned(), in_order: false }
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
