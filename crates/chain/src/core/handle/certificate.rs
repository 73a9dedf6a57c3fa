//! A certificate arrived or was made: of one slot there can be but one.

use std::sync::Arc;

use alys_bus::protocol::network::Source;
use alys_primitives::{B256, Certificate, Slot, VoteKind};

use super::{alarm, blame};
use crate::core::{
    Core,
    certificates::Learned,
    effect::{Effect, Effects, Gossip},
};

/// One from the wire counts only after the pairing check.
pub(crate) fn certificate(
    core: &mut Core,
    certificate: Arc<Certificate>,
    source: Option<Source>,
    fx: &mut Effects,
) {
    let data = certificate.data;
    if data.slot < core.tree.root_slot() || core.certificates.contains(&certificate) {
        return;
    }
    match core.setup.verifier.certificate(&certificate) {
        Ok(()) => learn(core, certificate, fx),
        Err(error) => blame(source, format!("sent a bad certificate of slot {}: {error}", data.slot), fx),
    }
}

/// Takes a certificate that verified.
pub(crate) fn learn(core: &mut Core, certificate: Arc<Certificate>, fx: &mut Effects) {
    let data = certificate.data;
    if data.slot < core.tree.root_slot() {
        return;
    }
    match core.certificates.learn(Arc::clone(&certificate)) {
        Learned::New => {}
        Learned::Known => return,
        Learned::Conflict(other) => {
            let slot = data.slot;
            return alarm(format!("two blocks of slot {slot} are certified: {other} and {}", data.block), fx);
        }
    }
    core.quorum_seen = core.quorum_seen.max(data.slot);
    match data.kind {
        VoteKind::Notarize => {
            core.stride.saw_quorum(data.slot);
            core.optional.notarized(data.block);
        }
        VoteKind::Finalize => core.stride.saw_finalization(data.slot),
    }
    // One small message, so that nobody needs the votes; whoever locks on it has shown it to all.
    if core.certificates.highest_slot(data.kind) == data.slot {
        fx.push(Effect::Publish(Gossip::Certificate(certificate)));
    }
    certify(core, data.block, data.slot);
}

/// Marks a block and its ancestors as certified, and fetches the first that is missing.
pub(crate) fn certify(core: &mut Core, block: B256, slot: Slot) {
    if slot <= core.tree.root_slot() {
        return;
    }
    if let Some(missing) = core.tree.certify(block) {
        core.wants.add(missing, slot);
    }
}
