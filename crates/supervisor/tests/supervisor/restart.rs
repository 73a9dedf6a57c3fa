//! An actor that ends is started again, and its address leads to the new incarnation.

use std::time::Duration;

use alys_bus::AskError;
use alys_supervisor::Lifecycle;

use crate::actors::{Order, Stage, event, node, order, ping, puppet, running, started};

/// Ends the only actor by `blow`, and checks that it comes back, and what its askers saw.
async fn comes_back_after(blow: impl AsyncFnOnce(&Stage, &alys_bus::Address<Order>)) -> String {
    let stage = Stage::default();
    let (address, spec) = puppet(&stage, "a");
    let node = running(node([spec])).await;
    let mut events = node.handle().events();
    let mut control = stage.cell("a");
    assert_eq!(ping(&address).await, Ok(1));

    blow(&stage, &address).await;

    let ended = event(&mut events, |event| matches!(event, Lifecycle::Ended { .. })).await;
    let Lifecycle::Ended { reason, .. } = ended else {
        panic!("not an end: {ended:?}");
    };
    assert_eq!(
        ping(&address).await,
        Err(AskError::Unavailable("puppet")),
        "between two incarnations the address leads nowhere"
    );
    started(&mut events, "a").await;
    assert_eq!(ping(&address).await, Ok(2), "the same address leads to the new one");
    std::mem::swap(&mut control, &mut stage.cell("a"));
    let health = node.handle().health();
    assert_eq!(health[0].restarts, 1);
    assert_eq!(health[0].last_end.as_deref(), Some(reason.as_str()));
    node.handle().stop("the test is over");
    assert!(node.wait().await.is_success());
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
