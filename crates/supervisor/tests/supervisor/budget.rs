//! A budget that is spent stops the node, in order, and says why.

use std::time::Duration;

use alys_supervisor::{Budget, Outcome, RestartPolicy, StopReason};

use crate::actors::{Order, Stage, ended, node, order, puppet, running, started};

#[tokio::test(start_paused = true)]
async fn a_spent_budget_stops_the_node_in_order_with_the_reason() {
    let stage = Stage::default();
    let (_, base) = puppet(&stage, "base");
    let (address, spec) = puppet(&stage, "a");
    let (_, above) = puppet(&stage, "above");
    let node = running(node([
        base,
        spec.depends_on("base").budget(Budget { restarts: 2, within: Duration::from_secs(60) }),
        above.depends_on("a"),
    ]))
    .await;
    let mut events = node.handle().events();
    for _ in 0..2 {
        let _ = order(&address, |reply| Order::Panic { reply }).await;
        started(&mut events, "a").await;
    }
    stage.take_journal();
    let _ = order(&address, |reply| Order::Fail { reply }).await;

    let report = ended(node).await;
    assert_eq!(
        report.reason,
        StopReason::BudgetSpent {
            actor: "a".to_owned(),
            restarts: 2,
            within: Duration::from_secs(60),
            last: "an error from handle".to_owned(),
        }
    );
    assert_eq!(stage.journal(), ["above flushed", "base flushed"]);
    let outcomes: Vec<_> =
        report.children.iter().map(|child| (child.actor.as_str(), child.outcome.clone())).collect();
    assert_eq!(
        outcomes,
        [("above", Outcome::Stopped), ("a", Outcome::NotRunning), ("base", Outcome::Stopped)]
    );
    assert!(!report.is_success());
    assert_eq!(report.exit_code(), 1);
    let text = report.to_string();
    assert_eq!(
        text.lines().last(),
        Some("stopped: a ended again after 2 restarts in 60s: an error from handle")
    );
}

#[tokio::test(start_paused = true)]
async fn restarts_older_than_the_budgets_time_are_forgotten() {
    let stage = Stage::default();
    let (address, spec) = puppet(&stage, "a");
    let node = running(node([spec.budget(Budget { restarts: 1, within: Duration::from_secs(10) })])).await;
    let mut events = node.handle().events();
    for _ in 0..5 {
        let _ = order(&address, |reply| Order::Panic { reply }).await;
        started(&mut events, "a").await;
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    node.handle().stop("the test is over");
    let report = ended(node).await;
    assert!(report.is_success());
    assert_eq!(report.children[0].restarts, 5);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_actor_that_is_never_restarted_is_the_end_of_the_node() {
    for (fails, success) in [(true, false), (false, true)] {
        let stage = Stage::default();
        let (address, spec) = puppet(&stage, "a");
        let (_, other) = puppet(&stage, "b");
        let node = running(node([spec.restart(RestartPolicy::Never), other])).await;
        if fails {
            let _ = order(&address, |reply| Order::Panic { reply }).await;
        } else {
            let ctx = alys_bus::Context::root(Duration::from_secs(1));
            address.try_tell(ctx, Order::Leave).unwrap();
        }
        let report = ended(node).await;
        let expected = if fails {
            StopReason::Failed { actor: "a".to_owned(), reason: "a panic in handle".to_owned() }
        } else {
            StopReason::Finished { actor: "a".to_owned() }
        };
        assert_eq!(report.reason, expected);
        assert_eq!(report.is_success(), success);
        assert!(stage.journal().contains(&"b flushed".to_owned()));
    }
}
