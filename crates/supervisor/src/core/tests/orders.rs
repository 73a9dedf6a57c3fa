//! Starting follows the dependencies, stopping reverses them, and circles are refused.

use proptest::prelude::*;

use super::{
    any_dag, any_graph, name, rules, specs,
    world::{Life, Obedience, World, stop},
};
use crate::{
    BuildError, Outcome,
    core::{ChildId, Core, Effect, Input, Moment, Names},
};

/// The world itself checks at each start that all dependencies are bound.
fn world(names: Vec<Names>, obedience: Obedience, seed: u64) -> World {
    let specs = names.into_iter().map(|names| (names, rules())).collect();
    let mut world = World::new(specs, obedience, seed);
    world.step(Input::Begin);
    world
}

fn run_up(world: &mut World) {
    while !world.all_bound() {
        assert!(world.pass(), "it never came up: {:?}", world.lives);
    }
}

/// Checks, at each stop from `since` on, that nothing that depends on the stopped one is still there.
fn run_down(world: &mut World) {
    let mut seen = world.done.len();
    let mut next = vec![];
    while world.exit.is_none() {
        for child in next.drain(..) {
            for dependant in world.dependants(child) {
                assert_eq!(
                    world.lives[dependant],
                    Life::Nothing,
                    "{child} is stopped while {dependant}, which depends on it, is there"
                );
            }
        }
        assert!(world.pass(), "no exit");
        for (_, effect) in &world.done[seen..] {
            if let Effect::Stop(ChildId(child)) = effect {
                next.push(*child);
            }
        }
        seen = world.done.len();
    }
}

proptest! {
    #[test]
    fn everything_starts_after_what_it_depends_on_and_stops_before_it(
        names in any_dag(), seed in any::<u64>()
    ) {
        let mut world = world(names, Obedience::Willing, seed);
        run_up(&mut world);
        world.step(stop());
        run_down(&mut world);
        let report = world.exit.unwrap();
        prop_assert!(report.is_success());
        prop_assert!(report.children.iter().all(|child| child.outcome == Outcome::Stopped));
    }

    #[test]
    fn after_any_ends_and_restarts_everything_runs_again(
        names in any_dag(),
        seed in any::<u64>(),
        events in prop::collection::vec((0usize..8, 0u8..4, 0u8..6), 1..20),
    ) {
        let mut world = world(names, Obedience::Willing, seed);
        for (child, what, passes) in events {
            let child = child % world.names.len();
            match what {
                0 => world.crash(child, false),
                1 => world.crash(child, true),
                2 => world.step(Input::Restart { child: ChildId(child) }),
                _ => {
                    if let Life::Bound(incarnation) = world.lives[child] {
                        let symptom = "slow".to_owned();
                        world.step(Input::Hung { child: ChildId(child), incarnation, symptom });
                    }
                }
            }
            for _ in 0..passes {
                world.pass();
            }
        }
        // Until nothing is to come: no state is left without an exit, and no restart is forgotten.
        while world.pass() {}
        prop_assert!(world.all_bound(), "{:?}", world.lives);
        world.step(stop());
        run_down(&mut world);
        prop_assert!(world.exit.unwrap().is_success());
    }

    #[test]
    fn intake_stops_first_and_the_rest_in_the_reverse_of_the_order_of_starting(
        names in any_dag(), intake in any::<u32>(), seed in any::<u64>()
    ) {
        let specs: Vec<_> = names
            .into_iter()
            .enumerate()
            .map(|(at, names)| {
                let mut rules = rules();
                rules.intake = intake & (1 << at) != 0;
                (names, rules)
            })
            .collect();
        let mut world = World::new(specs, Obedience::Willing, seed);
        world.step(Input::Begin);
        run_up(&mut world);
        let before = world.done.len();
        world.step(stop());
        while world.exit.is_none() {
            prop_assert!(world.pass());
        }
        let stopped: Vec<usize> = world.done[before..]
            .iter()
            .filter_map(|(_, effect)| match effect {
                Effect::Stop(child) => Some(child.0),
                _ => None,
            })
            .collect();
        let mut expected: Vec<usize> = world.core.children().map(|id| id.0).collect();
        expected.reverse();
        // A stable sort: within both groups the order stays.
        expected.sort_by_key(|&child| !world.intake[child]);
        prop_assert_eq!(stopped, expected);
    }

    #[test]
    fn a_circle_is_refused_by_name_and_everything_else_is_taken(graph in any_graph()) {
        let names = specs(&graph);
        let with_rules = names.iter().map(|names| (names.clone(), rules())).collect();
        match Core::new(with_rules, 1, Moment::ZERO) {
            Ok(core) => {
                let order: Vec<usize> = core.children().map(|id| id.0).collect();
                prop_assert_eq!(order.len(), graph.len());
                for (place, &child) in order.iter().enumerate() {
                    for dependency in 0..graph.len() {
                        if graph[child].0 & (1 << dependency) != 0 {
                            prop_assert!(order[..place].contains(&dependency));
                        }
                    }
                }
            }
            Err(BuildError::Cycle { actors }) => {
                prop_assert!(actors.len() >= 2);
                prop_assert_eq!(actors.first(), actors.last());
                for pair in actors.windows(2) {
                    let depends = |names: &&Names| {
                        names.name == pair[0]
                            && (names.depends_on.contains(&pair[1])
                                || names.restarts_with.contains(&pair[1]))
                    };
                    prop_assert!(names.iter().any(|names| depends(&names)), "{:?} is no link", pair);
                }
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn those_that_restart_with_another_do_so_exactly_once(
        names in any_dag(), seed in any::<u64>(), which in 0usize..8
    ) {
        let mut world = world(names, Obedience::Willing, seed);
        run_up(&mut world);
        let child = which % world.names.len();
        let group = world.restarting_with(child);
        world.crash(child, false);
        while world.pass() {}
        prop_assert!(world.all_bound());
        let starts = world.count(|event| match event {
            crate::Lifecycle::Started { actor, .. } => Some(actor),
            _ => None,
        });
        for (at, names) in world.names.iter().enumerate() {
            let expected = if at == child || group.contains(&at) { 2 } else { 1 };
            prop_assert_eq!(starts[&names.name], expected, "{}", names.name);
        }
    }
}

#[test]
fn independent_children_start_together() {
    let names = specs(&vec![(0, 0), (0, 0), (0b11, 0)]);
    let world = world(names, Obedience::Willing, 5);
    let starting = |child: usize| matches!(world.lives[child], Life::Starting(_));
    assert!(starting(0) && starting(1) && !starting(2));
    assert_eq!(world.names[2].name, name(2));
}
