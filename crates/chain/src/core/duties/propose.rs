//! Proposing: the payload is begun as soon as the parent is known, and taken when the slot begins.

use alys_primitives::{B256, Body, Certificate, Slot, VoteKind, peg::Equivocation};
use ssz_types::VariableList;

use crate::core::{
    Core,
    draft::{Draft, Stage},
    effect::{Effect, Effects},
    rules::{Expected, Parent},
    tree::Standing,
};

/// Proofs in one own block. Fewer than a body may carry: they are small, and not urgent.
const MAX_PROOFS: usize = 4;

/// Works on the own block of the present slot, or of the next one where that is an own slot too.
pub(crate) fn propose(core: &mut Core, now_ms: u64, fx: &mut Effects) {
    if core.setup.own.is_none() || !core.follow.is_in_step() {
        return;
    }
    let Some(slot) = target(core, now_ms) else { return };
    match &core.draft {
        Some(draft) if draft.slot == slot && !draft.is_open() => return,
        _ => {}
    }
    let Some(parent) = best_parent(core, slot) else { return };
    match &core.draft {
        Some(draft) if draft.slot == slot && draft.parent == parent => advance(core, now_ms, fx),
        _ => begin(core, slot, parent, fx),
    }
}

/// The slot to work for: the present one for its first half, then the next.
fn target(core: &Core, now_ms: u64) -> Option<Slot> {
    let stride = core.stride.get();
    let present = core.slot - core.slot % stride;
    let half = core.clock.slot_ms.saturating_mul(stride) / 2;
    let until = core.clock.start_ms(present)?.saturating_add(half);
    if core.is_own_slot(present) && present > core.own.last_proposed() && now_ms < until {
        return Some(present);
    }
    let next = core.stride.next_after(core.slot);
    let is_due = core.highest_notarized() >= present || ahead_at(core, next).is_some_and(|at| at <= now_ms);
    (core.is_own_slot(next) && next > core.own.last_proposed() && is_due).then_some(next)
}

/// When a payload for `slot` is begun even though the slot before has no notarization yet: a quarter
/// of a slot ahead.
pub(crate) fn ahead_at(core: &Core, slot: Slot) -> Option<u64> {
    core.clock.start_ms(slot).map(|start| start.saturating_sub(core.clock.slot_ms / 4))
}

/// The highest-slot notarized block, once it is executed here: members locked on it vote for nothing
/// that does not extend it.
fn best_parent(core: &Core, slot: Slot) -> Option<B256> {
    let hash = match core.certificates.highest(VoteKind::Notarize) {
        Some(notarization) => notarization.data.block,
        None => core.tree.root_hash(),
    };
    let node = core.tree.get(hash)?;
    let is_usable = node.standing.is_valid() && node.slot() < slot && core.is_notarized(hash, &node.header);
    is_usable.then_some(hash)
}

/// Begins an own block. Optional items are left out where they cost the last one, or where the rules
/// refuse them.
fn begin(core: &mut Core, slot: Slot, parent: B256, fx: &mut Effects) {
    core.drafts += 1;
    let id = core.drafts;
    let justification = justification(core, parent);
    let plain = Body { justification, ..Body::default() };
    let mut body = plain.clone();
    if core.optional.may_carry(slot) {
        body.evidence = evidence(core, slot, parent);
    }
    let mut planned = plan(core, slot, parent, &body);
    if planned.is_err() && body != plain {
        planned = plan(core, slot, parent, &plain);
        body = plain;
    }
    let (expected, stage) = match planned {
        Ok(expected) => {
            fx.push(Effect::Build { draft: id, rules: Box::new(expected.payload.clone()) });
            (Some(Box::new(expected)), Stage::Asked)
        }
        Err(reason) => (None, Stage::Dropped(reason)),
    };
    if let Some(former) = core.draft.take().filter(|former| former.slot < slot) {
        core.shortfall = Some((former.slot, former.shortfall()));
    }
    core.draft = Some(Draft { id, slot, parent, body, expected, stage, failures: 0 });
}

fn plan(core: &Core, slot: Slot, parent: B256, body: &Body) -> Result<Expected, String> {
    let node = core.tree.get(parent).ok_or("the parent is gone")?;
    let Standing::Valid { peg, facts } = &node.standing else {
        return Err("the parent is not valid".to_owned());
    };
    let offences = core.tree.offences(parent);
    let parent = Parent { hash: parent, header: &node.header, peg, facts, offences: &offences };
    core.with_rules(|rules| rules.expect(&parent, slot, body)).map_err(|invalid| invalid.to_string())
}

fn justification<N: ssz_types::typenum::Unsigned>(core: &Core, parent: B256) -> VariableList<Certificate, N> {
    let node = core.tree.get(parent).filter(|node| node.header.height > 0);
    let notarization = node.and_then(|node| core.certificates.notarization(node.slot(), parent));
    VariableList::new(notarization.map(|certificate| (**certificate).clone()).into_iter().collect())
        .unwrap_or_default()
}

fn evidence<N: ssz_types::typenum::Unsigned>(
    core: &Core,
    slot: Slot,
    parent: B256,
) -> VariableList<Equivocation, N> {
    let on_chain = core.tree.offences(parent);
    let fresh = core.proofs.timely(slot).filter(|(offence, _)| !on_chain.contains(offence));
    VariableList::new(fresh.take(MAX_PROOFS).map(|(_, proof)| proof.clone()).collect()).unwrap_or_default()
}

/// Takes the payload when the slot has begun; asks again where the engine could not build.
fn advance(core: &mut Core, now_ms: u64, fx: &mut Effects) {
    let slot = core.slot;
    let Some(draft) = &mut core.draft else { return };
    match &draft.stage {
        Stage::Building(id) if draft.slot <= slot => {
            let id = *id;
            draft.stage = Stage::Sealing;
            fx.push(Effect::Seal { draft: draft.id, id });
        }
        Stage::Failed(retry, _) if retry.is_due(now_ms) => {
            let Some(expected) = &draft.expected else { return };
            let rules = Box::new(expected.payload.clone());
            fx.push(Effect::Build { draft: draft.id, rules });
            draft.stage = Stage::Asked;
        }
        _ => {}
    }
}
