//! The checks are worth something: with one rule taken away they find the conflict, within a bounded
//! number of seeds.

use crate::{
    agreement::chaotic,
    sim::{Simulation, Weakness},
};

/// Seeds tried at most; each weakness is found far earlier.
const MOST: u64 = 400;

/// The first seed with which a run of this kind goes wrong.
fn found(weakness: Weakness, what: &str) -> u64 {
    let finds = |seed: &u64| {
        let mut world = chaotic(*seed, 4);
        world.weakness = Some(weakness);
        world.crashes = match weakness {
            Weakness::LockForgotten | Weakness::PromisesNotDurable => 0.01,
            Weakness::NoLock | Weakness::SmallQuorum => 0.0,
        };
        let mut sim = Simulation::new(world);
        sim.run_to_slot(16);
        sim.witness.check_finality();
        sim.witness.violation.as_ref().is_some_and(|violation| violation.contains(what))
    };
    let seed = (0..MOST).find(finds);
    seed.unwrap_or_else(|| panic!("{weakness:?} was not found within {MOST} seeds"))
}

#[test]
fn without_the_lock_two_finalizations_conflict() {
    println!("seed {}", found(Weakness::NoLock, "conflicting finalizations"));
}

#[test]
fn with_a_lock_that_a_crash_forgets_two_finalizations_conflict() {
    println!("seed {}", found(Weakness::LockForgotten, "conflicting finalizations"));
}

#[test]
fn with_a_quorum_of_one_less_two_finalizations_conflict() {
    println!("seed {}", found(Weakness::SmallQuorum, "conflicting finalizations"));
}

#[test]
fn two_rivals_with_promises_that_are_not_durable_a_member_votes_twice() {
    println!("seed {}", found(Weakness::PromisesNotDurable, "voted twice"));
}
