//! The same small actor twice: on the bus, and on bare ractor.

use std::time::{Duration, Instant};

use alys_bus::{
    Address, AskError, Context, Feed, Inbox, Limits, Reply, Work, pipe, protocol_kinds, spawn_actor,
};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, RpcReplyPort};

pub(crate) enum Message {
    Get { n: u64, reply: Reply<u64, ()> },
    Relay { n: u64, reply: Reply<u64, ()> },
    Note { n: u64 },
    Spin { time: Duration, reply: Reply<u64, ()> },
}
protocol_kinds!(Message, "bench", [Get, Relay, Note, Spin]);

pub(crate) struct Relayed(Reply<u64, ()>, Result<u64, AskError<()>>);

pub(crate) type Ref = ActorRef<Inbox<Message, Relayed>>;

pub(crate) struct OnTheBus;

pub(crate) struct State {
    feed: Feed<Message>,
    below: Option<Address<Message>>,
    sum: u64,
}

impl Actor for OnTheBus {
    type Msg = Inbox<Message, Relayed>;
    type State = State;
    type Arguments = (Feed<Message>, Option<Address<Message>>);

    async fn pre_start(&self, _: Ref, (feed, below): Self::Arguments) -> Result<State, ActorProcessingErr> {
        Ok(State { feed, below, sum: 0 })
    }

    async fn handle(&self, me: Ref, message: Self::Msg, state: &mut State) -> Result<(), ActorProcessingErr> {
        let mut message = Some(message);
        while let Some(work) = state.feed.next(&mut message).await {
            match work {
                Work::Public(Message::Get { n, reply }, _) => reply.send(Ok(n + 1)),
                Work::Public(Message::Note { n }, _) => state.sum = state.sum.wrapping_add(n),
                Work::Public(Message::Spin { time, reply }, _) => {
                    spin(time);
                    reply.send(Ok(0));
                }
                Work::Public(Message::Relay { n, reply }, ctx) => {
                    let below = state.below.clone().unwrap();
                    let ask = async move { below.ask(ctx, |reply| Message::Get { n, reply }).await };
                    pipe(&me, ask, |outcome| Relayed(reply, outcome));
                }
                Work::Private(Relayed(reply, outcome)) => reply.forward(outcome),
            }
        }
        Ok(())
    }
}

/// Work that keeps its thread busy.
fn spin(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

pub(crate) async fn start(
    address: &Address<Message>,
    below: Option<Address<Message>>,
    parent: Option<ActorCell>,
) -> Ref {
    spawn_actor(address, parent, OnTheBus, |feed| (feed, below)).await.unwrap().0
}

pub(crate) async fn on_the_bus(limits: Limits) -> (Address<Message>, Ref) {
    let address = Address::new(limits);
    let actor = start(&address, None, None).await;
    (address, actor)
}

pub(crate) fn ctx(within: Duration) -> Context {
    Context::root(within)
}

pub(crate) enum BareMessage {
    Get(u64, RpcReplyPort<Result<u64, ()>>),
    Note(u64),
}

pub(crate) struct Bare;

impl Actor for Bare {
    type Msg = BareMessage;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<BareMessage>, _: ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _: ActorRef<BareMessage>,
        message: BareMessage,
        sum: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            BareMessage::Get(n, reply) => drop(reply.send(Ok(n + 1))),
            BareMessage::Note(n) => *sum = sum.wrapping_add(n),
        }
        Ok(())
    }
}

pub(crate) async fn bare() -> ActorRef<BareMessage> {
    Bare::spawn(None, Bare, ()).await.unwrap().0
}
