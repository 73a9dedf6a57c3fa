//! An actor that does what a test tells it to, and its supervisor.

use std::{future::Future, sync::Arc, time::Duration};

use alys_bus::{
    Address, AskError, Context, Feed, Inbox, Limits, Owner, Reply, Task, Tick, Timer, Work, protocol_kinds,
    spawn_actor, spawn_task, unsupported,
};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

/// Longer than any test needs on a machine however busy, shorter than anybody waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for an event of a test, never for ever.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("the event came in time")
}

pub(crate) fn ctx() -> Context {
    Context::root(PATIENCE)
}

/// A handler that waits inside for the test's word.
pub(crate) struct Block {
    pub(crate) entered: oneshot::Sender<()>,
    pub(crate) go: oneshot::Receiver<()>,
}

/// The test's side of a [`Block`].
pub(crate) struct Blocked {
    pub(crate) entered: oneshot::Receiver<()>,
    pub(crate) go: oneshot::Sender<()>,
}

pub(crate) fn block() -> (Block, Blocked) {
    let (entered_tx, entered) = oneshot::channel();
    let (go, go_rx) = oneshot::channel();
    (Block { entered: entered_tx, go: go_rx }, Blocked { entered, go })
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refused {0}")]
pub(crate) struct Refused(pub(crate) u64);

pub(crate) type Outcome = Result<u64, AskError<Refused>>;

pub(crate) enum Victim {
    /// Answers `n + 1`; refuses 13.
    Echo { n: u64, reply: Reply<u64, Refused> },
    /// Writes `n` down.
    Note { n: u64 },
    /// Writes `n` down, then answers it.
    Log { n: u64, reply: Reply<u64, Refused> },
    /// What was written down, in order.
    Notes { reply: Reply<Vec<u64>, Refused> },
    /// Waits inside the handler.
    Wait { block: Block, reply: Reply<u64, Refused> },
    /// Waits inside the handler, and asks for no answer.
    WaitTold { block: Block },
    /// Keeps the reply.
    Keep { reply: Reply<u64, Refused> },
    /// Answers all that was kept.
    AnswerKept,
    /// Drops all that was kept.
    DropKept,
    /// Answers from a task after yielding `yields` times.
    Away { yields: u64, reply: Reply<u64, Refused> },
    /// Yields inside the handler, then answers.
    Slow { yields: u64, reply: Reply<u64, Refused> },
    /// Panics in the handler.
    Panic { text: &'static str },
    /// Panics in a task of the actor.
    PanicInTask { text: &'static str },
    /// Starts a ticking timer whose handler sleeps for `work`.
    Tick { period: Duration, work: Duration },
    /// Sends itself a control message, and again, for ever.
    Churn { left: u64 },
    /// Does not know this one.
    Strange {
        #[expect(dead_code, reason = "only dropped")]
        reply: Reply<u64, Refused>,
    },
    /// The context it was asked in.
    Where { reply: Reply<Context, Refused> },
}
protocol_kinds!(
    Victim,
    "victim",
    [
        Echo,
        Note,
        Log,
        Notes,
        Wait,
        WaitTold,
        Keep,
        AnswerKept,
        DropKept,
        Away,
        Slow,
        Panic,
        PanicInTask,
        Tick,
        Churn,
        Strange,
        Where
    ]
);

pub(crate) enum Private {
    Ticked(Tick),
}

pub(crate) type VictimInbox = Inbox<Victim, Private>;
pub(crate) type VictimRef = ActorRef<VictimInbox>;

pub(crate) struct VictimActor;

pub(crate) struct VictimArgs {
    pub(crate) feed: Feed<Victim>,
    pub(crate) address: Address<Victim>,
}

pub(crate) struct VictimState {
    feed: Feed<Victim>,
    control: Address<Victim>,
    notes: Vec<u64>,
    kept: Vec<Reply<u64, Refused>>,
    tasks: Vec<Task>,
    timer: Option<Timer>,
    tick_work: Duration,
}

impl Actor for VictimActor {
    type Msg = VictimInbox;
    type State = VictimState;
    type Arguments = VictimArgs;

    async fn pre_start(
        &self,
        _: VictimRef,
        VictimArgs { feed, address }: VictimArgs,
    ) -> Result<VictimState, ActorProcessingErr> {
        Ok(VictimState {
            feed,
            control: address.control(),
            notes: vec![],
            kept: vec![],
            tasks: vec![],
            timer: None,
            tick_work: Duration::ZERO,
        })
    }

    async fn handle(
        &self,
        me: VictimRef,
        message: VictimInbox,
        state: &mut VictimState,
    ) -> Result<(), ActorProcessingErr> {
        let mut message = Some(message);
        while let Some(work) = state.feed.next(&mut message).await {
            match work {
                Work::Public(message, ctx) => on_message(&me, message, ctx, state).await,
                Work::Private(Private::Ticked(tick)) => {
                    state.notes.push(1);
                    tokio::time::sleep(state.tick_work).await;
                    drop(tick);
                }
            }
        }
        Ok(())
    }
}

async fn on_message(me: &VictimRef, message: Victim, ctx: Context, state: &mut VictimState) {
    match message {
        Victim::Echo { n: 13, reply } => reply.send(Err(Refused(13))),
        Victim::Echo { n, reply } => reply.send(Ok(n + 1)),
        Victim::Note { n } => state.notes.push(n),
        Victim::Log { n, reply } => {
            state.notes.push(n);
            reply.send(Ok(n));
        }
        Victim::Notes { reply } => reply.send(Ok(state.notes.clone())),
        Victim::Wait { block, reply } => {
            wait(block).await;
            reply.send(Ok(0));
        }
        Victim::WaitTold { block } => wait(block).await,
        Victim::Keep { reply } => state.kept.push(reply),
        Victim::AnswerKept => state.kept.drain(..).for_each(|reply| reply.send(Ok(7))),
        Victim::DropKept => state.kept.clear(),
        Victim::Away { yields, reply } => {
            let work = async move {
                yield_times(yields).await;
                reply.send(Ok(yields));
            };
            state.tasks.retain(|task| !task.is_finished());
            state.tasks.push(spawn_task(Owner::actor(me), "away", work));
        }
        Victim::Slow { yields, reply } => {
            yield_times(yields).await;
            reply.send(Ok(yields));
        }
        Victim::Panic { text } => panic!("{text}"),
        Victim::PanicInTask { text } => {
            state.tasks.push(spawn_task(Owner::actor(me), "doomed", async move { panic!("{text}") }));
        }
        Victim::Tick { period, work } => {
            state.tick_work = work;
            state.timer = Some(Timer::every(me, "tick", period, Private::Ticked));
        }
        Victim::Churn { left } => {
            if left > 0 {
                let _ = state.control.try_tell(ctx, Victim::Churn { left: left - 1 });
            }
        }
        Victim::Where { reply } => reply.send(Ok(ctx)),
        other @ Victim::Strange { .. } => unsupported(other),
    }
}

async fn wait(block: Block) {
    let _ = block.entered.send(());
    let _ = block.go.await;
}

pub(crate) async fn yield_times(times: u64) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn start(address: &Address<Victim>, parent: Option<ActorCell>) -> VictimRef {
    let arguments = |feed| VictimArgs { feed, address: address.clone() };
    spawn_actor(address, parent, VictimActor, arguments).await.expect("it starts").0
}

/// A running victim with these limits.
pub(crate) async fn victim(limits: Limits) -> (Address<Victim>, VictimRef) {
    let address = Address::new(limits);
    let actor = start(&address, None).await;
    (address, actor)
}

/// Makes the victim wait inside a handler; the test lets it go on.
pub(crate) async fn occupy(address: &Address<Victim>) -> oneshot::Sender<()> {
    let (block, blocked) = block();
    address.try_tell(ctx(), Victim::WaitTold { block }).expect("it takes the message");
    within(blocked.entered).await.expect("it came to the message");
    blocked.go
}

pub(crate) async fn echo(address: &Address<Victim>, n: u64) -> Outcome {
    address.ask(ctx(), |reply| Victim::Echo { n, reply }).await
}

pub(crate) async fn notes(address: &Address<Victim>) -> Vec<u64> {
    address.ask(ctx(), |reply| Victim::Notes { reply }).await.expect("it answers")
}

/// Ends the actor and waits for its end.
pub(crate) async fn stop(actor: &VictimRef) {
    actor.stop_and_wait(None, Some(PATIENCE)).await.expect("it stops");
}

/// Restarts the victim whenever it ends, as a supervisor does; reports each incarnation.
pub(crate) struct Restarter;

#[derive(Clone)]
pub(crate) struct RestarterArgs {
    pub(crate) address: Address<Victim>,
    pub(crate) incarnations: mpsc::Sender<VictimRef>,
    pub(crate) ends: Arc<parking_lot::Mutex<Vec<String>>>,
}

impl Restarter {
    /// Starts a victim under a restarter. Incarnations come out of the channel as they are bound.
    pub(crate) async fn start(
        address: &Address<Victim>,
    ) -> (mpsc::Receiver<VictimRef>, RestarterArgs, ActorRef<()>) {
        let (incarnations, receiver) = mpsc::channel(100_000);
        let args = RestarterArgs { address: address.clone(), incarnations, ends: Arc::default() };
        let (me, _) = Self::spawn(None, Self, args.clone()).await.expect("it starts");
        (receiver, args, me)
    }

    async fn incarnate(me: &ActorRef<()>, args: &RestarterArgs) {
        let actor = start(&args.address, Some(me.get_cell())).await;
        args.incarnations.try_send(actor).expect("somebody listens");
    }
}

impl Actor for Restarter {
    type Msg = ();
    type State = RestarterArgs;
    type Arguments = RestarterArgs;

    async fn pre_start(
        &self,
        me: ActorRef<()>,
        args: RestarterArgs,
    ) -> Result<RestarterArgs, ActorProcessingErr> {
        Self::incarnate(&me, &args).await;
        Ok(args)
    }

    async fn handle_supervisor_evt(
        &self,
        me: ActorRef<()>,
        event: SupervisionEvent,
        args: &mut RestarterArgs,
    ) -> Result<(), ActorProcessingErr> {
        let end = match event {
            SupervisionEvent::ActorFailed(_, error) => error.to_string(),
            SupervisionEvent::ActorTerminated(_, _, reason) => reason.unwrap_or_default(),
            _ => return Ok(()),
        };
        args.address.unbind();
        args.ends.lock().push(end);
        Self::incarnate(&me, args).await;
        Ok(())
    }
}
