//! An actor that has yielded belongs to no thread: whichever is free goes on with it.

use std::{
    convert::Infallible,
    sync::mpsc::{Receiver, sync_channel},
    time::Duration,
};

use alys_bus::{Address, Clock, Feed, Inbox, Limits, Reply, Work, protocol_kinds, spawn_actor};
use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::support::{ctx, within};

/// More than an actor may work before it yields.
const LONG: Duration = Duration::from_micros(300);

enum Digger {
    /// Works for long, and leaves behind what blocks the thread it ran on until the other end is dropped.
    Dig { until: Receiver<()>, reply: Reply<(), Infallible> },
    /// Answers.
    Ping { reply: Reply<(), Infallible> },
}
protocol_kinds!(Digger, "digger", [Dig, Ping]);

struct DiggerActor;

impl Actor for DiggerActor {
    type Msg = Inbox<Digger, ()>;
    type State = Feed<Digger>;
    type Arguments = Feed<Digger>;

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        feed: Feed<Digger>,
    ) -> Result<Feed<Digger>, ActorProcessingErr> {
        Ok(feed)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        feed: &mut Feed<Digger>,
    ) -> Result<(), ActorProcessingErr> {
        let mut message = Some(message);
        while let Some(work) = feed.next(&mut message).await {
            match work {
                Work::Public(Digger::Dig { until, reply }, _) => {
                    // tokio runs what was spawned last as soon as this task lets go, and on this thread.
                    tokio::spawn(async move { until.recv().is_ok() });
                    let clock = Clock::system();
                    let begun = clock.now();
                    while clock.now() - begun < LONG {
                        std::hint::spin_loop();
                    }
                    reply.send(Ok(()));
                }
                Work::Public(Digger::Ping { reply }, _) => reply.send(Ok(())),
                Work::Private(()) => {}
            }
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actor_that_yields_goes_on_though_the_thread_it_ran_on_is_blocked_next() {
    let address = Address::<Digger>::new(Limits::default());
    let (actor, _) = spawn_actor(&address, None, DiggerActor, |feed| feed).await.unwrap();
    for _ in 0..20 {
        let (release, until) = sync_channel::<()>(0);
        address.ask(ctx(), |reply| Digger::Dig { until, reply }).await.unwrap();
        within(address.ask(ctx(), |reply| Digger::Ping { reply })).await.unwrap();
        drop(release);
    }
    actor.stop(None);
}
