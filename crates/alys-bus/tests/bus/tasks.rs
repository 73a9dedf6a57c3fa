//! What an actor starts belongs to it.

use std::time::Duration;

use alys_bus::{
    Address, AskError, Context, Feed, Inbox, Limits, Owner, Panicked, Reply, Work, pipe, pipe_any,
    protocol_kinds, spawn_actor, spawn_task,
};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;

use super::support::{Refused, Restarter, Victim, ctx, echo, victim, within};

#[tokio::test]
async fn a_panic_in_a_task_is_its_owners_failure() {
    let address = Address::<Victim>::new(Limits::default());
    let (mut incarnations, args, _) = Restarter::start(&address).await;
    within(incarnations.recv()).await.unwrap();
    address.try_tell(ctx(), Victim::PanicInTask { text: "lost my way" }).unwrap();
    within(incarnations.recv()).await.unwrap();
    assert_eq!(*args.ends.lock(), ["task doomed, owned by victim, panicked: lost my way"]);
    assert_eq!(echo(&address, 1).await, Ok(2));
}

#[tokio::test]
async fn a_task_ends_with_its_handle_unless_it_was_detached() {
    /// Says when it is dropped.
    struct Dropped(Option<oneshot::Sender<()>>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.0.take().map(|sender| sender.send(()));
        }
    }
    let (owner, mut panics) = Owner::watched("test");
    let (sender, dropped) = oneshot::channel();
    let held = Dropped(Some(sender));
    let task = spawn_task(owner.clone(), "waits", async move {
        let _held = held;
        std::future::pending::<()>().await;
    });
    assert!(!task.is_finished());
    drop(task);
    within(dropped).await.unwrap();

    let (go, going) = oneshot::channel::<()>();
    let (done, is_done) = oneshot::channel();
    spawn_task(owner, "detached", async move {
        let _ = going.await;
        let _ = done.send(());
    })
    .detach();
    go.send(()).unwrap();
    within(is_done).await.unwrap();
    assert_eq!(panics.try_next(), None);
}

#[tokio::test]
async fn who_is_no_actor_reads_the_panics_of_what_it_owns() {
    let (owner, mut panics) = Owner::watched("main");
    let task = spawn_task(owner, "doomed", async { panic!("at the disco") });
    assert_eq!(within(panics.next()).await.unwrap(), "task doomed, owned by main, panicked: at the disco");
    drop(task);
    assert_eq!(within(panics.next()).await, None);
}

/// An actor that asks the victim on behalf of others.
enum Relay {
    Ask { n: u64, reply: Reply<u64, String> },
    AskBadly { reply: Reply<u64, String> },
    PanicSomewhere { reply: Reply<u64, String> },
    Ping { reply: Reply<u64, String> },
}
protocol_kinds!(Relay, "relay", [Ask, AskBadly, PanicSomewhere, Ping]);

enum Back {
    Answer(Reply<u64, String>, Result<u64, AskError<Refused>>),
    Any(Reply<u64, String>, Result<u64, Panicked>),
}

struct RelayActor;

impl Actor for RelayActor {
    type Msg = Inbox<Relay, Back>;
    type State = (Feed<Relay>, Address<Victim>);
    type Arguments = (Feed<Relay>, Address<Victim>);

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        args: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(args)
    }

    async fn handle(
        &self,
        me: ActorRef<Self::Msg>,
        message: Self::Msg,
        (feed, victim): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let mut message = Some(message);
        while let Some(work) = feed.next(&mut message).await {
            match work {
                Work::Public(Relay::Ask { n, reply }, ctx) => {
                    let victim = victim.clone();
                    let ask = async move { victim.ask(ctx.child(), |reply| Victim::Echo { n, reply }).await };
                    pipe(&me, ask, |outcome| Back::Answer(reply, outcome));
                }
                Work::Public(Relay::AskBadly { reply }, _) => {
                    let ask = async { panic!("while asking") };
                    pipe(&me, ask, |outcome| Back::Answer(reply, outcome));
                }
                Work::Public(Relay::PanicSomewhere { reply }, _) => {
                    pipe_any(&me, async { panic!("elsewhere") }, |outcome| Back::Any(reply, outcome));
                }
                Work::Public(Relay::Ping { reply }, _) => reply.send(Ok(1)),
                Work::Private(Back::Answer(reply, outcome)) => reply.send(outcome.map_err(|e| e.to_string())),
                Work::Private(Back::Any(reply, outcome)) => reply.send(outcome.map_err(|e| e.to_string())),
            }
        }
        Ok(())
    }
}

async fn relay(victim: &Address<Victim>) -> Address<Relay> {
    let address = Address::new(Limits::default());
    spawn_actor(&address, None, RelayActor, |feed| (feed, victim.clone())).await.unwrap();
    address
}

#[tokio::test]
async fn the_outcome_of_a_piped_ask_comes_back_whatever_it_is() {
    let (victim, actor) = victim(Limits::default()).await;
    let relay = relay(&victim).await;
    let ask = |n| relay.ask(ctx(), move |reply| Relay::Ask { n, reply });
    assert_eq!(ask(1).await, Ok(2));
    assert_eq!(ask(13).await, Err(AskError::Actor("refused 13".to_owned())));
    super::support::stop(&actor).await;
    let gone = ask(1).await.unwrap_err().into_actor().unwrap();
    assert!(gone.starts_with("victim is not running"), "{gone}");
    let own = relay.ask(ctx(), |reply| Relay::AskBadly { reply }).await.unwrap_err().into_actor().unwrap();
    assert!(own.starts_with("relay dropped the request"), "{own}");
    let any = relay.ask(ctx(), |reply| Relay::PanicSomewhere { reply }).await;
    assert_eq!(any, Err(AskError::Actor("a piped future panicked: elsewhere".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_handler_never_waits_for_the_peer_it_asks() {
    let (victim, _actor) = victim(Limits::default()).await;
    let relay = relay(&victim).await;
    let _go = super::support::occupy(&victim).await;
    let asker = tokio::spawn({
        let relay = relay.clone();
        async move {
            let short = Context::root(Duration::from_millis(100));
            relay.ask(short, |reply| Relay::Ask { n: 1, reply }).await
        }
    });
    tokio::task::yield_now().await;
    assert_eq!(relay.ask(ctx(), |reply| Relay::Ping { reply }).await, Ok(1));
    assert_eq!(within(asker).await.unwrap(), Err(AskError::Timeout("relay")));
}
