//! Actors that make no progress.

use std::{
    sync::mpsc::{Receiver, sync_channel},
    time::Duration,
};

use alys_bus::{Address, AskError, Context, Feed, Inbox, Limits, Work};
use alys_supervisor::{ChildSpec, HealthLimits, Lifecycle, Outcome, StopReason};

use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::actors::{
    Order, PATIENCE, Stage, Stop, ended, event, node, order, ping, puppet, running, started,
};

fn limits(seconds: u64) -> HealthLimits {
    HealthLimits {
        work: Duration::from_secs(seconds),
        stalled: Duration::from_secs(seconds),
        thread: Duration::from_secs(seconds),
    }
}

#[tokio::test(start_paused = true)]
async fn an_actor_hung_at_an_await_is_killed_restarted_and_reported() {
    let stage = Stage::default();
    let (address, spec) = puppet(&stage, "a");
    let node = running(node([spec.health(limits(2))])).await;
    let mut events = node.handle().events();
    let asked = tokio::join!(
        order(&address, |reply| Order::Hang { reply }),
        event(&mut events, |event| matches!(event, Lifecycle::Hung { .. }))
    );
    let (outcome, Lifecycle::Hung { actor, symptom }) = asked else {
        panic!("not hung: {asked:?}");
    };
    assert_eq!(outcome, Err(AskError::NoReply("puppet")), "its asker is told");
    assert_eq!(actor, "a");
    assert!(symptom.starts_with("Hang has run for "), "{symptom}");
    assert!(symptom.ends_with("and 2s is its limit"), "{symptom}");

    started(&mut events, "a").await;
    assert_eq!(ping(&address).await, Ok(2));
    let health = node.handle().health();
    assert!(health[0].last_end.as_ref().unwrap().starts_with("hung: Hang has run for"));
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_hangs_too_often_spends_its_budget() {
    let stage = Stage::default();
    let (address, spec) = puppet(&stage, "a");
    let node = running(node([spec.health(limits(1))])).await;
    let mut events = node.handle().events();
    for _ in 0..5 {
        let _ = order(&address, |reply| Order::Hang { reply }).await;
        started(&mut events, "a").await;
    }
    let _ = order(&address, |reply| Order::Hang { reply }).await;
    let report = ended(node).await;
    assert!(
        matches!(&report.reason, StopReason::BudgetSpent { actor, restarts: 5, .. } if actor == "a"),
        "{report}"
    );
}

#[tokio::test(start_paused = true)]
async fn work_within_its_limit_is_not_hung() {
    let stage = Stage::default();
    let (address, spec) = puppet(&stage, "a");
    let node = running(node([spec.health(limits(5))])).await;
    let ctx = Context::root(Duration::from_secs(4));
    let outcome = address.ask(ctx, |reply| Order::Hang { reply }).await;
    assert_eq!(outcome, Err(AskError::Timeout("puppet")));
    assert_eq!(node.handle().health()[0].restarts, 0);
    node.handle().stop("the test is over");
    let report = ended(node).await;
    assert_eq!(
        report.children[0].outcome,
        Outcome::Killed,
        "it could not stop, for it never came back from its handler"
    );
    assert!(!report.is_success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn an_actor_that_holds_a_thread_of_the_runtime_stops_the_node_in_order() {
    let stage = Stage::default();
    let (_, base) = puppet(&stage, "base");
    let (address, spec) = puppet(&stage, "a");
    let (_, above) = puppet(&stage, "above");
    let tight = HealthLimits { work: Duration::from_millis(50), ..HealthLimits::default() };
    let builder = node([base, spec.depends_on("base").health(tight), above.depends_on("a")]);
    let node = running(builder.grace(Duration::from_millis(100))).await;
    stage.take_journal();
    let (release, until) = sync_channel::<()>(0);
    address.try_tell(Context::root(PATIENCE), Order::Block { until }).unwrap();
    let report = ended(node).await;
    drop(release);
    assert!(matches!(&report.reason, StopReason::Stuck { actor, .. } if actor == "a"), "{report}");
    assert!(matches!(report.children[1].outcome, Outcome::Stuck(_)));
    assert!(report.is_stuck());
    assert_eq!(report.exit_code(), 1);
    assert_eq!(stage.journal(), ["above flushed", "base flushed"]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_hangs_while_it_stops_by_itself_is_killed_and_restarted() {
    let stage = Stage::default();
    let (address, spec) = puppet(&stage, "a");
    stage.stops_by("a", Stop::Hang);
    let node = running(node([spec.health(limits(2)).stop_within(Duration::from_secs(1))])).await;
    let mut events = node.handle().events();
    address.try_tell(Context::root(PATIENCE), Order::Leave).unwrap();
    let hung = event(&mut events, |event| matches!(event, Lifecycle::Hung { .. })).await;
    assert!(format!("{hung:?}").contains("it has been ending for"), "{hung:?}");
    started(&mut events, "a").await;
    assert_eq!(ping(&address).await, Ok(2));
    node.handle().stop("the test is over");
    let report = ended(node).await;
    assert_eq!(report.children[0].outcome, Outcome::Killed);
}

/// Never lets its thread go when it is dropped, until the test drops the other end.
struct Anchor {
    until: Option<Receiver<()>>,
}

impl Drop for Anchor {
    fn drop(&mut self) {
        if let Some(until) = &self.until {
            // Ends when the test drops the other end.
            let _ = until.recv();
        }
    }
}

/// Holds an anchor, and ends at its first message: in order, or by a panic.
struct Ship;

impl Actor for Ship {
    type Msg = Inbox<Order, ()>;
    type State = (Feed<Order>, Anchor);
    type Arguments = Self::State;

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        state: Self::State,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(state)
    }

    async fn handle(
        &self,
        me: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match state.0.next(&mut Some(message)).await {
            Some(Work::Public(Order::Leave, _)) => me.stop(None),
            _ => panic!("a panic in handle"),
        }
        Ok(())
    }
}

/// An actor ends, in order or by a panic, and what it held is never dropped.
async fn holds_up_nobody_else(in_order: bool) {
    let stage = Stage::default();
    let (release, until) = sync_channel::<()>(0);
    let address = Address::<Order>::new(Limits::default());
    let mut until = Some(until);
    let ship = ChildSpec::new(&address, move |feed| (Ship, (feed, Anchor { until: until.take() })));
    let tight = HealthLimits { stalled: Duration::from_millis(300), ..HealthLimits::default() };
    let (other, spec) = puppet(&stage, "other");
    // Long enough for what follows on a busy machine: after it the node stops.
    let builder = node([ship.health(tight), spec]).grace(Duration::from_secs(4));
    let node = running(builder).await;
    let blow = if in_order { Order::Leave } else { Order::Block { until: sync_channel(0).1 } };
    address.try_tell(Context::root(PATIENCE), blow).unwrap();
    // The supervisor answers and acts all the while.
    node.handle().restart(Context::root(PATIENCE), "other").await.unwrap();
    assert_eq!(ping(&other).await, Ok(2));
    let report = ended(node).await;
    drop(release);
    assert!(matches!(&report.reason, StopReason::Stuck { actor, .. } if actor == "puppet"), "{report}");
    assert!(stage.journal().ends_with(&["other flushed".to_owned()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_an_actor_held_and_is_never_dropped_holds_up_nobody_else() {
    holds_up_nobody_else(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_an_actor_held_that_panicked_and_is_never_dropped_holds_up_nobody_else() {
    holds_up_nobody_else(false).await;
}
