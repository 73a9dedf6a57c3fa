//! An actor that ends is started again, and its address leads to the new incarnation.

use std::time::Duration;

use alys_bus::AskError;
use alys_supervisor::{Budget, ChildSpec, Lifecycle, RestartPolicy};

use crate::actors::{Order, Stage, ended, event, node, order, ping, puppet, running, started};

/// Ends the only actor by `blow`, and checks that it comes back, and what its askers saw.
async fn comes_back_after(blow: impl AsyncFnOnce(&Stage, &alys_bus::Address<Order>)) -> String {
    let stage = Stage::default();
    let (address, spec) = puppet(&stage, "a");
    let node = running(node([spec])).await;
    let mut events = node.handle().events();
    assert_eq!(ping(&address).await, Ok(1));

    blow(&stage, &address).await;

    let end = event(&mut events, |event| matches!(event, Lifecycle::Ended { .. })).await;
    let Lifecycle::Ended { reason, .. } = end else {
        panic!("not an end: {end:?}");
    };
    assert_eq!(
        ping(&address).await,
        Err(AskError::Unavailable("puppet")),
        "between two incarnations the address leads nowhere"
    );
    started(&mut events, "a").await;
    assert_eq!(ping(&address).await, Ok(2), "the same address leads to the new one");
    let health = node.handle().health();
    assert_eq!(health[0].restarts, 1);
    assert_eq!(health[0].last_end.as_deref(), Some(reason.as_str()));
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
    reason
}

#[tokio::test(start_paused = true)]
async fn a_killed_actor_comes_back() {
    let reason = comes_back_after(async |stage, _| stage.cell("a").kill()).await;
    assert_eq!(reason, "killed");
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_panics_in_handle_comes_back_and_its_asker_gets_a_typed_error() {
    let reason = comes_back_after(async |_, address| {
        let outcome = order(address, |reply| Order::Panic { reply }).await;
        assert_eq!(outcome, Err(AskError::NoReply("puppet")));
    })
    .await;
    assert_eq!(reason, "a panic in handle");
}

#[tokio::test(start_paused = true)]
async fn an_actor_whose_handler_returns_an_error_comes_back() {
    let reason = comes_back_after(async |_, address| {
        let outcome = order(address, |reply| Order::Fail { reply }).await;
        assert_eq!(outcome, Err(AskError::NoReply("puppet")));
    })
    .await;
    assert_eq!(reason, "an error from handle");
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_stops_itself_comes_back() {
    let reason = comes_back_after(async |_, address| {
        let ctx = alys_bus::Context::root(Duration::from_secs(1));
        address.try_tell(ctx, Order::Leave).unwrap();
    })
    .await;
    assert_eq!(reason, "it stopped by itself");
}

#[tokio::test(start_paused = true)]
async fn stale_ref() {
    let stage = Stage::default();
    let (address, spec) = puppet(&stage, "a");
    let node = running(node([spec])).await;
    let mut events = node.handle().events();
    // Handles made before, in both lanes, and one that can only tell.
    let (control, teller) = (address.control(), address.tell_only());
    for incarnation in 2..=4 {
        stage.cell("a").kill();
        started(&mut events, "a").await;
        assert_eq!(ping(&address).await, Ok(incarnation));
        assert_eq!(ping(&control).await, Ok(incarnation));
    }
    let ctx = alys_bus::Context::root(Duration::from_secs(1));
    assert_eq!(teller.try_tell(ctx, Order::Leave), Ok(()));
    started(&mut events, "a").await;
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
}

#[tokio::test(start_paused = true)]
async fn an_actor_is_bound_again_within_100_ms_of_its_first_end() {
    let stage = Stage::default();
    let (address, spec) = puppet(&stage, "a");
    let node = running(node([spec])).await;
    let mut events = node.handle().events();
    let clock = alys_bus::Clock::at(0);
    stage.cell("a").kill();
    started(&mut events, "a").await;
    // Paused time: this is the pause alone, to the millisecond of tokio's timer.
    assert!(clock.now_ms() < 100, "took {} ms", clock.now_ms());
    assert_eq!(ping(&address).await, Ok(2));
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
}

#[tokio::test]
async fn a_hundred_askers_see_only_typed_errors_while_an_actor_is_killed_again_and_again() {
    let stage = Stage::default();
    let (address, spec) = puppet(&stage, "a");
    let spec = spec
        .budget(Budget { restarts: 1000, within: Duration::from_secs(60) })
        .restart(RestartPolicy::Backoff { first: Duration::from_millis(1), max: Duration::from_millis(1) });
    let node = running(node([spec])).await;
    let mut events = node.handle().events();
    let (owner, mut panics) = alys_bus::Owner::watched("askers");
    let (done, mut outcomes) = tokio::sync::mpsc::channel(100);
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let (address, done) = (address.clone(), done.clone());
            alys_bus::spawn_task(owner.clone(), "asker", async move {
                let mut answered = 0;
                while answered < 50 {
                    match ping(&address).await {
                        Ok(_) => answered += 1,
                        Err(AskError::Unavailable(_) | AskError::NoReply(_)) => {}
                        Err(other) => panic!("an asker saw {other:?}"),
                    }
                    tokio::task::yield_now().await;
                }
                done.send(()).await.unwrap();
            })
        })
        .collect();
    for _ in 0..20 {
        stage.cell("a").kill();
        started(&mut events, "a").await;
    }
    let all = async {
        for _ in 0..100 {
            outcomes.recv().await.unwrap();
        }
    };
    tokio::time::timeout(crate::actors::PATIENCE, all).await.unwrap();
    assert_eq!(panics.try_next(), None);
    assert_eq!(address.stats().in_flight(), 0, "all credits came back");
    drop(tasks);
    node.handle().stop("the test is over");
    assert_eq!(ended(node).await.children[0].restarts, 20);
}

#[tokio::test(start_paused = true)]
async fn restart_flips_a_flag() {
    let stage = Stage::default();
    let (address, spec) = puppet(&stage, "a");
    let node = running(node([spec])).await;
    let before = stage.cell("a");
    let ctx = alys_bus::Context::root(crate::actors::PATIENCE);
    node.handle().restart(ctx, "a").await.unwrap();
    assert_ne!(before.get_id(), stage.cell("a").get_id(), "another actor");
    assert_eq!(before.get_status(), ractor::ActorStatus::Stopped, "the old one has gone");
    assert_eq!(ping(&address).await, Ok(2), "and the new one answers");
    assert_eq!(stage.journal(), ["a started", "a flushed", "a started"]);
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
}

/// Panics when it is dropped, as what an actor holds may.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("a panic in drop");
    }
}

/// Holds a grenade, and stops itself at its first message.
struct Holder;

impl ractor::Actor for Holder {
    type Msg = alys_bus::Inbox<Order, ()>;
    type State = (alys_bus::Feed<Order>, Option<Grenade>);
    type Arguments = Self::State;

    async fn pre_start(
        &self,
        _: ractor::ActorRef<Self::Msg>,
        state: Self::State,
    ) -> Result<Self::State, ractor::ActorProcessingErr> {
        Ok(state)
    }

    async fn handle(
        &self,
        me: ractor::ActorRef<Self::Msg>,
        _: Self::Msg,
        _: &mut Self::State,
    ) -> Result<(), ractor::ActorProcessingErr> {
        me.stop(None);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_what_an_actor_held_is_not_the_supervisors() {
    let address = alys_bus::Address::<Order>::new(alys_bus::Limits::default());
    let mut first = Some(Grenade);
    let spec = ChildSpec::new(&address, move |feed| (Holder, (feed, first.take())));
    let node = running(node([spec])).await;
    let mut events = node.handle().events();
    let ctx = alys_bus::Context::root(Duration::from_secs(1));
    address.try_tell(ctx, Order::Leave).unwrap();
    let end = event(&mut events, |event| matches!(event, Lifecycle::Ended { .. })).await;
    assert!(format!("{end:?}").contains("what it held panicked when dropped"));
    started(&mut events, "puppet").await;
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
}

/// Takes its time to be dropped, as a database or a socket may, and says when it has been.
struct Slow {
    stage: Stage,
    bell: std::sync::Arc<tokio::sync::Notify>,
}

impl Drop for Slow {
    fn drop(&mut self) {
        // The task that an actor's end has just woken, the supervisor, waits for this very thread, unless another one is woken after it.
        self.bell.notify_one();
        let (_sender, never) = std::sync::mpsc::sync_channel::<()>(0);
        // Nothing comes: this only takes time, on a thread of the runtime.
        let _ = never.recv_timeout(Duration::from_millis(50));
        self.stage.write("dropped");
    }
}

/// Holds something slow, and panics at its first message.
struct Owner;

impl ractor::Actor for Owner {
    type Msg = alys_bus::Inbox<Order, ()>;
    type State = (alys_bus::Feed<Order>, Slow);
    type Arguments = Self::State;

    async fn pre_start(
        &self,
        _: ractor::ActorRef<Self::Msg>,
        state: Self::State,
    ) -> Result<Self::State, ractor::ActorProcessingErr> {
        state.1.stage.write("started");
        Ok(state)
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<Self::Msg>,
        _: Self::Msg,
        _: &mut Self::State,
    ) -> Result<(), ractor::ActorProcessingErr> {
        panic!("a panic in handle");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn an_actor_is_started_again_only_when_all_that_the_last_one_held_is_dropped() {
    let stage = Stage::default();
    let address = alys_bus::Address::<Order>::new(alys_bus::Limits::default());
    let bell = std::sync::Arc::new(tokio::sync::Notify::new());
    let (writer, rung) = (stage.clone(), bell.clone());
    let spec = ChildSpec::new(&address, move |feed| {
        let (stage, bell) = (writer.clone(), bell.clone());
        (Owner, (feed, Slow { stage, bell }))
    });
    let (owner, _panics) = alys_bus::Owner::watched("listener");
    let _listener = alys_bus::spawn_task(owner, "listener", async move {
        loop {
            rung.notified().await;
        }
    });
    let at_once = RestartPolicy::Backoff { first: Duration::ZERO, max: Duration::ZERO };
    let node = running(node([spec.restart(at_once)])).await;
    let mut events = node.handle().events();
    let ctx = alys_bus::Context::root(crate::actors::PATIENCE);
    address.try_tell(ctx, Order::Leave).unwrap();
    started(&mut events, "puppet").await;
    assert_eq!(stage.journal(), ["started", "dropped", "started"]);
    node.handle().stop("the test is over");
    assert!(ended(node).await.is_success());
}
