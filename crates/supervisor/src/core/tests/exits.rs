//! No state without an exit: however unwilling the world is, a node that is to stop does.

use std::time::Duration;

use proptest::prelude::*;

use super::{
    any_dag, rules, specs,
    world::{Life, Obedience, World, stop},
};
use crate::{
    Budget, Outcome, StopReason,
    core::{ChildId, Effect, Input, ReleaseError},
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_node_that_is_told_to_stop_does_in_bounded_time_even_if_nothing_obeys(
        names in any_dag(),
        seed in any::<u64>(),
        events in prop::collection::vec((0usize..8, 0u8..5, 0u8..6), 0..20),
        signals in 0u8..3,
    ) {
        let children = names.len() as u32;
        let specs = names.into_iter().map(|names| {
            let mut rules = rules();
            rules.budget = Budget::default();
            (names, rules)
        }).collect();
        let mut world = World::new(specs, Obedience::Unwilling, seed);
        world.step(Input::Begin);
        for (child, what, passes) in events {
            if world.exit.is_some() {
                break;
            }
            let child = child % world.names.len();
            let id = ChildId(child);
            match what {
                0 => world.crash(child, false),
                1 => world.crash(child, true),
                2 => world.step(Input::Restart { child: id }),
                3 => if let Life::Bound(incarnation) = world.lives[child] {
                    let symptom = "slow".to_owned();
                    world.step(Input::Hung { child: id, incarnation, symptom });
                },
                _ => {}
            }
            for _ in 0..passes {
                if world.exit.is_none() {
                    world.pass();
                }
            }
        }
        let told = world.now;
        if world.exit.is_none() {
            match signals {
                0 => world.step(stop()),
                signals => for _ in 0..signals {
                    if world.exit.is_none() {
                        world.step(Input::Signal("SIGTERM"));
                    }
                }
            }
        }
        let mut steps = 0;
        while world.exit.is_none() {
            prop_assert!(world.pass(), "nothing is to come, and there is no exit: {:?}", world.lives);
            steps += 1;
            prop_assert!(steps < 1_000, "it goes on for ever");
        }
        // For each child at most: cancelled or stopped, killed, leaving, closed; each with its grace of 1 s.
        let each = Duration::from_secs(5 + 1 + 1 + 5 + 1 + 1);
        let took = world.now - told;
        prop_assert!(took <= each * children, "{took:?}");
        let report = world.exit.clone().unwrap();
        prop_assert_eq!(report.children.len(), world.names.len());
        // What is reported as stopped is.
        for child in &report.children {
            let life = world.lives[world.find(&child.actor)];
            if matches!(child.outcome, Outcome::Stopped | Outcome::NotRunning) {
                prop_assert_eq!(life, Life::Nothing, "{}", &child.actor);
            } else {
                prop_assert!(!report.is_success());
            }
        }
        // And nothing is bound.
        for life in &world.lives {
            prop_assert!(!matches!(life, Life::Bound(_)));
        }
    }

    #[test]
    fn a_second_signal_ends_the_node_within_the_grace(
        names in any_dag(), seed in any::<u64>(), passes in 0usize..30
    ) {
        let specs = names.into_iter().map(|names| (names, rules())).collect();
        let mut world = World::new(specs, Obedience::Unwilling, seed);
        world.step(Input::Begin);
        for _ in 0..passes {
            if world.exit.is_none() {
                world.pass();
            }
        }
        if world.exit.is_some() {
            return Ok(());
        }
        world.step(Input::Signal("SIGINT"));
        if world.exit.is_some() {
            return Ok(());
        }
        let told = world.now;
        world.step(Input::Signal("SIGINT"));
        while world.exit.is_none() {
            prop_assert!(world.pass());
        }
        // Killed, or cancelled and then killed; and leaving.
        prop_assert!(world.now - told <= Duration::from_secs(3));
        prop_assert!(world.exit.unwrap().forced);
    }
}

/// Two children, the second of which depends on the first; both run.
fn two() -> World {
    let names = specs(&vec![(0, 0), (0b1, 0)]);
    let specs = names.into_iter().map(|names| (names, rules())).collect();
    let mut world = World::new(specs, Obedience::Willing, 11);
    world.step(Input::Begin);
    while !world.all_bound() {
        assert!(world.pass());
    }
    world
}

#[test]
fn a_killed_child_that_does_not_go_is_stuck_and_the_others_are_stopped_in_order() {
    let mut world = two();
    world.obedience = Obedience::Willing;
    let Life::Bound(incarnation) = world.lives[1] else {
        panic!("it does not run");
    };
    // Nobody carries the kill out.
    let mut effects = Vec::new();
    let hung = Input::Hung { child: ChildId(1), incarnation, symptom: "slow".to_owned() };
    world.core.step(world.now, hung, &mut effects);
    assert!(effects.contains(&Effect::Kill(ChildId(1))));
    while world.exit.is_none() {
        assert!(world.pass());
    }
    let report = world.exit.unwrap();
    assert_eq!(
        report.reason,
        StopReason::Stuck {
            actor: "child-1".to_owned(),
            what: "hung: slow; it was killed and did not end".to_owned(),
        }
    );
    assert!(report.is_stuck());
    assert_eq!(report.children[1].outcome, Outcome::Stopped);
}

#[test]
fn a_thread_that_does_not_end_is_reported_as_stuck() {
    let mut world = two();
    world.step(stop());
    while !matches!(world.done.last(), Some((_, Effect::Release { .. }))) {
        assert!(world.pass());
    }
    let result = Err(ReleaseError::Stuck("its thread".to_owned()));
    world.step(Input::Released { child: ChildId(1), result });
    while world.exit.is_none() {
        assert!(world.pass());
    }
    let report = world.exit.unwrap();
    assert_eq!(report.children[0].outcome, Outcome::Stuck("its thread".to_owned()));
    assert_eq!(report.children[1].outcome, Outcome::Stopped);
    assert!(!report.is_success());
}

#[test]
fn reports_about_earlier_incarnations_change_nothing() {
    let mut world = two();
    let before = world.done.len();
    let child = ChildId(0);
    for incarnation in [0, 2, 99] {
        let end = crate::core::End { reason: "long ago".to_owned(), in_order: false };
        let reason = "long ago".to_owned();
        world.step(Input::Started { child, incarnation });
        world.step(Input::StartFailed { child, incarnation, reason });
        world.step(Input::Ended { child, incarnation, end });
        world.step(Input::Gone { child, incarnation });
        let symptom = "long ago".to_owned();
        world.step(Input::Hung { child, incarnation, symptom });
    }
    assert_eq!(world.done.len(), before);
    assert!(world.all_bound());
}
