//! A copy was checked against its header. A good one enters the tree, at once or when its slot begins.

use std::sync::Arc;

use alys_bus::protocol::network::Source;
use alys_primitives::{B256, SignedProposal, VoteKind, block::BadCopy};

use super::{blame, learn};
use crate::core::{
    Core,
    draft::Stage,
    effect::{Effect, Effects},
    handle::certificate::certify,
    tree::Node,
};

/// A bad copy says nothing about the block: it is dropped, its sender blamed, and the next copy
/// looked at (`poisoned-copy`).
pub(crate) fn copy_checked(
    core: &mut Core,
    proposal: Arc<SignedProposal>,
    source: Option<Source>,
    result: Result<(), BadCopy>,
    fx: &mut Effects,
) {
    let (hash, slot) = (proposal.block.hash(), proposal.block.header.slot);
    if let Err(bad) = result {
        blame(source, format!("sent a bad copy of block {hash}: {bad}"), fx);
        if let Some(draft) = &mut core.draft
            && matches!(draft.stage, Stage::Storing { hash: own, .. } if own == hash)
        {
            draft.stage = Stage::Dropped(format!("the execution client built a bad payload: {bad}"));
        }
        if let Some((proposal, source)) = core.proposals.next_copy(hash) {
            fx.push(Effect::CheckCopy { proposal, source });
        }
        return;
    }
    core.proposals.end_check(hash);
    if slot > core.slot && !core.wants.contains(hash) {
        core.proposals.hold(hash, proposal);
    } else {
        accept(core, hash, proposal, fx);
    }
}

/// Puts a block whose copy is good into the tree, and learns its parent's notarization from it.
pub(crate) fn accept(core: &mut Core, hash: B256, proposal: Arc<SignedProposal>, fx: &mut Effects) {
    core.wants.remove(hash);
    let (slot, parent) = (proposal.block.header.slot, proposal.block.header.parent);
    if !core.tree.insert(Node::new(hash, Arc::clone(&proposal))) {
        return;
    }
    for certificate in &proposal.block.body.justification {
        let data = certificate.data;
        let is_parents = data.kind == VoteKind::Notarize && data.block == parent && data.slot < slot;
        if is_parents && core.with_rules(|rules| rules.check_certificate(certificate)).is_ok() {
            learn(core, Arc::new(certificate.clone()), fx);
        }
    }
    let of_kind = |kind| core.certificates.get(kind, slot).is_some_and(|c| c.data.block == hash);
    if VoteKind::ALL.into_iter().any(of_kind) || core.tree.has_certified_child(hash) {
        certify(core, hash, slot);
    }
}
