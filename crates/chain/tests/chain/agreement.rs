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

#[test]
fn two_rivals_a_member_keeps_its_one_vote_wherever_it_crashes() {
    // A liar proposes two blocks in each of its slots; member 2 crashes after its k-th effect, for every k.
    let mut longest = 0;
    for effect in 1.. {
        let mut world = World::new(5, 4, Network::good());
        world.liars = vec![1];
        world.crash_at = Some((2, effect));
        let mut sim = Simulation::new(world);
        sim.run_to_slot(6);
        sim.assert_safe();
        assert!(!sim.witness.finalized_slots().is_empty());
        if sim.nodes[2].life == 0 {
            longest = effect;
            break;
        }
    }
    assert!(longest > 100, "every effect of {longest} was a last one");
}

#[test]
fn withheld_vote_a_notarization_held_back_and_shown_to_one_delays_no_honest_proposer() {
    for seed in seeds(6) {
        let mut world = World::new(seed, 4, Network::good());
        world.liars = vec![0];
        world.withholds = true;
        let mut sim = Simulation::new(world);
        sim.run_to_slot(24);
        let finalized = sim.witness.finalized_slots();
        let missing: Vec<u64> = (1..=23).filter(|slot| slot % 4 != 0 && !finalized.contains(slot)).collect();
        assert_eq!(missing, Vec::<u64>::new(), "seed {seed}");
        sim.assert_safe();
    }
}

#[test]
fn slow_federation_blocks_of_2600_and_3000_ms_in_slots_of_2_s_still_finalize_by_the_stride() {
    for (members, execution_ms) in [(1, 2600), (4, 2600), (1, 3000), (4, 3000)] {
        let mut world = World::new(3, members, Network::good());
        world.network.delay = (5, 200);
        world.execution_ms = execution_ms;
        let mut sim = Simulation::new(world);
        sim.run_to_slot(120);
        let finalized = sim.witness.finalized_slots();
        let late = finalized.iter().filter(|slot| **slot >= 40).count();
        assert!(late >= 10, "{members} members, {execution_ms} ms: {finalized:?}");
        sim.assert_safe();
    }
}

#[test]
fn a_fast_federation_never_leaves_the_first_stride_even_after_a_halt() {
    let mut sim = Simulation::new(World::new(4, 4, Network::good()));
    sim.run_to_slot(5);
    // A day is not needed: 40 slots without a quorum.
    sim.world.network.apart = vec![(vec![0, 1], sim.start_of(45))];
    sim.run_to_slot(45);
    let before = sim.witness.finalized_slots().len();
    sim.run_to_slot(49);
    assert!(sim.witness.finalized_slots().len() >= before + 2, "the first slots after it finalize");
    for node in &sim.nodes {
        assert_eq!(node.core.as_ref().unwrap().status().stride, 1);
    }
    sim.assert_safe();
}

#[test]
fn after_a_partition_heals_all_have_one_head_and_the_state_of_a_fresh_replay() {
    for seed in seeds(8) {
        let members = [4, 5, 7][(seed % 3) as usize];
        let mut sim = Simulation::new(World::new(seed, members, Network::good()));
        sim.run_to_slot(4);
        // No side has a quorum for a while, then one side does.
        let half: Vec<u8> = (0..members as u8 / 2).collect();
        sim.world.network.apart = vec![(half, sim.start_of(9)), (vec![members as u8 - 1], sim.start_of(14))];
        sim.run_to_slot(14);
        sim.assert_safe();
        sim.run_to_slot(20);
        sim.run_to(sim.start_of(21) - 50);
        sim.assert_safe();
        sim.assert_converged();
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = || {
        let mut world = chaotic(12, 4);
        world.crashes = 0.003;
        let mut sim = Simulation::new(world);
        sim.run_to_slot(12);
        let effects: Vec<u64> = sim.nodes.iter().map(|node| node.effects).collect();
        (effects, sim.nodes[3].disk.head, sim.witness.finalized_slots())
    };
    assert_eq!(run(), run());
}

#[test]
fn an_equivocating_proposer_is_proved_on_chain_and_only_once() {
    let mut world = World::new(2, 4, Network::good());
    world.liars = vec![1];
    let mut sim = Simulation::new(world);
    sim.run_to_slot(24);
    sim.assert_safe();
    // `assert_safe` replays the chain by the rules, which allow each proof but once.
    let chain = sim.nodes[0].disk.chain();
    let proofs = chain.iter().flat_map(|proposal| proposal.block.body.evidence.iter());
    assert!(proofs.count() > 0);
}

#[test]
fn what_was_notarized_for_long_and_never_finalized_is_final_at_once_when_links_heal() {
    let mut world = World::new(6, 4, Network::good());
    let heals = GENESIS_MS + 400 * 2000;
    world.network.late_finality = (4_000_000, 4_000_000);
    world.network.heals = heals;
    let mut sim = Simulation::new(world);
    sim.run_to_slot(390);
    let tall = sim.nodes[0].disk.head.height;
    assert!(tall > 70 && sim.nodes[0].disk.finalized.height == 0, "{tall} blocks, none final");
    assert!(sim.nodes[0].core.as_ref().unwrap().status().stride > 3, "the stride has grown");
    // One forgets all that is not on its disk.
    sim.crash(2, 1000);
    sim.run_to_slot(440);
    assert!(sim.nodes[2].disk.finalized.height >= tall);
    sim.assert_safe();
}

#[test]
fn liars_delay_no_honest_proposer_where_links_are_good() {
    for seed in seeds(10) {
        let members = [4, 7][(seed % 2) as usize];
        let mut world = World::new(seed, members, Network::good());
        world.network.delay = (5, 300);
        world.liars = (0..tolerated_liars(members) as u8).collect();
        let mut sim = Simulation::new(world);
        sim.run_to_slot(22);
        let finalized = sim.witness.finalized_slots();
        let is_honest = |slot: &u64| !sim.is_liar((slot % members as u64) as u8);
        let missing: Vec<u64> = (1..=21).filter(is_honest).filter(|slot| !finalized.contains(slot)).collect();
        assert_eq!(missing, Vec::<u64>::new(), "seed {seed}, {members} members");
        sim.assert_safe();
    }
}
