//! Starts that fail, at first and later.

use std::time::Duration;

use alys_supervisor::{Lifecycle, StopReason};

use crate::actors::{Stage, Start, ended, event, node, ping, puppet, running, started};

/// Each way to fail, and what is said about it.
const FAILURES: [(Start, &str); 7] = [
    (Start::Panic, "a panic in pre_start"),
    (Start::Error, "an error in pre_start"),
    (Start::SetupError, "an error before the actor"),
    (Start::SetupPanic, "a panic before the actor"),
    (Start::Hang, "it did not start within 3s"),
    (Start::PanicAfter, "a panic in post_start"),
    (Start::HangAfter, "it did not start within 3s"),
];

#[tokio::test(start_paused = true)]
async fn a_first_start_that_fails_stops_the_node_with_the_reason() {
    for (failure, said) in FAILURES {
        let stage = Stage::default();
        let (_, base) = puppet(&stage, "base");
        let (_, spec) = puppet(&stage, "a");
        let (_, above) = puppet(&stage, "above");
        stage.next_starts("a", [Some(failure)]);
        let builder =
            node([base, spec.depends_on("base").start_within(Duration::from_secs(3)), above.depends_on("a")]);
        let node = builder.start().await.unwrap();
        assert!(!node.handle().until_running(crate::actors::PATIENCE).await);
        let report = ended(node).await;
        assert_eq!(report.reason, StopReason::NotStarted { actor: "a".to_owned(), reason: said.to_owned() });
        assert!(!report.is_success());
        assert_eq!(
            stage.journal(),
            ["base started", "base flushed"],
            "what had started was stopped in order, and nothing above it was started"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_fails_is_tried_again() {
    for (failure, said) in FAILURES {
        let stage = Stage::default();
        let (address, spec) = puppet(&stage, "a");
        let node = running(node([spec.start_within(Duration::from_secs(3))])).await;
        let mut events = node.handle().events();
        stage.next_starts("a", [Some(failure), Some(failure)]);
        stage.cell("a").kill();
        for _ in 0..2 {
            event(&mut events, |event| matches!(event, Lifecycle::Ended { reason, .. } if reason == said))
                .await;
        }
        started(&mut events, "a").await;
        assert_eq!(ping(&address).await, Ok(2), "incarnations that never ran do not count");
        node.handle().stop("the test is over");
        assert!(ended(node).await.is_success());
    }
}

#[tokio::test(start_paused = true)]
async fn failed_restarts_spend_the_budget_however_long_they_take() {
    for (failure, said) in FAILURES {
        let stage = Stage::default();
        let (_, spec) = puppet(&stage, "a");
        // Two overdue starts last longer than the budget's time: only their number in a row ends this.
        let budget = alys_supervisor::Budget { restarts: 3, within: Duration::from_secs(5) };
        let spec = spec.start_within(Duration::from_secs(3)).budget(budget);
        let node = running(node([spec])).await;
        stage.next_starts("a", [Some(failure); 10]);
        stage.cell("a").kill();
        let report = ended(node).await;
        assert!(matches!(&report.reason, StopReason::BudgetSpent { last, .. } if last == said), "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_during_a_start_cancels_it() {
    let stage = Stage::default();
    let (_, base) = puppet(&stage, "base");
    let (_, spec) = puppet(&stage, "a");
    stage.next_starts("a", [Some(Start::Hang)]);
    let node = node([base, spec.depends_on("base")]).start().await.unwrap();
    let mut health = node.handle().watch();
    health
        .wait_for(|all| all.get(1).is_some_and(|actor| actor.state == alys_supervisor::ActorState::Starting))
        .await
        .unwrap();
    node.handle().stop("no patience");
    let report = ended(node).await;
    assert!(report.is_success(), "{report}");
    assert_eq!(stage.journal(), ["base started", "base flushed"]);
}

#[tokio::test]
async fn an_actor_that_ends_as_soon_as_it_has_started_is_started_again() {
    // Not paused: the report of the start and the end are on their way at once.
    for _ in 0..50 {
        let stage = Stage::default();
        let (address, spec) = puppet(&stage, "a");
        stage.next_starts("a", [Some(Start::Leave), Some(Start::Leave)]);
        let node = node([spec]).start().await.unwrap();
        let mut health = node.handle().watch();
        let came_back = health.wait_for(|all| {
            all.first().is_some_and(|actor| {
                actor.restarts == 2 && actor.state == alys_supervisor::ActorState::Running
            })
        });
        let health = tokio::time::timeout(crate::actors::PATIENCE, came_back).await.unwrap();
        assert_eq!(health.unwrap()[0].last_end.as_deref(), Some("it stopped by itself"));
        assert_eq!(ping(&address).await, Ok(3));
        node.handle().stop("the test is over");
        assert!(ended(node).await.is_success());
    }
}
