//! Pauses and budgets, exact to the nanosecond.

use std::time::Duration;

use proptest::prelude::*;

use super::{
    rules, specs,
    world::{Life, Obedience, World},
};
use crate::{
    Budget, Lifecycle, RestartPolicy, StopReason,
    core::{Effect, Input, Moment, backoff, budget::Window},
};

/// One child with these rules, bound.
fn one(policy: RestartPolicy, budget: Budget, seed: u64) -> World {
    let mut rules = rules();
    rules.policy = policy;
    rules.budget = budget;
    let names = specs(&vec![(0, 0)]).remove(0);
    let mut world = World::new(vec![(names, rules)], Obedience::Willing, seed);
    world.step(Input::Begin);
    run_up(&mut world);
    world
}

fn run_up(world: &mut World) {
    while !world.all_bound() && world.exit.is_none() {
        assert!(world.pass(), "it never came up");
    }
}

proptest! {
    #[test]
    fn a_restart_comes_exactly_when_its_pause_ends_and_pauses_double_up_to_the_longest(
        first in 1u64..2_000, factor in 1u64..200, seed in any::<u64>()
    ) {
        let first = Duration::from_millis(first);
        let max = first * u32::try_from(factor).unwrap();
        let budget = Budget { restarts: 12, within: Duration::from_secs(1_000_000) };
        let mut world = one(RestartPolicy::Backoff { first, max }, budget, seed);
        for restart in 0..12u32 {
            let before = world.done.len();
            world.crash(0, false);
            run_up(&mut world);
            let done = &world.done[before..];
            let (ended, pause) = done.iter().find_map(|(at, effect)| match effect {
                Effect::Report(Lifecycle::BackingOff { pause, .. }) => Some((*at, *pause)),
                _ => None,
            }).unwrap();
            let started = done.iter().find_map(|(at, effect)| {
                matches!(effect, Effect::Start { .. }).then_some(*at)
            }).unwrap();
            prop_assert_eq!(started, ended + pause);
            let whole = (first * 2u32.pow(restart)).min(max);
            prop_assert!(pause >= whole / 2 && pause <= whole, "{pause:?} of {whole:?}");
        }
    }

    #[test]
    fn a_budget_is_spent_exactly_by_the_end_that_exceeds_it(
        restarts in 0u32..6,
        within in 1u64..100,
        gaps in prop::collection::vec(0u64..60, 1..40),
    ) {
        let within = Duration::from_secs(within);
        let policy = RestartPolicy::Backoff { first: Duration::ZERO, max: Duration::ZERO };
        let mut world = one(policy, Budget { restarts, within }, 3);
        // The times at which an end was taken in: when the ended one was gone.
        let mut taken: Vec<Moment> = Vec::new();
        for gap in gaps {
            world.now += Duration::from_secs(gap);
            let before = world.done.len();
            world.crash(0, false);
            run_up(&mut world);
            let at = world.done[before..].iter().find_map(|(at, effect)| {
                matches!(effect, Effect::Report(Lifecycle::Ended { .. })).then_some(*at)
            }).unwrap();
            let recent = taken.iter().filter(|&&then| at - then < within).count();
            let spent = recent >= restarts as usize;
            prop_assert_eq!(world.exit.is_some(), spent);
            if let Some(report) = &world.exit {
                let by_budget = matches!(report.reason, StopReason::BudgetSpent { .. });
                prop_assert!(by_budget);
                return Ok(());
            }
            taken.push(at);
        }
    }

    #[test]
    fn a_pause_is_between_a_half_and_the_whole_for_any_figures(
        first in any::<u64>(), max in any::<u64>(), restart in any::<u32>(), random in any::<u64>()
    ) {
        let (first, max) = (Duration::from_nanos(first), Duration::from_nanos(max));
        let pause = backoff::pause(first, max, restart, random);
        let whole = first.saturating_mul(1 << restart.saturating_sub(1).min(31)).min(max);
        prop_assert!(pause >= whole / 2 && pause <= whole);
    }
}

#[test]
fn a_restart_leaves_the_budget_exactly_when_its_time_is_over() {
    let within = Duration::from_secs(60);
    let budget = Budget { restarts: 2, within };
    let mut window = Window::default();
    let at = Duration::from_secs;
    assert_eq!(window.take(budget, at(0)), Some(1));
    assert_eq!(window.take(budget, at(1)), Some(2));
    assert_eq!(window.take(budget, within - Duration::from_nanos(1)), None);
    assert_eq!(window.take(budget, within), Some(2));
    assert_eq!(window.take(budget, within), None);
    assert_eq!(window.take(budget, at(61)), Some(2));
}

#[test]
fn the_same_seed_gives_the_same_pauses_and_another_one_others() {
    let pauses = |seed| {
        let budget = Budget { restarts: 5, within: Duration::from_secs(60) };
        let mut world = one(RestartPolicy::default(), budget, seed);
        for _ in 0..5 {
            world.crash(0, false);
            run_up(&mut world);
        }
        let pauses = world.done.iter().filter_map(|(_, effect)| match effect {
            Effect::Report(Lifecycle::BackingOff { pause, .. }) => Some(*pause),
            _ => None,
        });
        pauses.collect::<Vec<_>>()
    };
    assert_eq!(pauses(1), pauses(1));
    assert_ne!(pauses(1), pauses(2));
}

#[test]
fn a_request_to_restart_starts_at_once_what_waits_for_its_pause() {
    let policy = RestartPolicy::Backoff { first: Duration::from_secs(1000), max: Duration::from_secs(1000) };
    let mut world = one(policy, Budget::default(), 9);
    world.crash(0, false);
    while world.lives[0] != Life::Nothing {
        assert!(world.pass());
    }
    let before = world.now;
    world.step(Input::Restart { child: crate::core::ChildId(0) });
    assert!(matches!(world.lives[0], Life::Starting(_)));
    assert_eq!(world.now, before);
}
