//! Threads that belong to the spec: attached to again by each incarnation, opened anew only after a panic of their own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
        mpsc::{Receiver, sync_channel},
    },
    time::Duration,
};

use alys_bus::{
    Address, AskError, Context, Feed, Inbox, Limits, Owner, Reply, Work, Worker, WorkerError, WorkerLimits,
    WorkerMode, WorkerStats, protocol_kinds,
};
use alys_supervisor::{ChildSpec, HealthLimits, KeptThreads, KeptWorker, Outcome, StopReason};
use futures::future::BoxFuture;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::time::Instant;

use crate::actors::{PATIENCE, Stage, ended, event, node, ping, puppet, running, started};

/// What can be asked of the actor, all of which its thread does.
#[derive(Debug)]
enum Order {
    /// Answers how many times the thread was opened, and how many jobs it has done since.
    Count { reply: Reply<(u64, u64), String> },
    /// Panics on the thread.
    PanicThere { reply: Reply<(u64, u64), String> },
    /// Panics in the handler.
    PanicHere { reply: Reply<(u64, u64), String> },
    /// Holds the thread until the other end is dropped.
    Block { until: Receiver<()> },
}
protocol_kinds!(Order, "keeper", [Count, PanicThere, PanicHere, Block]);

/// An actor with a thread.
struct Keeper;

struct State {
    feed: Feed<Order>,
    worker: Worker<Order>,
}

impl Actor for Keeper {
    type Msg = Inbox<Order, ()>;
    type State = State;
    type Arguments = State;

    async fn pre_start(&self, me: ActorRef<Self::Msg>, state: State) -> Result<State, ActorProcessingErr> {
        state.worker.attach(Owner::actor(&me));
        Ok(state)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let mut message = Some(message);
        while let Some(work) = state.feed.next(&mut message).await {
            match work {
                Work::Public(Order::PanicHere { reply: _reply }, _) => panic!("a panic in handle"),
                Work::Public(order, ctx) => drop(state.worker.submit(ctx, order)),
                Work::Private(()) => {}
            }
        }
        Ok(())
    }
}

/// What the thread owns. Says when it goes.
struct Database {
    opened: u64,
    done: u64,
    stage: Stage,
}

impl Database {
    /// A method, so that the thread's closure captures all of it, and not a copy of two numbers.
    fn count(&mut self) -> (u64, u64) {
        self.done += 1;
        (self.opened, self.done)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.stage.write("database closed");
    }
}

fn keeper(stage: &Stage) -> (Address<Order>, ChildSpec) {
    let address = Address::new(Limits::default());
    let thread = KeptWorker::new();
    let (kept, stage) = (thread.clone(), stage.clone());
    let opened = Arc::new(AtomicU64::new(0));
    let open = move || {
        stage.write("database opened");
        let mut database =
            Database { opened: opened.fetch_add(1, SeqCst) + 1, done: 0, stage: stage.clone() };
        let work = move |order, _ctx: Context| match order {
            Order::Count { reply } => reply.send(Ok(database.count())),
            Order::PanicThere { reply: _reply } => panic!("a panic on the thread"),
            Order::PanicHere { .. } => {}
            Order::Block { until } => drop(until.recv()),
        };
        Worker::spawn("keeper", WorkerLimits::default(), WorkerMode::Thread, work)
    };
    let start = move |feed| {
        let worker = kept.get_or_open(&open);
        async move { Ok::<_, WorkerError>((Keeper, State { feed, worker: worker? })) }
    };
    let spec = ChildSpec::with_setup(&address, start).keeps(&thread);
    (address, spec)
}

async fn count(address: &Address<Order>) -> Result<(u64, u64), AskError<String>> {
    let ctx = Context::root(PATIENCE);
    address.ask(ctx, |reply| Order::Count { reply }).await
}

#[tokio::test]
async fn a_restarted_actor_attaches_to_its_thread_again() {
    let stage = Stage::default();
    let (address, spec) = keeper(&stage);
    let node = running(node([spec])).await;
    let mut events = node.handle().events();
    assert_eq!(count(&address).await, Ok((1, 1)));
    let ctx = Context::root(PATIENCE);
    let outcome = address.ask(ctx, |reply| Order::PanicHere { reply }).await;
    assert_eq!(outcome, Err(AskError::NoReply("keeper")));
    started(&mut events, "keeper").await;
    assert_eq!(count(&address).await, Ok((1, 2)), "the same thread, the same database");
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
    assert_eq!(stage.journal(), ["database opened", "database closed"]);
}

#[tokio::test]
async fn a_panic_of_the_thread_opens_the_database_anew_after_the_old_one_is_closed() {
    let stage = Stage::default();
    let (address, spec) = keeper(&stage);
    let node = running(node([spec])).await;
    let mut events = node.handle().events();
    let ctx = Context::root(PATIENCE);
    let outcome = address.ask(ctx, |reply| Order::PanicThere { reply }).await;
    assert_eq!(outcome, Err(AskError::NoReply("keeper")));
    event(&mut events, |event| {
        matches!(event, alys_supervisor::Lifecycle::Ended { reason, .. }
            if reason.contains("thread keeper") && reason.contains("a panic on the thread"))
    })
    .await;
    started(&mut events, "keeper").await;
    assert_eq!(count(&address).await, Ok((2, 1)));
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
    assert_eq!(stage.journal(), ["database opened", "database closed", "database opened", "database closed"]);
}

#[tokio::test]
async fn the_database_is_closed_after_its_actor_and_before_what_it_depends_on() {
    let stage = Stage::default();
    let (_, below) = puppet(&stage, "below");
    let (_, above) = puppet(&stage, "above");
    let (_, spec) = keeper(&stage);
    let node = running(node([below, spec.depends_on("below"), above.depends_on("keeper")])).await;
    stage.take_journal();
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
    assert_eq!(stage.journal(), ["above flushed", "database closed", "below flushed"]);
}

#[tokio::test]
async fn a_stuck_thread_cannot_be_killed_so_the_node_stops_in_order_and_says_so() {
    let stage = Stage::default();
    let (_, below) = puppet(&stage, "below");
    let (_, above) = puppet(&stage, "above");
    let (address, spec) = keeper(&stage);
    let tight = HealthLimits { thread: Duration::from_millis(50), ..HealthLimits::default() };
    let spec = spec.depends_on("below").health(tight).stop_within(Duration::from_millis(100));
    let node = running(node([below, spec, above.depends_on("keeper")])).await;
    stage.take_journal();
    let (release, until) = sync_channel::<()>(0);
    address.try_tell(Context::root(PATIENCE), Order::Block { until }).unwrap();
    let report = ended(node).await;
    drop(release);
    assert!(
        matches!(&report.reason, StopReason::Stuck { actor, what } if actor == "keeper" && what.contains("a job of the thread keeper")),
        "{report}"
    );
    assert_eq!(report.children[0].outcome, Outcome::Stopped);
    assert!(matches!(report.children[1].outcome, Outcome::Stuck(_)));
    assert_eq!(report.children[2].outcome, Outcome::Stopped);
    assert_eq!(report.exit_code(), 1);
}

/// Two threads behind one handle that is no [`KeptWorker`]. A job holds its thread until its other end is dropped.
#[derive(Clone)]
struct Pair {
    threads: [Worker<Receiver<()>>; 2],
    stage: Stage,
}

impl Pair {
    fn new(stage: &Stage) -> Self {
        let thread = |name| {
            let work = |until: Receiver<()>, _ctx: Context| {
                // Ends when the test drops the other end.
                let _ = until.recv();
            };
            Worker::spawn(name, WorkerLimits::default(), WorkerMode::Thread, work).unwrap()
        };
        Self { threads: [thread("left"), thread("right")], stage: stage.clone() }
    }
}

impl KeptThreads for Pair {
    fn stats(&self) -> Vec<WorkerStats> {
        self.threads.iter().map(Worker::stats).collect()
    }

    fn stop(&self, deadline: Instant) -> BoxFuture<'static, Result<(), WorkerError>> {
        let Self { threads: [left, right], stage } = self.clone();
        Box::pin(async move {
            stage.write("threads stopped");
            left.stop(deadline).await?;
            right.stop(deadline).await
        })
    }
}

#[tokio::test]
async fn threads_that_something_else_keeps_are_stopped_once_after_their_actor_and_not_at_its_restart() {
    let stage = Stage::default();
    let (_, below) = puppet(&stage, "below");
    let (address, spec) = puppet(&stage, "a");
    let pair = Pair::new(&stage);
    let spec = spec.depends_on("below").keeps_threads(pair.clone());
    let node = running(node([below, spec])).await;
    stage.take_journal();
    node.handle().restart(Context::root(PATIENCE), "a").await.unwrap();
    assert_eq!(ping(&address).await, Ok(2));
    assert_eq!(stage.take_journal(), ["a flushed", "a started"]);
    assert!(pair.threads.iter().all(Worker::is_alive));
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
    assert_eq!(stage.journal(), ["a flushed", "threads stopped", "below flushed"]);
    assert!(!pair.threads.iter().any(Worker::is_alive));
}

#[tokio::test]
async fn one_stuck_thread_of_several_behind_a_handle_stops_the_node_and_is_named() {
    let stage = Stage::default();
    let (_, spec) = puppet(&stage, "a");
    let pair = Pair::new(&stage);
    let tight = HealthLimits { thread: Duration::from_millis(50), ..HealthLimits::default() };
    let spec = spec.health(tight).stop_within(Duration::from_millis(100)).keeps_threads(pair.clone());
    let node = running(node([spec])).await;
    let (release, until) = sync_channel::<()>(0);
    pair.threads[1].submit(Context::root(PATIENCE), until).unwrap();
    let report = ended(node).await;
    drop(release);
    assert!(
        matches!(&report.reason, StopReason::Stuck { actor, what } if actor == "a" && what.contains("a job of the thread right")),
        "{report}"
    );
    assert!(matches!(report.children[0].outcome, Outcome::Stuck(_)), "{report}");
}
