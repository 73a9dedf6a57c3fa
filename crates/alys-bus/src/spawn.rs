//! Starting an actor and binding its address, in the order that is right.

use ractor::{Actor, ActorCell, ActorRef, SpawnErr, concurrency::JoinHandle};

use crate::{Address, Feed, Inbox, Protocol};

/// Starts one incarnation of `actor` and, once its `pre_start` has ended well, binds `address` to it.
///
/// It gets no name in ractor's registry, which is one for the whole process. With a `parent` it is
/// linked to it, which is then told of its end. The handle ends with the actor.
pub async fn spawn_actor<A, M, P>(
    address: &Address<M>,
    parent: Option<ActorCell>,
    actor: A,
    arguments: impl FnOnce(Feed<M>) -> A::Arguments,
) -> Result<(ActorRef<Inbox<M, P>>, JoinHandle<()>), SpawnErr>
where
    A: Actor<Msg = Inbox<M, P>>,
    M: Protocol,
    P: Send + 'static,
{
    let feed = address.feed();
    let seat = feed.seat();
    let arguments = arguments(feed);
    let (actor, handle) = match parent {
        Some(parent) => A::spawn_linked(None, actor, arguments, parent).await?,
        None => A::spawn(None, actor, arguments).await?,
    };
    address.bind(seat, actor.clone());
    Ok((actor, handle))
}
