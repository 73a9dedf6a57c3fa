//! The claims of the agreement, over seeded runs. `ALYS_SEEDS` runs more of each.

use alys_primitives::{quorum, quorum::tolerated_liars};

use crate::{
    sim::{Network, Simulation, World},
    support::GENESIS_MS,
};

/// How many seeds of each kind of run.
pub fn seeds(usual: u64) -> std::ops::Range<u64> {
    let more = std::env::var("ALYS_SEEDS").ok().and_then(|text| text.parse().ok());
    0..more.unwrap_or(usual)
}

#[test]
fn with_good_links_every_slot_finalizes_for_one_to_seven_members() {
    for members in 1..=7 {
        for seed in seeds(3) {
            let mut sim = Simulation::new(World::new(seed, members, Network::good()));
            sim.run_to_slot(12);
            let slots: Vec<_> = sim.witness.finalized_slots().into_iter().collect();
            assert_eq!(slots, (1..=11).collect::<Vec<_>>(), "{members} members, seed {seed}");
            sim.assert_safe();
            sim.assert_converged();
        }
    }
}

#[test]
fn q_members_up_finalize_in_every_slot_of_a_proposer_that_is_up_and_q_less_one_never_do() {
    for members in 2..=7 {
        let q = quorum(members).unwrap();
        for (up, finalizes) in [(q, true), (q - 1, false)] {
            let mut sim = Simulation::new(World::new(1, members, Network::good()));
            (up..members).for_each(|member| sim.stop(member as u8));
            sim.run_to_slot(2 * members as u64 + 1);
            let expected: Vec<u64> = (1..=2 * members as u64)
                .filter(|slot| finalizes && slot % (members as u64) < up as u64)
                .collect();
            let slots: Vec<_> = sim.witness.finalized_slots().into_iter().collect();
            assert_eq!(slots, expected, "{up} of {members}");
            sim.assert_safe();
        }
    }
}

#[test]
fn whatever_the_network_crashes_and_liars_do_no_two_finalizations_conflict_and_all_converge() {
    for seed in seeds(60) {
        let members = 1 + (seed % 7) as usize;
        let mut world = chaotic(seed, members);
        world.crashes = if seed % 3 == 0 { 0.0 } else { 0.003 };
        let mut sim = Simulation::new(world);
        sim.run_to_slot(16);
        sim.assert_safe();
        let before = sim.witness.finalized_slots().len();
        // Healed, and the liars go on.
        sim.run_to_slot(16 + 4 * members as u64 + 8);
        sim.assert_safe();
        assert!(
            sim.witness.finalized_slots().len() > before,
            "seed {seed}: nothing is finalized after healing"
        );
        // The end of a slot of an honest proposer: nothing of it is under way.
        let honest =
            (0u64..).map(|i| sim_slot(&sim) + i).find(|slot| !sim.is_liar((slot % members as u64) as u8));
        sim.run_to(sim.start_of(honest.unwrap() + 1) - 50);
        sim.assert_converged();
    }
}

/// Bad links of one sort or another and as many liars as are tolerated, until slot 16.
pub fn chaotic(seed: u64, members: usize) -> World {
    let heals = GENESIS_MS + 16 * 2000;
    let network = if seed.is_multiple_of(2) { Network::chaos(heals) } else { Network::late_finality(heals) };
    let mut world = World::new(seed, members, network);
    world.liars = (0..tolerated_liars(members) as u8).collect();
    world
}

fn sim_slot(sim: &Simulation) -> u64 {
    sim.spec.slots().slot_at(sim.now).unwrap()
}
