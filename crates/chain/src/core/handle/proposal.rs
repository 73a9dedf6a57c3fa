//! A proposal arrived: whose is it, is it timely, does it contradict another of its proposer?

use std::sync::Arc;

use alys_bus::protocol::network::Source;
use alys_primitives::{SignedProposal, peg::Equivocation, slots::proposer};
use ssz_types::VariableList;

use super::{accuse, blame};
use crate::core::{
    Core,
    effect::{Effect, Effects},
    evidence::{Offence, Twice},
    proposals::Sight,
};

/// Nothing of it is kept before its envelope is checked, and the block not before its copy is.
pub(crate) fn proposal(
    core: &mut Core,
    proposal: Arc<SignedProposal>,
    source: Option<Source>,
    fx: &mut Effects,
) {
    let header = &proposal.block.header;
    let (slot, hash) = (header.slot, header.hash());
    let is_known = core.tree.contains(hash) || core.proposals.is_held(slot, hash);
    if is_known || slot <= core.tree.root_slot() {
        return;
    }
    if proposer(slot, core.members) != Some(header.proposer) {
        return blame(
            source,
            format!("sent a block of slot {slot} by member {}, whose slot it is not", header.proposer),
            fx,
        );
    }
    // `far-future-proposal`: one that a certificate speaks for is not early.
    let is_wanted = core.wants.contains(hash);
    if !is_wanted && slot > core.slot.saturating_add(core.setup.policy.max_early) {
        return;
    }
    if let Err(error) = core.setup.verifier.proposal(&proposal) {
        return blame(source, error.to_string(), fx);
    }
    match core.proposals.see(hash, &proposal) {
        Sight::First => {}
        Sight::Second(first) => {
            let offence = Offence { slot, member: header.proposer, twice: Twice::Proposal };
            let both = vec![*first, proposal.signed_header()];
            let proof = Equivocation {
                proposals: VariableList::new(both).unwrap_or_default(),
                votes: VariableList::default(),
            };
            accuse(core, offence, proof, fx);
        }
        // Two prove the fault; a third is kept only where a certificate speaks for it.
        Sight::More if !is_wanted => return,
        Sight::More => {}
    }
    if core.proposals.begin_check(hash, (Arc::clone(&proposal), source)) {
        fx.push(Effect::CheckCopy { proposal, source });
    }
}
