//! `alys promises`: what this member has promised, and how a restored member starts again without breaking a promise.
//!
//! A member that forgot a vote may cast a second one in the same slot, and a few of those fork the chain. So a node whose
//! promise record is missing, damaged or older than its last vote must not simply go on. `alys promises reset` writes a
//! record as if the member had promised everything up to a slot that has not begun yet: it then waits for a block that
//! the others notarize after that slot.

use alys_bus::Clock;
use alys_node::{NodeConfig, Sources};
use alys_primitives::{ChainSpec, Slot, SlotClock};
use alys_storage::{
    Promises,
    promises::{PromiseError, PromiseRecord},
};
use eyre::{WrapErr as _, bail, ensure};

use crate::{
    cli::{PromisesArgs, PromisesCommand, ResetArgs},
    init,
    output::print,
};

/// The lock's distance from the present slot where none is named: the machine that ran before may have had a clock that was this
/// much ahead.
const MARGIN_MS: u64 = 60_000;

/// A lock further ahead than this is a slip: the member would not vote until then.
const FURTHEST_MS: u64 = 24 * 60 * 60 * 1000;

/// What the operator must know before a reset.
const DANGER: &str = "\
A reset is sound only if no other process runs with this member's keys, now or ever again: not on the old machine, not in a
container that restarts by itself, not from a copy of this folder. Two processes with one member's keys can vote twice in
one slot; that is seen by everyone, proves this member a liar, and a few members who do it together fork the chain.

Do not reset a record that is sound where it last ran: it is the only thing that knows what was promised. Reset it where it
is missing or damaged, where this folder comes from a backup or a checkpoint, or before the first start of a member whose disk
is lost and of whom only the keys are left.";

/// Runs the command.
pub(crate) fn run(command: &PromisesCommand) -> eyre::Result<()> {
    match command {
        PromisesCommand::Show(args) => show(args),
        PromisesCommand::Reset(args) => reset(args, &Clock::system()),
    }
}

/// The configuration and the chain spec it names.
fn load(args: &PromisesArgs) -> eyre::Result<(NodeConfig, ChainSpec)> {
    let config = Sources::file(Some(args.config.clone())).load(&NodeConfig::default())?;
    ensure!(!config.is_in_memory(), "storage.backend is memory: such a node keeps no promises on the disk");
    let spec = init::read_spec(&config.node.spec)?;
    Ok((config, spec))
}

fn show(args: &PromisesArgs) -> eyre::Result<()> {
    let (config, _) = load(args)?;
    let record = PromiseRecord::open_file(&config.storage.promises_path())?;
    print(&readable(record.promises()))
}

fn reset(args: &ResetArgs, clock: &Clock) -> eyre::Result<()> {
    let (config, spec) = load(&args.of)?;
    let path = config.storage.promises_path();
    let lock = lock(args.slot, &spec, spec.slots(), clock.now_ms())?;
    let found = match PromiseRecord::open_file(&path) {
        Ok(record) => readable(record.promises()),
        Err(error @ PromiseError::Io { .. }) => return Err(error.into()),
        Err(PromiseError::Missing { .. }) => "there is none".to_owned(),
        Err(error) => error.to_string(),
    };
    print(&format!("The record now, {}:\n\n{found}\n\n{DANGER}\n", path.display()))?;
    if !args.old_process_is_stopped {
        bail!(
            "nothing was changed. If all of that is so, the same command with --old-process-is-stopped locks this member on \
             slot {lock}"
        );
    }
    std::fs::create_dir_all(&config.storage.path)
        .wrap_err_with(|| format!("cannot make {}", config.storage.path.display()))?;
    PromiseRecord::reset(&path, lock)?;
    let (after, quorum) = (lock.saturating_add(1), spec.quorum());
    print(&format!(
        "The record is new: this member is locked on slot {lock}. It signs nothing in slots before {after}, and votes again when \
         it sees a block of slot {lock} or later that {quorum} of the other members have notarized.\n\
         The old record, if there was one, is kept beside it with the ending `.damaged`."
    ))
}

/// The slot to lock on: the one that was named if it can be right, else the present one and a margin.
///
/// # Errors
/// Where a lock would be unsound, or would keep the member or the chain from going on.
fn lock(named: Option<Slot>, spec: &ChainSpec, slots: SlotClock, now_ms: u64) -> eyre::Result<Slot> {
    let (members, quorum) = (spec.members(), spec.quorum());
    let others = members.saturating_sub(1);
    ensure!(
        others >= quorum,
        "this chain cannot go on without this member: a notarization takes {quorum} of {members} votes, and a locked member \
         waits for one that the {others} others make. Bring the record itself back from the disk it last ran on; \
         a development chain is begun anew with `alys init`"
    );
    // Before genesis nobody has voted.
    let present = slots.slot_at(now_ms).unwrap_or(0);
    let margin = |ms: u64| ms.div_ceil(slots.slot_ms.max(1));
    let Some(named) = named else {
        return Ok(present.saturating_add(margin(MARGIN_MS)));
    };
    ensure!(
        named >= present,
        "slot {named} has passed, and this member may have voted since; the present slot is {present}. Name that or a later one"
    );
    let furthest = present.saturating_add(margin(FURTHEST_MS));
    ensure!(
        named <= furthest,
        "slot {named} lies more than a day ahead, and this member would not vote until then; the present slot is {present}"
    );
    Ok(named)
}

/// A record in lines for people.
fn readable(promises: &Promises) -> String {
    let vote = |vote: &Option<alys_primitives::SignedVote>| match vote {
        Some(signed) => format!("slot {:>10}  block {}", signed.vote.data.slot, signed.vote.data.block),
        None => "-".to_owned(),
    };
    let proposal = match &promises.proposal {
        Some(signed) => format!("slot {:>10}  block {}", signed.header.slot, signed.header.hash()),
        None => "-".to_owned(),
    };
    [
        format!("last proposal  {proposal}"),
        format!("last Notarize  {}", vote(&promises.notarize)),
        format!("last Finalize  {}", vote(&promises.finalize)),
        format!("lock           slot {:>10}", promises.lock),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests {
    use alys_federation::DevelopmentDealer;
    use alys_primitives::{Address, spec::DevelopmentChain};

    use super::*;

    const GENESIS_MS: u64 = 1_700_000_000_000;

    fn spec(members: usize) -> ChainSpec {
        let dealt = DevelopmentDealer::from_seed([7; 32]).deal(members).unwrap();
        DevelopmentChain {
            name: "test".to_owned(),
            chain_id: 7,
            genesis_ms: GENESIS_MS,
            slot_seconds: 2,
            gas_limit: 30_000_000,
            members: dealt.spec_members(|_| Address::repeat_byte(1)).unwrap(),
            commitment: dealt.keys.commitments().to_vec(),
            funded: Default::default(),
        }
        .spec()
    }

    fn at(named: Option<Slot>, members: usize, slot: Slot) -> Result<Slot, String> {
        let spec = spec(members);
        lock(named, &spec, spec.slots(), GENESIS_MS + slot * 2_000 + 700).map_err(|error| error.to_string())
    }

    #[test]
    fn the_lock_is_never_on_a_slot_that_has_passed_nor_so_far_ahead_that_it_must_be_a_slip() {
        assert_eq!(at(None, 4, 1_000), Ok(1_030), "a minute of clocks that run apart");
        assert_eq!(at(Some(1_000), 4, 1_000), Ok(1_000));
        assert!(at(Some(999), 4, 1_000).unwrap_err().contains("the present slot is 1000"));
        assert_eq!(at(Some(1_000 + 43_200), 4, 1_000), Ok(44_200));
        assert!(at(Some(1_001 + 43_200), 4, 1_000).unwrap_err().contains("more than a day ahead"));
    }

    #[test]
    fn a_member_without_whom_nothing_is_notarized_is_not_locked_for_ever() {
        for members in [1, 2] {
            assert!(at(None, members, 1_000).unwrap_err().contains("cannot go on without this member"));
        }
        for members in [3, 4, 7] {
            assert!(at(None, members, 1_000).is_ok(), "{members}");
        }
    }
}
