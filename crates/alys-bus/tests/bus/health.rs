//! What the supervisor sees of an actor.

use std::time::Duration;

use alys_bus::{Limits, RunningStats};

use super::support::{Victim, ctx, echo, occupy, start, stop, victim};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn work_that_runs_too_long_shows_with_its_kind_and_age() {
    let (address, _) = victim(Limits::default()).await;
    let observer = address.observer();
    assert_eq!(observer.stats().running, None);
    assert_eq!(observer.stats().last_progress, None);
    let go = occupy(&address).await;
    address.try_tell(ctx(), Victim::Note { n: 1 }).unwrap();
    address.control().try_tell(ctx(), Victim::Note { n: 2 }).unwrap();
    tokio::time::advance(3 * SECOND).await;
    let stats = observer.stats();
    assert_eq!(stats.running, Some(RunningStats { message: "WaitTold", age: 3 * SECOND }));
    assert_eq!((stats.queued, stats.in_flight()), (2, 3));
    assert_eq!((stats.stalled, stats.last_progress), (3 * SECOND, Some(3 * SECOND)));
    go.send(()).unwrap();
    assert_eq!(echo(&address, 1).await, Ok(2));
    tokio::task::yield_now().await;
    let stats = observer.stats();
    assert_eq!((stats.running, stats.queued, stats.stalled), (None, 0, Duration::ZERO));
    assert_eq!(stats.last_progress, Some(Duration::ZERO));
    assert_eq!(observer.actor(), "victim");
}

#[tokio::test(start_paused = true)]
async fn a_handler_of_private_messages_that_hangs_shows_too() {
    let (address, _) = victim(Limits::default()).await;
    address.try_tell(ctx(), Victim::Tick { period: SECOND, work: 60 * SECOND }).unwrap();
    tokio::time::sleep(6 * SECOND).await;
    let running = address.stats().running.unwrap();
    assert_eq!(running, RunningStats { message: "private", age: 5 * SECOND });
}

#[tokio::test(start_paused = true)]
async fn queued_work_without_progress_shows_its_age() {
    let (address, actor) = victim(Limits::default()).await;
    assert_eq!(echo(&address, 1).await, Ok(2));
    tokio::time::advance(7 * SECOND).await;
    // Nothing polls the actor until this test awaits: it is as if its thread were stuck.
    address.try_tell(ctx(), Victim::Note { n: 1 }).unwrap();
    assert_eq!(address.stats().stalled, Duration::ZERO, "time counts from when the queue filled");
    address.unbind();
    assert_eq!(address.stats().queued, 0, "what nobody is bound to work on is no queue");
    stop(&actor).await;
    let _again = start(&address, None).await;
    let stats = address.stats();
    assert_eq!(
        (stats.queued, stats.running, stats.last_progress),
        (0, None, None),
        "ages are of this incarnation"
    );
}

#[tokio::test]
async fn refused_and_unanswered_requests_are_counted() {
    let (address, _) = victim(Limits { normal: 1, control: 1, waiters: 0 }).await;
    let go = occupy(&address).await;
    assert!(echo(&address, 1).await.is_err());
    assert!(address.try_tell(ctx(), Victim::Note { n: 1 }).is_err());
    go.send(()).unwrap();
    assert_eq!(echo(&address.control(), 1).await, Ok(2));
    assert_eq!(address.stats().refused, 2);
}
