//! Control overtakes, in order, and starves nobody.

use alys_bus::{Context, Lane, Limits};

use super::support::{PATIENCE, Victim, ctx, notes, occupy, victim, within};

#[tokio::test]
async fn control_work_overtakes_all_that_waits_and_order_holds_within_each_lane() {
    let (address, _) = victim(Limits::default()).await;
    let control = address.control();
    let go = occupy(&address).await;
    for n in 0..20 {
        address.try_tell(ctx(), Victim::Note { n }).unwrap();
        if n % 4 == 0 {
            control.try_tell(ctx(), Victim::Note { n: 100 + n }).unwrap();
        }
    }
    go.send(()).unwrap();
    let expected: Vec<u64> = [100, 104, 108, 112, 116].into_iter().chain(0..20).collect();
    assert_eq!(notes(&address).await, expected);
}

#[tokio::test]
async fn control_work_is_taken_between_any_two_normal_messages() {
    let (address, _) = victim(Limits::default()).await;
    let control = address.control();
    let first = occupy(&address).await;
    address.try_tell(ctx(), Victim::Note { n: 1 }).unwrap();
    let (block, blocked) = super::support::block();
    address.try_tell(ctx(), Victim::WaitTold { block }).unwrap();
    address.try_tell(ctx(), Victim::Note { n: 2 }).unwrap();
    first.send(()).unwrap();
    within(blocked.entered).await.unwrap();
    control.try_tell(ctx(), Victim::Note { n: 100 }).unwrap();
    blocked.go.send(()).unwrap();
    assert_eq!(notes(&address).await, [1, 100, 2]);
}

#[tokio::test]
async fn a_stream_of_control_work_does_not_keep_the_actor_from_stopping_nor_normal_work_from_its_turn() {
    let (address, actor) = victim(Limits::default()).await;
    address.control().try_tell(ctx(), Victim::Churn { left: 300_000 }).unwrap();
    assert_eq!(super::support::echo(&address, 1).await, Ok(2));
    assert_eq!(address.stats().lane(Lane::Control).in_flight, 1, "the stream had not ended before");
    actor.stop_and_wait(None, Some(PATIENCE)).await.unwrap();
    let stats = address.stats();
    assert_eq!((stats.in_flight(), stats.unanswered), (0, 0));
}

#[tokio::test]
async fn a_full_normal_lane_takes_no_credit_from_control() {
    let (address, _) = victim(Limits::new(4, 2)).await;
    let go = occupy(&address).await;
    while address.try_tell(ctx(), Victim::Note { n: 1 }).is_ok() {}
    let vote = tokio::spawn({
        let control = address.control();
        async move { control.ask(Context::root(PATIENCE), |reply| Victim::Echo { n: 4, reply }).await }
    });
    tokio::task::yield_now().await;
    go.send(()).unwrap();
    assert_eq!(within(vote).await.unwrap(), Ok(5));
}

#[tokio::test]
async fn control_work_wakes_an_idle_actor_every_time() {
    let (address, _) = victim(Limits::default()).await;
    let control = address.control();
    for n in (0..200).filter(|n| *n != 13) {
        assert_eq!(within(super::support::echo(&control, n)).await, Ok(n + 1));
    }
}
