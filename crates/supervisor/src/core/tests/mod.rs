//! The rules, without actors: random children, random ends, and a world that does what it is told, late or never.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod exits;
mod orders;
mod pauses;
mod world;

use std::time::Duration;

use proptest::{collection::vec, prelude::*};

use super::{Names, Rules};
use crate::{Budget, RestartPolicy};

/// Rules with these limits: starts and stops within 10 s and 5 s, and a budget that is never spent.
fn rules() -> Rules {
    Rules {
        policy: RestartPolicy::Backoff { first: Duration::from_millis(20), max: Duration::from_secs(1) },
        budget: Budget { restarts: u32::MAX, within: Duration::from_secs(60) },
        start_within: Duration::from_secs(10),
        stop_within: Duration::from_secs(5),
        intake: false,
    }
}

fn name(index: usize) -> String {
    format!("child-{index}")
}

/// For each child two sets, as bits: those it depends on, and those of them it restarts with.
type Graph = Vec<(u32, u32)>;

/// Between 1 and 8 children, each of which may name any other.
fn any_graph() -> impl Strategy<Value = Graph> {
    vec((any::<u32>(), any::<u32>()), 1..=8).prop_map(|graph| {
        // Sparse, so that not nearly every graph is a circle.
        let sparse = |bits: u32| bits & bits.rotate_left(7);
        graph.into_iter().map(|(on, with)| (sparse(on), with)).collect()
    })
}

/// Between 1 and 8 children without a circle: each names only those before it, in an order that is then shuffled.
fn any_dag() -> impl Strategy<Value = Vec<Names>> {
    let graph = vec((any::<u32>(), any::<u32>()), 1..=8);
    (graph, any::<u64>()).prop_map(|(graph, seed)| {
        let below: Graph =
            graph.iter().enumerate().map(|(index, (on, with))| (on & ((1 << index) - 1), *with)).collect();
        let mut names = specs(&below);
        // Fisher and Yates, by the bits of the seed.
        for at in (1..names.len()).rev() {
            names.swap(at, (seed >> (at * 7)) as usize % (at + 1));
        }
        names
    })
}

/// The specs of a graph, with names for numbers.
fn specs(graph: &Graph) -> Vec<Names> {
    let listed = |bits: u32| -> Vec<String> {
        (0..graph.len()).filter(|at| bits & (1 << at) != 0).map(name).collect()
    };
    graph
        .iter()
        .enumerate()
        .map(|(index, (on, with))| Names {
            name: name(index),
            depends_on: listed(on & !with),
            restarts_with: listed(on & with),
        })
        .collect()
}
