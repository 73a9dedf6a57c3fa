//! What the node says about its chain, published when it changes.

use alys_bus::protocol::chain::SyncState;

use crate::core::{
    Core,
    effect::{Effect, Effects},
};

/// Compares what would be said with what was said last.
pub(crate) fn report(core: &mut Core, fx: &mut Effects) {
    let mut status = core.status.clone();
    status.slot = core.slot;
    status.head = core.follow.head;
    status.finalized = core.follow.finalized;
    status.anchored = core.genesis;
    status.stride = core.stride.get();
    status.sync = sync_state(core);
    if !core.reported || status != core.status {
        core.reported = true;
        core.status = status;
        fx.push(Effect::Status(Box::new(core.status.clone())));
    }
}

/// Synced means: the engine stands at the head, no certified block is missing, and votes of `q`
/// members were seen lately. A member alone among others never calls itself synced (`synced-alone`).
fn sync_state(core: &Core) -> SyncState {
    if core.follow.engine.is_none() {
        return SyncState::Starting;
    }
    let recently = (4 * core.members as u64).saturating_mul(core.stride.get());
    let hears_quorum = core.members == 1 || core.quorum_seen.saturating_add(recently) >= core.slot;
    let is_behind = core.wants.len() > 0 || !core.follow.is_in_step();
    if hears_quorum && !is_behind { SyncState::Synced } else { SyncState::Syncing }
}
