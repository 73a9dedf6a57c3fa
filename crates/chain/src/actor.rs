//! The chain actor: routes messages and answers into the core, and lets its effects out.

use std::sync::Arc;

use alys_bus::{
    Address, Clock, Feed, Inbox, Latest, LatestReader, Owner, Task, Timer, Topic, Work, WorkerMode, pipe_any,
    protocol::{
        chain::{ChainError, ChainEvent, ChainMessage, ChainStatus, SyncState},
        engine::{EngineHealth, EngineMessage},
        federation::FederationMessage,
        network::NetworkMessage,
        storage::StorageMessage,
    },
    spawn_actor, spawn_task, unsupported,
};
use alys_primitives::ChainSpec;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr, concurrency::JoinHandle};

use crate::{
    checks,
    config::ChainConfig,
    core::{Backoff, Core, Effects, Input, Outcome, Setup},
    effects,
    error::StartError,
    load::{Loaded, load},
    messages::ChainPrivate,
    metrics::ChainMetrics,
    state::{ChainState, Phase},
};

/// Effects that may wait for one promise to be durable. Thousands of steps' worth: more means that the
/// disk is stuck.
const OUTBOX: usize = 16 * 1024;

/// The actor's own handle, for the files that may not name ractor.
pub(crate) type Me = ActorRef<Inbox<ChainMessage, ChainPrivate>>;

/// What ends the actor.
pub(crate) type Ended = ActorProcessingErr;

/// The actor; all it holds stands in its state.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChainActor;

/// What an incarnation starts with. Cheap to clone: a restart gets the same.
#[derive(Debug, Clone)]
pub struct ChainArgs {
    /// The chain spec, checked.
    pub spec: Arc<ChainSpec>,
    /// What the operator set, validated.
    pub config: ChainConfig,
    /// The one clock.
    pub clock: Clock,
    /// Blocks, head and promises; promises go by its control lane.
    pub storage: Address<StorageMessage>,
    /// The execution client.
    pub engine: Address<EngineMessage>,
    /// How it fares; `None` where nobody says. After each time that it was out of reach it is compared with
    /// storage before any vote, and its return ends the wait for that.
    pub engine_health: Option<LatestReader<EngineHealth>>,
    /// Signatures.
    pub federation: Address<FederationMessage>,
    /// Peers; `None` where there are none.
    pub network: Option<Address<NetworkMessage>>,
    /// Where events are told. What must not be lost is read from storage.
    pub events: Topic<ChainEvent>,
    /// Where the status stands.
    pub status: Latest<ChainStatus>,
    /// Where copies of blocks are checked: on a thread, but for tests.
    pub checks: WorkerMode,
}

/// Starts one incarnation and binds `address` to it. It loads the chain by itself and answers
/// [`ChainError::Starting`] until then.
///
/// # Errors
/// As ractor says, or where the operating system gives no thread.
pub async fn spawn(
    address: &Address<ChainMessage>,
    parent: Option<ActorCell>,
    args: ChainArgs,
) -> Result<(ActorRef<Inbox<ChainMessage, ChainPrivate>>, JoinHandle<()>), SpawnErr> {
    spawn_actor(address, parent, ChainActor, |feed| (feed, args)).await
}

impl Actor for ChainActor {
    type Msg = Inbox<ChainMessage, ChainPrivate>;
    type State = ChainState;
    type Arguments = (Feed<ChainMessage>, ChainArgs);

    async fn pre_start(
        &self,
        me: ActorRef<Self::Msg>,
        (feed, args): Self::Arguments,
    ) -> Result<ChainState, ActorProcessingErr> {
        let checks = checks::start(args.checks)?;
        checks.attach(Owner::actor(&me));
        let phase = Phase::Loading { failures: 0, why: "storage is being read".to_owned() };
        let (outbox, metrics) = (Effects::new(OUTBOX), ChainMetrics::register());
        let watch = args.engine_health.clone().map(|health| watch_engine(&me, health));
        let request = effects::begun();
        let state =
            ChainState { feed, me, args, phase, request, outbox, checks, wake: None, _watch: watch, metrics };
        announce(&state.args);
        begin_loading(&state);
        Ok(state)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut ChainState,
    ) -> Result<(), ActorProcessingErr> {
        let mut message = Some(message);
        while let Some(work) = state.feed.next(&mut message).await {
            match work {
                Work::Public(message, ctx) => {
                    state.request = ctx.id;
                    on_public(state, message);
                }
                Work::Private(message) => {
                    state.request = message.request().unwrap_or_else(effects::begun);
                    on_private(state, message)?;
                }
            }
            effects::release(state)?;
        }
        Ok(())
    }
}

fn on_public(state: &mut ChainState, message: ChainMessage) {
    match message {
        ChainMessage::Proposal { proposal, source } => step(state, Input::Proposal { proposal, source }),
        ChainMessage::Vote { vote, source } => step(state, Input::Vote { vote, source }),
        ChainMessage::Certificate { certificate, source } => {
            step(state, Input::Certificate { certificate, source });
        }
        ChainMessage::Status { reply } => reply.send(match &state.phase {
            Phase::Running(core) => Ok(Box::new(core.status().clone())),
            Phase::Loading { why, .. } => Err(ChainError::Starting(why.clone())),
        }),
        other => unsupported(other),
    }
}

fn on_private(state: &mut ChainState, message: ChainPrivate) -> Result<(), ActorProcessingErr> {
    match message {
        ChainPrivate::Input(input) | ChainPrivate::Answer(input, _) => step(state, *input),
        ChainPrivate::Persisted(ticket, result, _) => on_persisted(state, ticket, result)?,
        ChainPrivate::Loaded(Ok(loaded)) => begin(state, *loaded),
        ChainPrivate::Loaded(Err(error)) => on_load_failed(state, error)?,
        ChainPrivate::LoadAgain => begin_loading(state),
    }
    Ok(())
}

/// One step of the core. Before it has begun, messages of peers are dropped: they are sent again.
fn step(state: &mut ChainState, input: Input) {
    if let Phase::Running(core) = &mut state.phase {
        core.step(state.args.clock.now_ms(), input, &mut state.outbox);
    }
}

/// A promise that is not durable, or of which nobody knows, must never be seen: the actor ends, and
/// goes on from the disk.
fn on_persisted(
    state: &mut ChainState,
    ticket: alys_bus::Ticket,
    result: Outcome<()>,
) -> Result<(), ActorProcessingErr> {
    match result {
        Ok(()) => {
            state.metrics.promised();
            Ok(state.outbox.acknowledge(ticket)?)
        }
        Err(failure) => Err(state.outbox.fail(failure.what).into()),
    }
}

/// Whoever looks sees which chain this is, and that it is starting; after a restart also where it stood.
fn announce(args: &ChainArgs) {
    args.status.update(|status| {
        status.chain.clone_from(&args.spec.name);
        status.chain_id = args.spec.chain_id;
        status.members = args.spec.members();
        status.quorum = args.spec.quorum();
        status.sync = SyncState::Starting;
        true
    });
}

/// Tells the core when the execution client goes out of reach, and when it answers again.
fn watch_engine(me: &Me, mut health: LatestReader<EngineHealth>) -> Task {
    let core = me.clone();
    spawn_task(Owner::actor(me), "engine health", async move {
        while let Some(now) = health.changed().await {
            let input = match now {
                EngineHealth::Synced => Input::EngineBack,
                EngineHealth::Offline | EngineHealth::AuthFailed => Input::EngineGone,
                // It answers; what it lacks shows in its answers.
                _ => continue,
            };
            if core.send_message(Inbox::Private(input.into())).is_err() {
                break;
            }
        }
    })
}

fn begin_loading(state: &ChainState) {
    let args = state.args.clone();
    pipe_any(&state.me, async move { load(&args).await }, |outcome| {
        let panicked = |error: alys_bus::Panicked| StartError::Missing(format!("way to be read: {error}"));
        ChainPrivate::Loaded(outcome.map_err(panicked).flatten().map(Box::new))
    });
}

fn on_load_failed(state: &mut ChainState, error: StartError) -> Result<(), ActorProcessingErr> {
    if !error.is_transient() {
        return Err(error.into());
    }
    let Phase::Loading { failures, why } = &mut state.phase else { return Ok(()) };
    *failures = failures.saturating_add(1);
    *why = error.to_string();
    tracing::warn!(%error, "the chain cannot be loaded yet");
    let config = &state.args.config;
    let backoff = Backoff { first_ms: config.retry_first_ms, most_ms: config.retry_most_ms };
    let now = state.args.clock.now_ms();
    let due = state.args.clock.instant_at(backoff.next(now, *failures));
    state.wake = Some(Timer::once(&state.me, "load again", due, ChainPrivate::LoadAgain));
    Ok(())
}

fn begin(state: &mut ChainState, loaded: Loaded) {
    let Loaded { own, verifier, start } = loaded;
    let policy = state.args.config.policy();
    let setup = Setup { spec: Arc::clone(&state.args.spec), own, policy, verifier };
    let now = state.args.clock.now_ms();
    tracing::info!(height = start.head.height, member = ?own, "the chain is loaded");
    let core = Core::start(setup, *start, now, &mut state.outbox);
    state.phase = Phase::Running(Box::new(core));
}
