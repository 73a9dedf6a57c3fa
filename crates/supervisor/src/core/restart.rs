//! Restarts on request, and of those that restart with another.

use super::{ChildId, Core, Moment, Phase, child::State};

/// A child is to be stopped and started again. One that waits for its next start is started now; one that starts is left to it.
pub(super) fn on_restart(core: &mut Core, now: Moment, id: ChildId) {
    if core.phase != Phase::Up {
        return;
    }
    let Some(child) = core.child_mut(id) else {
        return;
    };
    match &mut child.state {
        State::Running => child.bounce = true,
        State::Down { not_before } => *not_before = now,
        _ => return,
    }
    bounce_dependants(core, id);
}

/// Marks those that restart with `id`. They are stopped in the reverse of the order of starting.
pub(super) fn bounce_dependants(core: &mut Core, id: ChildId) {
    for member in core.restarting_with(id) {
        if let Some(child) = core.child_mut(member)
            && matches!(child.state, State::Running | State::Starting { .. })
        {
            child.bounce = true;
        }
    }
}
