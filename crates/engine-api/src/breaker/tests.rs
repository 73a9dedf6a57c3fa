//! The breaker against what its documentation says.

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn opened() -> Breaker {
    let mut breaker = Breaker::default();
    for _ in 0..5 {
        assert_eq!(breaker.admit(Duration::ZERO), Admission::Go);
        breaker.failed(Duration::ZERO);
    }
    breaker
}

#[test]
fn the_fifth_failure_in_a_row_opens_it_and_a_success_between_starts_the_count_anew() {
    let mut breaker = Breaker::default();
    for round in 0..3 {
        for _ in 0..4 {
            breaker.failed(SECOND);
        }
        assert_eq!(breaker.state(), BreakerState::Closed, "round {round}");
        breaker.succeeded();
    }
    assert_eq!(opened().state(), BreakerState::Open);
}

#[test]
fn open_it_lets_nothing_through_for_half_a_second() {
    let mut breaker = opened();
    assert_eq!(breaker.admit(SECOND / 8), Admission::Wait(SECOND * 3 / 8));
    assert_eq!(breaker.admit(SECOND / 2), Admission::Go);
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
}

#[test]
fn half_open_one_request_at_a_time_goes_and_the_third_success_closes_it() {
    let mut breaker = opened();
    for trial in 1..=3 {
        assert_eq!(breaker.admit(SECOND), Admission::Go, "trial {trial}");
        if trial < 3 {
            assert_eq!(breaker.admit(SECOND), Admission::Wait(SECOND / 2));
        }
        breaker.succeeded();
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn a_failure_while_half_open_opens_it_again() {
    let mut breaker = opened();
    assert_eq!(breaker.admit(SECOND), Admission::Go);
    breaker.failed(SECOND);
    assert_eq!(breaker.admit(SECOND), Admission::Wait(SECOND / 2));
}

#[test]
fn a_trial_that_nobody_reports_or_that_was_cancelled_does_not_lock_it() {
    let mut breaker = opened();
    assert_eq!(breaker.admit(SECOND), Admission::Go);
    assert_eq!(breaker.admit(2 * SECOND), Admission::Go, "the first was never reported");
    breaker.cancelled();
    assert_eq!(breaker.admit(2 * SECOND), Admission::Go);
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Pass(u64),
    Ask { good: bool },
}

proptest! {
    /// Whatever happened, a client that answers again is asked within `open_for`, and after three answers
    /// all goes through.
    #[test]
    fn a_client_that_returns_is_found_within_the_open_interval(
        steps in prop::collection::vec(
            prop_oneof![
                (0u64..2_000).prop_map(Step::Pass),
                any::<bool>().prop_map(|good| Step::Ask { good }),
            ],
            0..200,
        ),
    ) {
        let limits = BreakerLimits::default();
        let mut breaker = Breaker::new(limits);
        let mut now = Duration::ZERO;
        let mut in_a_row = 0;
        for step in steps {
            match step {
                Step::Pass(ms) => now += Duration::from_millis(ms),
                Step::Ask { good } => {
                    match breaker.admit(now) {
                        Admission::Wait(left) => {
                            prop_assert!(left <= limits.open_for);
                            prop_assert!(breaker.state() != BreakerState::Closed);
                            continue;
                        }
                        Admission::Go if good => {
                            breaker.succeeded();
                            in_a_row = 0;
                        }
                        Admission::Go => {
                            breaker.failed(now);
                            in_a_row += 1;
                        }
                    }
                    prop_assert!(in_a_row < 5 || breaker.state() == BreakerState::Open);
                }
            }
        }
        now += limits.open_for;
        for _ in 0..3 {
            prop_assert_eq!(breaker.admit(now), Admission::Go);
            breaker.succeeded();
        }
        prop_assert_eq!(breaker.state(), BreakerState::Closed);
    }
}
