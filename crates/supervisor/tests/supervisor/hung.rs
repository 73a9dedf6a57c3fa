//! Actors that make no progress.

use std::{sync::mpsc::sync_channel, time::Duration};

use alys_bus::{AskError, Context};
use alys_supervisor::{HealthLimits, Lifecycle, Outcome, StopReason};

use crate::actors::{Order, PATIENCE, Stage, ended, event, node, order, ping, puppet, running, started};

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
