//! The supervisor's ractor actor: hands what happens to the core, and its effects to [`effects`](crate::effects).

use std::{collections::BTreeMap, time::Duration};

use alys_bus::{
    Address, Clock, Feed, Inbox, Latest, Owner, Reply, Timer, Topic, Work, pipe_any,
    protocol::supervisor::{ActorHealth, Registration, SupervisorError, SupervisorMessage},
    spawn_task, unsupported,
};
use ractor::{Actor, ActorProcessingErr, SupervisionEvent};
use tokio::sync::oneshot;

use crate::{
    ChildSpec, ExitReport, Lifecycle, StopReason,
    core::{ChildId, Core, End, Input, judge_actor, judge_ending, judge_thread},
    effects::{Me, drive, publish_health, sweep, take_waiting},
    launch::Incarnation,
    signals::Signals,
    state::{Hands, Private, State, Waiting},
};

/// The supervisor.
pub(crate) struct SupervisorActor;

/// What it is started with.
pub(crate) struct Arguments {
    pub(crate) feed: Feed<SupervisorMessage>,
    pub(crate) address: Address<SupervisorMessage>,
    pub(crate) core: Core,
    pub(crate) children: BTreeMap<ChildId, Hands>,
    pub(crate) clock: Clock,
    pub(crate) health: Latest<Vec<ActorHealth>>,
    pub(crate) health_every: Duration,
    pub(crate) events: Topic<Lifecycle>,
    pub(crate) exit: oneshot::Sender<ExitReport>,
    pub(crate) signals: Option<Signals>,
}

impl Actor for SupervisorActor {
    type Msg = Inbox<SupervisorMessage, Private>;
    type State = State;
    type Arguments = Arguments;

    async fn pre_start(&self, me: Me, args: Arguments) -> Result<State, ActorProcessingErr> {
        let health_timer = Timer::every(&me, "supervisor-health", args.health_every, Private::Health);
        let signals = args.signals.map(|mut signals| {
            let supervisor = me.clone();
            let forward = async move {
                loop {
                    let name = signals.next().await;
                    let message = Inbox::Private(Private::Signal(name));
                    if supervisor.send_message(message).is_err() {
                        return;
                    }
                }
            };
            spawn_task(Owner::actor(&me), "signals", forward)
        });
        let (clock, every) = (args.clock.clone(), args.health_every);
        let heartbeat = spawn_task(Owner::actor(&me), "supervisor-heartbeat", async move {
            loop {
                clock.sleep(every).await;
            }
        });
        let epoch = args.clock.now();
        Ok(State {
            feed: args.feed,
            address: args.address,
            core: args.core,
            children: args.children,
            waiting: Vec::new(),
            clock: args.clock,
            epoch,
            health: args.health,
            events: args.events,
            exit: Some(args.exit),
            wake: None,
            _health_timer: health_timer,
            _signals: signals,
            _heartbeat: heartbeat,
        })
    }

    async fn post_start(&self, me: Me, state: &mut State) -> Result<(), ActorProcessingErr> {
        drive(&me, state, Input::Begin);
        Ok(())
    }

    async fn handle(&self, me: Me, message: Self::Msg, state: &mut State) -> Result<(), ActorProcessingErr> {
        let mut message = Some(message);
        while let Some(work) = state.feed.next(&mut message).await {
            match work {
                Work::Public(message, _ctx) => on_public(&me, state, message),
                Work::Private(message) => on_private(&me, state, message),
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: Me,
        _: SupervisionEvent,
        _: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        // Its only children in ractor's sense are the wardens, which come and go with the actors; what those see comes as messages.
        Ok(())
    }
}

fn on_public(me: &Me, state: &mut State, message: SupervisorMessage) {
    match message {
        SupervisorMessage::RegisterActor { actor, reply } => register(me, state, actor, reply),
        SupervisorMessage::HealthCheck { reply } => reply.send(Ok(state.health())),
        SupervisorMessage::RestartActor { actor, reply } => restart(me, state, actor, reply),
        other => unsupported(other),
    }
}

fn on_private(me: &Me, state: &mut State, message: Private) {
    match message {
        Private::StartReported { child, incarnation, outcome } => {
            on_start_reported(me, state, child, incarnation, outcome)
        }
        Private::Ended { child, incarnation, end } => on_ended(me, state, child, incarnation, end),
        Private::Swept => {}
        Private::Gone { child, incarnation } => {
            drive(me, state, Input::Gone { child, incarnation });
        }
        Private::Released { child, result } => drive(me, state, Input::Released { child, result }),
        Private::Health(_tick) => check_health(me, state),
        Private::Wake => {
            state.wake = None;
            drive(me, state, Input::Tick);
        }
        Private::Stop(reason) => drive(me, state, Input::Stop(StopReason::Requested(reason))),
        Private::Signal(name) => drive(me, state, Input::Signal(name)),
    }
}

fn register(me: &Me, state: &mut State, actor: Box<dyn Registration>, reply: Reply<(), SupervisorError>) {
    let name = actor.actor().to_owned();
    if state.core.is_stopping() {
        reply.send(Err(SupervisorError::Stopping));
        return;
    }
    let refused = |reason: String| Err(SupervisorError::Refused { actor: name.clone(), reason });
    let spec = match actor.into_any().downcast::<ChildSpec>() {
        Ok(spec) => *spec,
        Err(other) => {
            reply.send(refused("it is not a ChildSpec of this supervisor".to_owned()));
            sweep(me, other);
            return;
        }
    };
    match state.core.register(spec.names.clone(), spec.rules.clone()) {
        Ok(child) => {
            state.children.insert(child, spec.into());
            state.waiting.push(Waiting::Register { child, reply });
            drive(me, state, Input::Tick);
        }
        Err(error) => {
            reply.send(refused(error.to_string()));
            sweep(me, spec);
        }
    }
}

fn restart(me: &Me, state: &mut State, actor: String, reply: Reply<Duration, SupervisorError>) {
    if state.core.is_stopping() {
        reply.send(Err(SupervisorError::Stopping));
        return;
    }
    let Some(child) = state.core.find(&actor) else {
        reply.send(Err(SupervisorError::UnknownActor(actor)));
        return;
    };
    let since = state.clock.now();
    state.waiting.push(Waiting::Restart { child, since, reply });
    drive(me, state, Input::Restart { child });
}

fn on_start_reported(
    me: &Me,
    state: &mut State,
    child: ChildId,
    incarnation: u64,
    outcome: Result<Incarnation, String>,
) {
    let started = match outcome {
        Ok(started) => started,
        Err(reason) => {
            if let Some(hands) = state.children.get_mut(&child) {
                hands.cancel = None;
            }
            let failed = Input::StartFailed { child, incarnation, reason };
            drive(me, state, failed);
            return;
        }
    };
    let Incarnation { cell, bind, ended, handle } = started;
    if let Some(hands) = state.children.get_mut(&child) {
        hands.cancel = None;
        hands.incarnation = incarnation;
        hands.cell = Some(cell);
        hands.bind = Some(bind);
        hands.handle = Some(handle);
        hands.ending = None;
    }
    pipe_any(me, ended, move |outcome| {
        let end = outcome.unwrap_or_else(|panicked| End { reason: panicked.0, in_order: false });
        Private::Ended { child, incarnation, end }
    });
    drive(me, state, Input::Started { child, incarnation });
}

/// An actor has ended. It is gone when its task is, and with it all that the actor held.
fn on_ended(me: &Me, state: &mut State, child: ChildId, incarnation: u64, end: End) {
    let Some(hands) = state.children.get_mut(&child).filter(|hands| hands.incarnation == incarnation) else {
        return;
    };
    hands.cell = None;
    hands.bind = None;
    let handle = hands.handle.take();
    drive(me, state, Input::Ended { child, incarnation, end });
    let gone = async move {
        if let Some(handle) = handle {
            // However the task ended, it has.
            let _ = handle.await;
        }
    };
    pipe_any(me, gone, move |_| Private::Gone { child, incarnation });
}

/// Finds those that hang, by what the bus shows of them.
fn check_health(me: &Me, state: &mut State) {
    drop(take_waiting(state, Waiting::is_abandoned));
    let now = state.clock.now();
    let mut found = Vec::new();
    for (&child, hands) in &mut state.children {
        let Some(launch) = &hands.launch else {
            continue;
        };
        if let Some(incarnation) = state.core.running(child)
            && let Some(symptom) = judge_actor(&launch.stats(), hands.limits)
                .or_else(|| judge_ending(hands.ending_for(now), hands.limits))
        {
            found.push(Input::Hung { child, incarnation, symptom });
        }
        let threads = hands.kept.iter().flat_map(|kept| kept.stats());
        for stats in threads {
            if let Some(symptom) = judge_thread(&stats, hands.limits) {
                found.push(Input::ThreadHung { child, symptom });
            }
        }
    }
    for input in found {
        drive(me, state, input);
    }
    publish_health(state);
}
