//! Ticks for actors. A timer is armed again when its tick has been handled, so ticks never pile up
//! behind a slow handler.

use std::time::Duration;

use ractor::ActorRef;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until},
};

use crate::{Inbox, Owner, Protocol, Task, clock, spawn_task};

/// A tick in the hands of its actor. The timer is armed again when this is dropped: at the end of the
/// handler, unless it is moved on.
#[derive(Debug)]
pub struct Tick {
    /// When it was due.
    pub due: Instant,
    _handled: oneshot::Sender<()>,
}

/// Sends its actor private messages. Dropping it stops it; kept in the actor's state, it ends with the
/// actor.
#[derive(Debug)]
#[must_use = "dropping a timer stops it: keep it in the actor's state"]
pub struct Timer {
    _task: Task,
}

impl Timer {
    /// A tick `period` from now, and again `period` after each tick was handled.
    pub fn every<M, P>(
        me: &ActorRef<Inbox<M, P>>,
        name: &'static str,
        period: Duration,
        message: impl Fn(Tick) -> P + Send + 'static,
    ) -> Self
    where
        M: Protocol,
        P: Send + 'static,
    {
        let actor = me.clone();
        let ticks = async move {
            loop {
                let due = clock::instant() + period;
                sleep_until(due).await;
                let (handled, until_handled) = oneshot::channel();
                if actor.send_message(Inbox::Private(message(Tick { due, _handled: handled }))).is_err() {
                    return;
                }
                // Ends when the tick is dropped, wherever that happens; nothing is ever sent.
                let _ = until_handled.await;
            }
        };
        Self { _task: spawn_task(Owner::actor(me), name, ticks) }
    }

    /// One message at `due`.
    pub fn once<M, P>(me: &ActorRef<Inbox<M, P>>, name: &'static str, due: Instant, message: P) -> Self
    where
        M: Protocol,
        P: Send + 'static,
    {
        let actor = me.clone();
        let tick = async move {
            sleep_until(due).await;
            // An actor that has ended needs no tick.
            let _ = actor.send_message(Inbox::Private(message));
        };
        Self { _task: spawn_task(Owner::actor(me), name, tick) }
    }
}
