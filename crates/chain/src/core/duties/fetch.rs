//! Asking peers for blocks that a certificate speaks for and that are not here.

use crate::core::{
    Core,
    effect::{Effect, Effects},
};

/// Asks for those that are due; each is asked for until it is here, or the final chain has passed it.
pub(crate) fn fetch(core: &mut Core, now_ms: u64, fx: &mut Effects) {
    for hash in core.wants.take_due(now_ms) {
        fx.push(Effect::Fetch(hash));
    }
}
