//! What the supervisor can be asked over its address.

use std::any::Any;

use alys_bus::{
    Address, AskError, Context, Limits,
    protocol::supervisor::{ActorState, Registration, SupervisorError, SupervisorMessage},
};

use crate::actors::{PATIENCE, Stage, Start, ended, node, ping, puppet, running};

fn ctx() -> Context {
    Context::root(PATIENCE)
}

#[tokio::test(start_paused = true)]
async fn health_check_lists_the_actors_in_start_order() {
    let stage = Stage::default();
    let address = Address::new(Limits::new(8, 8));
    let (_, above) = puppet(&stage, "above");
    let (_, base) = puppet(&stage, "base");
    let builder = node([above.depends_on("base"), base]).address(&address);
    let node = running(builder).await;
    let ask = |reply| SupervisorMessage::HealthCheck { reply };
    let health = address.ask(ctx(), ask).await.unwrap();
    let shown: Vec<_> =
        health.iter().map(|actor| (actor.actor.as_str(), actor.state, actor.restarts)).collect();
    assert_eq!(shown, [("base", ActorState::Running, 0), ("above", ActorState::Running, 0)]);
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
    let outcome = address.ask(ctx(), |reply| SupervisorMessage::HealthCheck { reply }).await;
    assert_eq!(outcome, Err(AskError::Unavailable("supervisor")));
}

#[tokio::test(start_paused = true)]
async fn a_restart_on_request_takes_those_along_that_restart_with_it_and_spends_no_budget() {
    let stage = Stage::default();
    let (_, base) = puppet(&stage, "base");
    let (_, with) = puppet(&stage, "with");
    let nothing = alys_supervisor::Budget { restarts: 0, within: PATIENCE };
    let node = running(node([base.budget(nothing), with.restarts_with("base")])).await;
    stage.take_journal();
    for _ in 0..3 {
        node.handle().restart(ctx(), "base").await.unwrap();
        assert!(node.handle().until_running(PATIENCE).await);
        assert_eq!(stage.take_journal(), ["with flushed", "base flushed", "base started", "with started"]);
    }
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_nobody_is_a_typed_error() {
    let stage = Stage::default();
    let (_, spec) = puppet(&stage, "a");
    let node = running(node([spec])).await;
    let outcome = node.handle().restart(ctx(), "b").await;
    let unknown = SupervisorError::UnknownActor("b".to_owned());
    assert_eq!(outcome, Err(AskError::Actor(unknown)));
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_restart_hears_that_the_budget_is_spent() {
    let stage = Stage::default();
    let (_, spec) = puppet(&stage, "a");
    let node = running(node([spec])).await;
    stage.next_starts("a", [Some(Start::Error); 20]);
    let outcome = node.handle().restart(ctx(), "a").await;
    let expected =
        SupervisorError::NotStarted { actor: "a".to_owned(), reason: "an error in pre_start".to_owned() };
    assert_eq!(outcome, Err(AskError::Actor(expected)));
    assert!(!ended(node).await.is_success());
}

#[tokio::test(start_paused = true)]
async fn an_actor_registered_at_run_time_is_watched_like_the_others() {
    let stage = Stage::default();
    let (_, base) = puppet(&stage, "base");
    let node = running(node([base])).await;
    let mut events = node.handle().events();
    let (address, late) = puppet(&stage, "late");
    let registered = node.handle().register(ctx(), late.depends_on("base")).await;
    assert_eq!(registered, Ok(()));
    assert_eq!(ping(&address).await, Ok(1));
    stage.cell("late").kill();
    loop {
        crate::actors::started(&mut events, "late").await;
        if ping(&address).await == Ok(2) {
            break;
        }
    }
    stage.take_journal();
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
    assert_eq!(stage.journal(), ["late flushed", "base flushed"]);
}

#[tokio::test(start_paused = true)]
async fn a_registration_whose_start_fails_is_forgotten_and_the_node_goes_on() {
    let stage = Stage::default();
    let (address, base) = puppet(&stage, "base");
    let node = running(node([base])).await;
    stage.next_starts("late", [Some(Start::Panic)]);
    let (_, late) = puppet(&stage, "late");
    let outcome = node.handle().register(ctx(), late).await;
    let failed =
        SupervisorError::NotStarted { actor: "late".to_owned(), reason: "a panic in pre_start".to_owned() };
    assert_eq!(outcome, Err(AskError::Actor(failed)));
    assert_eq!(ping(&address).await, Ok(1));
    assert_eq!(node.handle().health().len(), 1);
    let (_, again) = puppet(&stage, "late");
    assert_eq!(node.handle().register(ctx(), again).await, Ok(()), "its name is free again");
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
}

/// Not a child spec.
#[derive(Debug)]
struct Stranger;

impl Registration for Stranger {
    fn actor(&self) -> &str {
        "stranger"
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

#[tokio::test(start_paused = true)]
async fn registrations_that_cannot_be_watched_are_refused() {
    let stage = Stage::default();
    let (_, base) = puppet(&stage, "base");
    let node = running(node([base])).await;
    let refused = |outcome| match outcome {
        Err(AskError::Actor(SupervisorError::Refused { reason, .. })) => reason,
        other => panic!("not refused: {other:?}"),
    };
    let (_, twin) = puppet(&stage, "base");
    assert!(refused(node.handle().register(ctx(), twin).await).contains("two children"));
    let (_, lost) = puppet(&stage, "lost");
    let outcome = node.handle().register(ctx(), lost.depends_on("nobody")).await;
    assert!(refused(outcome).contains("nobody"));
    let (_, ring) = puppet(&stage, "ring");
    let outcome = node.handle().register(ctx(), ring.depends_on("ring")).await;
    assert!(refused(outcome).contains("ring -> ring"));
    let actor = Box::new(Stranger);
    let ask = |reply| SupervisorMessage::RegisterActor { actor, reply };
    let outcome = node.handle().address().ask(ctx(), ask).await;
    assert!(refused(outcome).contains("not a ChildSpec"));
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
}

/// Panics as soon as it is looked at.
#[derive(Debug)]
struct Bomb;

impl Registration for Bomb {
    fn actor(&self) -> &str {
        panic!("a panic in the supervisor")
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_fails_itself_ends_the_run_with_a_failure() {
    let stage = Stage::default();
    let (address, base) = puppet(&stage, "base");
    let node = running(node([base])).await;
    let actor = Box::new(Bomb);
    let ask = |reply| SupervisorMessage::RegisterActor { actor, reply };
    let outcome = node.handle().address().ask(ctx(), ask).await;
    assert_eq!(outcome, Err(AskError::NoReply("supervisor")));
    let report = ended(node).await;
    assert_eq!(report.reason, alys_supervisor::StopReason::SupervisorFailed);
    assert_eq!(report.exit_code(), 1);
    assert_eq!(ping(&address).await, Err(AskError::Unavailable("puppet")));
}
