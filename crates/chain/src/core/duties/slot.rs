//! A new slot begins: the last own one is reviewed, and proposals held for this one come in.

use alys_bus::protocol::chain::ChainEvent;
use alys_primitives::Slot;

use crate::core::{
    Core,
    draft::Draft,
    effect::{Effect, Effects},
    handle::accept,
};

/// A clock that is set back begins no slot twice.
pub(crate) fn begin_slot(core: &mut Core, now_ms: u64, fx: &mut Effects) {
    let slot = core.clock.slot_at(now_ms).unwrap_or(0);
    if slot <= core.slot {
        return;
    }
    review(core, slot, fx);
    core.slot = slot;
    for (hash, proposal) in core.proposals.release(slot) {
        accept(core, hash, proposal, fx);
    }
}

/// Says why the own slot that has just ended brought no block, where it did not.
fn review(core: &mut Core, next: Slot, fx: &mut Effects) {
    let stride = core.stride.get();
    let ended = core.slot - core.slot % stride;
    let is_over = next >= ended.saturating_add(stride) && ended > core.reviewed;
    if !is_over || !core.is_own_slot(ended) {
        return;
    }
    core.reviewed = ended;
    if let Some(reason) = shortfall(core, ended) {
        core.status.last_miss = Some(format!("slot {ended}: {reason}"));
        fx.push(Effect::Event(ChainEvent::SlotMissed { slot: ended, reason }));
    }
}

fn shortfall(core: &Core, slot: Slot) -> Option<String> {
    if !core.follow.is_in_step() {
        return Some("the execution client does not stand where storage does".to_owned());
    }
    if let Some(promised) = core.own.promises.proposal.as_ref().filter(|p| p.header.slot == slot) {
        let hash = promised.header.hash();
        let notarized = core.certificates.notarization(slot, hash).is_some() || core.tree.root_slot() >= slot;
        return (!notarized).then(|| "the block was not notarized in its slot".to_owned());
    }
    let replaced = core.shortfall.as_ref().filter(|(of, _)| *of == slot).map(|(_, reason)| reason.clone());
    let present = core.draft.as_ref().filter(|draft| draft.slot == slot).map(Draft::shortfall);
    let unknown = || "its parent was not executed here in time".to_owned();
    Some(replaced.or(present).unwrap_or_else(unknown))
}
