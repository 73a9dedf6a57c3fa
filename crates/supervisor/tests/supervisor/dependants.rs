//! What the end of one actor is to those that depend on it.

use alys_bus::AskError;
use alys_supervisor::BuildError;

use crate::actors::{Stage, build_error, ended, node, ping, puppet, running, started};

#[tokio::test(start_paused = true)]
async fn dependants_that_say_so_are_restarted_with_it_and_others_go_on() {
    let stage = Stage::default();
    let (base_address, base) = puppet(&stage, "base");
    let (_, with) = puppet(&stage, "with");
    let (_, further) = puppet(&stage, "further");
    let (apart_address, apart) = puppet(&stage, "apart");
    let node = running(node([
        further.restarts_with("with"),
        with.restarts_with("base"),
        apart.depends_on("base"),
        base,
    ]))
    .await;
    assert_eq!(
        stage.take_journal(),
        ["base started", "with started", "apart started", "further started"],
        "each after what it depends on, otherwise as declared"
    );
    let mut events = node.handle().events();
    stage.cell("base").kill();
    started(&mut events, "further").await;
    assert_eq!(
        stage.take_journal(),
        ["further flushed", "with flushed", "base started", "with started", "further started"],
        "stopped in order before it starts again, and started after it"
    );
    assert_eq!(ping(&base_address).await, Ok(2));
    assert_eq!(ping(&apart_address).await, Ok(1), "this one went on");
    let restarts = |name: &str| {
        let health = node.handle().health();
        let found = health.iter().find(|actor| actor.actor == name);
        found.unwrap().restarts
    };
    assert_eq!(restarts("with"), 1);
    assert_eq!(restarts("apart"), 0);
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
}

#[tokio::test(start_paused = true)]
async fn while_it_is_down_its_dependants_see_that_it_is_unavailable() {
    let stage = Stage::default();
    let (base_address, base) = puppet(&stage, "base");
    let (address, above) = puppet(&stage, "above");
    let node = running(node([base, above.depends_on("base")])).await;
    let mut events = node.handle().events();
    stage.cell("base").kill();
    crate::actors::event(&mut events, |event| matches!(event, alys_supervisor::Lifecycle::BackingOff { .. }))
        .await;
    assert_eq!(ping(&base_address).await, Err(AskError::Unavailable("puppet")));
    assert_eq!(ping(&address).await, Ok(1));
    started(&mut events, "base").await;
    assert_eq!(ping(&base_address).await, Ok(2));
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
}

#[tokio::test]
async fn a_circle_of_dependencies_is_refused_by_name() {
    let stage = Stage::default();
    let spec = |name: &str| puppet(&stage, name).1;
    let error = build_error(node([
        spec("outside").depends_on("a"),
        spec("a").depends_on("b"),
        spec("b").restarts_with("c"),
        spec("c").depends_on("a"),
    ]))
    .await;
    assert_eq!(error.to_string(), "children depend on each other in a circle: a -> b -> c -> a");
}

#[tokio::test]
async fn wrong_specs_are_refused_with_a_typed_error() {
    let stage = Stage::default();
    let spec = |name: &str| puppet(&stage, name).1;

    let error = build_error(node([spec("a"), spec("a")])).await;
    assert!(matches!(error, BuildError::Duplicate { actor } if actor == "a"));

    let error = build_error(node([spec("a").depends_on("nobody")])).await;
    assert!(
        matches!(error, BuildError::UnknownDependency { actor, dependency } if actor == "a" && dependency == "nobody")
    );

    let no_time = std::time::Duration::ZERO;
    let error = build_error(node([spec("a").stop_within(no_time)])).await;
    assert!(matches!(error, BuildError::Invalid { actor, .. } if actor == "a"));
    assert!(stage.journal().is_empty(), "nothing was started");
}
