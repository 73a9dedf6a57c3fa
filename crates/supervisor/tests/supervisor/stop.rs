//! The shutdown: its order, its deadlines, and that everything is flushed.

use std::time::Duration;

use alys_bus::AskError;
use alys_supervisor::{Outcome, StopReason};

use crate::actors::{Stage, Stop, ended, node, ping, puppet, running};

#[tokio::test(start_paused = true)]
async fn kill_without_flush() {
    let stage = Stage::default();
    let spec = |name: &str| puppet(&stage, name).1;
    // A node's actors, with its dependencies.
    let node = running(node([
        spec("metrics"),
        spec("storage"),
        spec("engine").depends_on("storage"),
        spec("federation").depends_on("storage"),
        spec("bridge").depends_on("federation"),
        spec("network").depends_on("storage").intake(),
        spec("chain").depends_on("engine").depends_on("network").depends_on("bridge"),
        spec("rpc").depends_on("chain").intake(),
    ]))
    .await;
    stage.take_journal();
    node.handle().stop("the test is over");
    let report = ended(node).await;
    assert_eq!(
        stage.journal(),
        [
            "rpc flushed",
            "network flushed",
            "chain flushed",
            "bridge flushed",
            "federation flushed",
            "engine flushed",
            "storage flushed",
            "metrics flushed",
        ],
        "intake first, then each after all that depends on it; and every post_stop ran to its end"
    );
    assert!(report.is_success());
    assert_eq!(report.exit_code(), 0);
    assert_eq!(report.to_string(), "stopped: the test is over");
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_does_not_stop_in_time_is_killed_and_reported_and_the_rest_is_flushed() {
    let stage = Stage::default();
    let (_, base) = puppet(&stage, "base");
    let (address, slow) = puppet(&stage, "slow");
    let (_, above) = puppet(&stage, "above");
    stage.stops_by("slow", Stop::Hang);
    let limit = Duration::from_secs(2);
    let node =
        running(node([base, slow.depends_on("base").stop_within(limit), above.depends_on("slow")])).await;
    stage.take_journal();
    node.handle().stop("the test is over");
    let report = ended(node).await;
    assert_eq!(stage.journal(), ["above flushed", "base flushed"]);
    assert_eq!(report.children[1].outcome, Outcome::Killed);
    assert!(report.children[1].took >= limit);
    assert!(!report.is_success(), "nobody knows what it could not flush");
    assert_eq!(report.to_string(), "slow: killed: it did not stop in time\nstopped: the test is over");
    assert_eq!(ping(&address).await, Err(AskError::Unavailable("puppet")));
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_panics_in_post_stop_is_reported_and_the_rest_is_flushed() {
    let stage = Stage::default();
    let (_, base) = puppet(&stage, "base");
    let (_, bad) = puppet(&stage, "bad");
    stage.stops_by("bad", Stop::Panic);
    let node = running(node([base, bad.depends_on("base")])).await;
    stage.take_journal();
    node.handle().stop("the test is over");
    let report = ended(node).await;
    assert_eq!(stage.journal(), ["base flushed"]);
    assert_eq!(report.children[0].outcome, Outcome::Failed("a panic in post_stop".to_owned()));
    assert!(!report.is_success());
}

#[tokio::test(start_paused = true)]
async fn the_first_reason_to_stop_counts() {
    let stage = Stage::default();
    let (_, spec) = puppet(&stage, "a");
    let node = running(node([spec])).await;
    node.handle().stop("first");
    node.handle().stop("second");
    let report = ended(node).await;
    assert_eq!(report.reason, StopReason::Requested("first".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_node_without_actors_stops() {
    let node = node([]).start().await.unwrap();
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
}
