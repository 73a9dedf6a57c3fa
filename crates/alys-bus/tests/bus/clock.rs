//! Wall time and deadlines are one time.

use std::time::Duration;

use alys_bus::Clock;

#[tokio::test(start_paused = true)]
async fn a_clock_set_by_a_test_follows_paused_time() {
    let clock = Clock::at(1_700_000_000_000);
    let other = clock.clone();
    assert_eq!(clock.now_ms(), 1_700_000_000_000);
    tokio::time::advance(Duration::from_millis(2_500)).await;
    assert_eq!((clock.now_ms(), other.now_ms()), (1_700_000_002_500, 1_700_000_002_500));
    let begun = clock.now();
    clock.sleep_until(1_700_000_086_400).await;
    assert_eq!(clock.now_ms(), 1_700_000_086_400);
    assert_eq!(clock.now() - begun, Duration::from_millis(83_900));
    clock.sleep_until(0).await;
    assert_eq!(clock.instant_at(0), clock.now());
    assert_eq!(clock.instant_at(1_700_000_086_401) - clock.now(), Duration::from_millis(1));
}

#[tokio::test]
async fn the_systems_clock_shows_the_systems_time() {
    let clock = Clock::system();
    let system =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
    assert!(clock.now_ms().abs_diff(system) < 5_000);
    let target = clock.now_ms() + 2;
    clock.sleep_until(target).await;
    assert!(clock.now_ms() >= target);
}

/// Paused time runs ahead of the system's here; a clock that follows the system comes back to it, as
/// after a step of the system's clock.
#[tokio::test(start_paused = true)]
async fn the_systems_clock_follows_corrections_within_ten_seconds() {
    let clock = Clock::system();
    let begun = clock.now_ms();
    tokio::time::advance(Duration::from_millis(9_000)).await;
    assert!(clock.now_ms() >= begun + 9_000);
    tokio::time::advance(Duration::from_millis(1_001)).await;
    assert!(clock.now_ms() < begun + 9_000, "read anew from the system, for which no time has passed");
}
