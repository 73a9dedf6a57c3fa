//! Ticks never pile up.

use std::time::Duration;

use alys_bus::{AskError, Limits};
use tokio::time::Instant;

use super::support::{Victim, ctx, notes, stop, victim};

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[tokio::test(start_paused = true)]
async fn tick_storm() {
    let (address, _) = victim(Limits::default()).await;
    address.try_tell(ctx(), Victim::Tick { period: ms(10), work: ms(990) }).unwrap();
    tokio::time::sleep(ms(10_005)).await;
    let begun = Instant::now();
    let ticks = notes(&address).await.len();
    assert!((9..=11).contains(&ticks), "one each 10 ms of pause and 990 ms of work: {ticks}");
    assert!(begun.elapsed() <= ms(990), "a request waits for one tick at most, not for a storm of them");
}

#[tokio::test(start_paused = true)]
async fn a_timer_with_a_quick_handler_ticks_at_its_period() {
    let (address, _) = victim(Limits::default()).await;
    address.try_tell(ctx(), Victim::Tick { period: ms(10), work: ms(0) }).unwrap();
    tokio::time::sleep(ms(1_005)).await;
    assert_eq!(notes(&address).await.len(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_timer_ends_with_its_actor_and_a_new_one_replaces_the_old() {
    let (address, actor) = victim(Limits::default()).await;
    address.try_tell(ctx(), Victim::Tick { period: ms(10), work: ms(0) }).unwrap();
    tokio::time::sleep(ms(105)).await;
    address.try_tell(ctx(), Victim::Tick { period: ms(1_000), work: ms(0) }).unwrap();
    tokio::time::sleep(ms(1_005)).await;
    assert_eq!(notes(&address).await.len(), 11, "ten ticks of the first, one of the second");
    stop(&actor).await;
    let outcome = address.ask(ctx(), |reply| Victim::Notes { reply }).await;
    assert_eq!(outcome, Err(AskError::Unavailable("victim")));
}
