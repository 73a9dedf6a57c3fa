//! Judging: our rules, then storage, then the engine; and only what somebody needs judged.

use alys_primitives::B256;

use crate::core::{
    Core,
    effect::{Effect, Effects},
    handle::alarm,
    rules::{Expected, Invalid, Parent},
    tree::{Node, Standing, Stored},
};

/// Looks at every block that is not settled, lowest slot first, so that a parent comes before its
/// children.
pub(crate) fn judge(core: &mut Core, now_ms: u64, fx: &mut Effects) {
    for hash in core.tree.unsettled() {
        if core.tree.get(hash).is_some_and(|node| is_needed(core, node)) {
            advance(core, now_ms, hash, fx);
        }
    }
}

/// A block is judged when it has a certificate, or is the first of its slot and may yet be voted for.
pub(crate) fn is_needed(core: &Core, node: &Node) -> bool {
    if node.certified {
        return true;
    }
    let slot = node.slot();
    let is_candidate = slot <= core.slot && core.proposals.first(slot) == Some(node.hash);
    is_candidate
        && match core.setup.own {
            Some(_) => core.stride.uses(slot) && slot > core.own.last_voted(),
            None => slot > core.follow.head.slot,
        }
}

/// Takes the next step with one block, if it can be taken now.
fn advance(core: &mut Core, now_ms: u64, hash: B256, fx: &mut Effects) {
    let Some(node) = core.tree.get(hash) else { return };
    let parent_is_valid = core.tree.get(node.header.parent).is_some_and(|parent| parent.standing.is_valid());
    match (&node.standing, node.stored) {
        (Standing::Waiting, _) if parent_is_valid => {
            compare_with_rules(core, hash, fx);
            store(core, now_ms, hash, fx);
        }
        (Standing::Checked { .. }, Stored::No(_)) => store(core, now_ms, hash, fx),
        (Standing::Checked { peg, retry }, Stored::Yes)
            if parent_is_valid && retry.is_due(now_ms) && core.follow.is_in_step() =>
        {
            let standing = Standing::Judging { peg: peg.clone(), retry: *retry };
            ask_engine(core, hash, standing, fx);
        }
        (Standing::Refused { peg, retry }, _)
            if node.certified && parent_is_valid && retry.is_due(now_ms) && core.follow.is_in_step() =>
        {
            let standing = Standing::Judging { peg: peg.clone(), retry: *retry };
            ask_engine(core, hash, standing, fx);
        }
        _ => {}
    }
}

fn compare_with_rules(core: &mut Core, hash: B256, fx: &mut Effects) {
    let Some(node) = core.tree.get(hash) else { return };
    let (proposer, is_certified) = (node.header.proposer, node.certified);
    match judge_by_rules(core, node) {
        Some(Ok(expected)) => {
            // A block that was stored before a restart goes straight to the engine.
            core.tree.update(hash, |node| {
                node.offences = expected.offences;
                node.standing = Standing::Checked { peg: Box::new(expected.peg), retry: Default::default() };
            });
        }
        Some(Err(invalid)) => {
            let slot = node.slot();
            core.tree.update(hash, |node| {
                node.standing = Standing::Invalid;
                node.proposal = None;
            });
            let what = format!("block {hash} of slot {slot}, by member {proposer}, is invalid: {invalid}");
            if is_certified {
                alarm(format!("a certified block is invalid here; this node follows no further: {what}"), fx);
            } else {
                alarm(what, fx);
            }
        }
        None => {}
    }
}

fn judge_by_rules(core: &Core, node: &Node) -> Option<Result<Expected, Invalid>> {
    let proposal = node.proposal.as_ref()?;
    let parent = core.tree.get(node.header.parent)?;
    let Standing::Valid { peg, facts } = &parent.standing else { return None };
    let offences = core.tree.offences(parent.hash);
    let parent = Parent { hash: parent.hash, header: &parent.header, peg, facts, offences: &offences };
    Some(core.with_rules(|rules| rules.check(&parent, &proposal.block)))
}

/// Durable here before the engine hears of it, so that it can be replayed.
fn store(core: &mut Core, now_ms: u64, hash: B256, fx: &mut Effects) {
    let Some(node) = core.tree.get(hash) else { return };
    let (Standing::Checked { .. }, Stored::No(retry), Some(proposal)) =
        (&node.standing, node.stored, &node.proposal)
    else {
        return;
    };
    if retry.is_due(now_ms) {
        fx.push(Effect::StoreBlock { hash, proposal: proposal.clone() });
        core.tree.update(hash, |node| node.stored = Stored::Storing(retry));
    }
}

fn ask_engine(core: &mut Core, hash: B256, standing: Standing, fx: &mut Effects) {
    let Some(proposal) = core.tree.get(hash).and_then(|node| node.proposal.clone()) else { return };
    fx.push(Effect::Judge { hash, proposal });
    core.tree.update(hash, |node| node.standing = standing);
}
