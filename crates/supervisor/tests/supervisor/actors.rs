//! An actor that does whatever a test asks of it, good or bad.

use std::{
    collections::{BTreeMap, VecDeque},
    future::pending,
    sync::{Arc, mpsc::Receiver},
    time::Duration,
};

use alys_bus::{Address, AskError, Context, Feed, Inbox, Limits, Reply, Subscription, Work, protocol_kinds};
use alys_supervisor::{BuildError, ChildSpec, ExitReport, Lifecycle, Supervisor, SupervisorBuilder};
use parking_lot::Mutex;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef};

/// Generous: only a test that fails waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What a test can ask of an actor.
#[derive(Debug)]
pub(crate) enum Order {
    /// Answers the number of the incarnation.
    Ping { reply: Reply<u64, String> },
    /// Panics instead of answering.
    Panic { reply: Reply<u64, String> },
    /// Returns an error from `handle`.
    Fail { reply: Reply<u64, String> },
    /// Waits at an await for ever.
    Hang { reply: Reply<u64, String> },
    /// Holds its thread of the runtime until the other end of the channel is dropped.
    Block { until: Receiver<()> },
    /// Stops itself.
    Leave,
}
protocol_kinds!(Order, "puppet", [Ping, Panic, Fail, Hang, Block, Leave]);

/// What a start does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    Panic,
    Error,
    Hang,
    SetupError,
    SetupPanic,
    /// In `post_start`.
    PanicAfter,
    /// In `post_start`.
    HangAfter,
    /// It succeeds, and the actor stops itself at once.
    Leave,
}

/// What a stop does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stop {
    Hang,
    Panic,
}

/// What happened, in order, and what is to happen: shared by a test and its actors.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stage {
    script: Arc<Mutex<Script>>,
}

#[derive(Debug, Default)]
struct Script {
    journal: Vec<String>,
    incarnations: BTreeMap<String, u64>,
    cells: BTreeMap<String, ActorCell>,
    starts: BTreeMap<String, VecDeque<Option<Start>>>,
    stops: BTreeMap<String, Stop>,
}

impl Stage {
    pub(crate) fn write(&self, line: impl Into<String>) {
        self.script.lock().journal.push(line.into());
    }

    pub(crate) fn journal(&self) -> Vec<String> {
        self.script.lock().journal.clone()
    }

    /// The journal until now, which is then empty.
    pub(crate) fn take_journal(&self) -> Vec<String> {
        std::mem::take(&mut self.script.lock().journal)
    }

    /// What the next starts of `actor` do; none: they succeed.
    pub(crate) fn next_starts(&self, actor: &str, starts: impl IntoIterator<Item = Option<Start>>) {
        let starts = starts.into_iter().collect();
        self.script.lock().starts.insert(actor.to_owned(), starts);
    }

    pub(crate) fn stops_by(&self, actor: &str, stop: Stop) {
        self.script.lock().stops.insert(actor.to_owned(), stop);
    }

    /// The present incarnation of `actor`, to kill it.
    pub(crate) fn cell(&self, actor: &str) -> ActorCell {
        self.script.lock().cells[actor].clone()
    }
}

/// The actor.
pub(crate) struct Puppet;

pub(crate) struct Arguments {
    pub(crate) name: String,
    pub(crate) feed: Feed<Order>,
    pub(crate) stage: Stage,
    pub(crate) start: Option<Start>,
}

pub(crate) struct State {
    name: String,
    feed: Feed<Order>,
    stage: Stage,
    incarnation: u64,
    start: Option<Start>,
}

impl Actor for Puppet {
    type Msg = Inbox<Order, ()>;
    type State = State;
    type Arguments = Arguments;

    async fn pre_start(&self, me: ActorRef<Self::Msg>, args: Arguments) -> Result<State, ActorProcessingErr> {
        match args.start {
            Some(Start::Panic) => panic!("a panic in pre_start"),
            Some(Start::Error) => return Err("an error in pre_start".into()),
            Some(Start::Hang) => pending().await,
            _ => {}
        }
        args.stage.script.lock().cells.insert(args.name.clone(), me.get_cell());
        Ok(State { name: args.name, feed: args.feed, stage: args.stage, incarnation: 0, start: args.start })
    }

    async fn post_start(&self, me: ActorRef<Self::Msg>, state: &mut State) -> Result<(), ActorProcessingErr> {
        match state.start {
            Some(Start::PanicAfter) => panic!("a panic in post_start"),
            Some(Start::HangAfter) => pending().await,
            Some(Start::Leave) => me.stop(None),
            _ => {}
        }
        let mut script = state.stage.script.lock();
        script.journal.push(format!("{} started", state.name));
        let count = script.incarnations.entry(state.name.clone()).or_default();
        *count += 1;
        state.incarnation = *count;
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<Self::Msg>, state: &mut State) -> Result<(), ActorProcessingErr> {
        let stop = state.stage.script.lock().stops.get(&state.name).copied();
        match stop {
            Some(Stop::Hang) => pending().await,
            Some(Stop::Panic) => panic!("a panic in post_stop"),
            None => {}
        }
        // Other tasks get their turn in between: whoever does not wait for the end of this sees no "flushed".
        tokio::time::sleep(Duration::from_millis(5)).await;
        state.stage.write(format!("{} flushed", state.name));
        Ok(())
    }

    async fn handle(
        &self,
        me: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let mut message = Some(message);
        while let Some(work) = state.feed.next(&mut message).await {
            let Work::Public(order, _ctx) = work else {
                continue;
            };
            match order {
                Order::Ping { reply } => reply.send(Ok(state.incarnation)),
                Order::Panic { reply: _reply } => panic!("a panic in handle"),
                Order::Fail { reply: _reply } => return Err("an error from handle".into()),
                Order::Hang { reply: _reply } => pending::<()>().await,
                // Ends when the test drops the other end.
                Order::Block { until } => drop(until.recv()),
                Order::Leave => me.stop(None),
            }
        }
        Ok(())
    }
}

/// A puppet's address, and its spec.
pub(crate) fn puppet(stage: &Stage, name: &str) -> (Address<Order>, ChildSpec) {
    let address = Address::new(Limits::default());
    let spec = puppet_at(&address, stage, name);
    (address, spec)
}

pub(crate) fn puppet_at(address: &Address<Order>, stage: &Stage, name: &str) -> ChildSpec {
    let stage = stage.clone();
    let own_name = name.to_owned();
    let start = move |feed| {
        let stage = stage.clone();
        let name = own_name.clone();
        async move {
            let start = {
                let mut script = stage.script.lock();
                let starts = script.starts.get_mut(&name);
                starts.and_then(VecDeque::pop_front).flatten()
            };
            match start {
                Some(Start::SetupError) => return Err("an error before the actor"),
                Some(Start::SetupPanic) => panic!("a panic before the actor"),
                _ => {}
            }
            let args = Arguments { name, feed, stage, start };
            Ok((Puppet, args))
        }
    };
    ChildSpec::with_setup(address, start).named(name)
}

/// Starts a node and waits until all its actors run.
pub(crate) async fn running(builder: SupervisorBuilder) -> Supervisor {
    let supervisor = builder.seed(7).start().await.unwrap();
    assert!(supervisor.handle().until_running(PATIENCE).await);
    supervisor
}

/// Waits for the end of a node, which must come: in paused time, its health checks would go on for ever.
pub(crate) async fn ended(node: Supervisor) -> ExitReport {
    // Longer than the longest chain of deadlines in a test.
    let limit = PATIENCE * 6;
    tokio::time::timeout(limit, node.wait()).await.expect("the node never ended")
}

/// A builder with these children.
pub(crate) fn node(children: impl IntoIterator<Item = ChildSpec>) -> SupervisorBuilder {
    Supervisor::builder().children(children)
}

pub(crate) async fn ping(address: &Address<Order>) -> Result<u64, AskError<String>> {
    let ctx = Context::root(PATIENCE);
    address.ask(ctx, |reply| Order::Ping { reply }).await
}

pub(crate) async fn order(
    address: &Address<Order>,
    make: impl FnOnce(Reply<u64, String>) -> Order,
) -> Result<u64, AskError<String>> {
    address.ask(Context::root(PATIENCE), make).await
}

/// Waits for the event that meets the condition.
pub(crate) async fn event(
    events: &mut Subscription<Lifecycle>,
    condition: impl Fn(&Lifecycle) -> bool,
) -> Lifecycle {
    let wait = async {
        loop {
            match events.next().await.expect("the node still runs") {
                alys_bus::Event::Event(event) if condition(&event) => return event,
                alys_bus::Event::Event(_) => {}
                alys_bus::Event::Missed(missed) => panic!("missed {missed} events"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the event never came")
}

/// Waits until `actor` has started.
pub(crate) async fn started(events: &mut Subscription<Lifecycle>, name: &str) -> Lifecycle {
    event(events, |event| matches!(event, Lifecycle::Started { actor, .. } if actor == name)).await
}

pub(crate) async fn build_error(builder: SupervisorBuilder) -> BuildError {
    builder.start().await.expect_err("this cannot be built")
}
