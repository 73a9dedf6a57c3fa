//! What must hold in every simulation.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alys_chain::core::rules::{Parent, Rules};
use alys_primitives::{
    B256, Certificate, ChainSpec, ExecutionFacts, SignedProposal, SignedVote, Slot, VoteKind, vote::VoteData,
};

use super::keys::Keys;
use crate::support::{Disk, block_facts};

/// What an outside observer has seen.
#[derive(Debug, Default)]
pub struct Witness {
    pub blocks: BTreeMap<B256, Arc<SignedProposal>>,
    pub finalizations: BTreeMap<Slot, BTreeSet<B256>>,
    pub notarizations: BTreeMap<Slot, BTreeSet<B256>>,
    votes: BTreeMap<(u8, VoteKind, Slot), VoteData>,
    proposals: BTreeMap<(u8, Slot), B256>,
    /// What was wrong, first of all.
    pub violation: Option<String>,
}

impl Witness {
    fn violated(&mut self, what: String) {
        self.violation.get_or_insert(what);
    }

    /// An honest member showed a vote: of a kind and slot there is one, over all its lives (C4).
    pub fn saw_vote(&mut self, vote: &SignedVote) {
        let data = vote.vote.data;
        let key = (vote.vote.member, data.kind, data.slot);
        if let Some(before) = self.votes.insert(key, data)
            && before != data
        {
            self.violated(format!("member {} voted twice: {before:?} and {data:?}", vote.vote.member));
        }
    }

    /// An honest member showed a proposal.
    pub fn saw_proposal(&mut self, proposal: &SignedProposal) {
        let (hash, header) = (proposal.block.hash(), &proposal.block.header);
        if let Some(before) = self.proposals.insert((header.proposer, header.slot), hash)
            && before != hash
        {
            self.violated(format!("member {} proposed twice in slot {}", header.proposer, header.slot));
        }
    }

    /// Somebody made a certificate.
    pub fn saw_certificate(&mut self, certificate: &Certificate) {
        let data = certificate.data;
        let kind = match data.kind {
            VoteKind::Notarize => &mut self.notarizations,
            VoteKind::Finalize => &mut self.finalizations,
        };
        kind.entry(data.slot).or_default().insert(data.block);
    }

    /// No two finalized blocks conflict: each is an ancestor of every later one.
    pub fn check_finality(&mut self) {
        let all: Vec<(Slot, B256)> =
            self.finalizations.iter().flat_map(|(slot, blocks)| blocks.iter().map(|b| (*slot, *b))).collect();
        for pair in all.windows(2) {
            let [(low_slot, low), (high_slot, high)] = pair else { continue };
            if !self.descends(*high, *low) {
                self.violated(format!(
                    "conflicting finalizations: {low} of slot {low_slot} and {high} of slot {high_slot}"
                ));
            }
        }
    }

    fn descends(&self, block: B256, ancestor: B256) -> bool {
        let mut at = block;
        loop {
            if at == ancestor {
                return true;
            }
            match self.blocks.get(&at) {
                Some(proposal) => at = proposal.block.header.parent,
                None => return false,
            }
        }
    }

    /// Slots whose own block was finalized.
    pub fn finalized_slots(&self) -> BTreeSet<Slot> {
        self.finalizations.keys().copied().collect()
    }
}

/// Replays a disk's chain from genesis, block by block, and compares every peg state and every fact
/// with what the disk holds, byte for byte (C6).
pub fn check_replay(spec: &ChainSpec, keys: &Keys, disk: &Disk) {
    let genesis = spec.genesis();
    let is_known = |_: &Certificate| false;
    let rules = Rules { spec, digest: spec.digest(), verifier: keys, is_known: &is_known };
    let mut parent =
        (genesis.block.hash(), genesis.block.header.clone(), genesis.peg, ExecutionFacts::default());
    let mut offences = BTreeSet::new();
    for proposal in disk.chain() {
        let (hash, header, peg, facts) = &parent;
        let block = &proposal.block;
        let place = Parent { hash: *hash, header, peg, facts, offences: &offences };
        let expected = rules.check(&place, block).expect("a block on the chain is valid");
        offences.extend(expected.offences);
        let stored = &disk.changes[&block.hash()];
        assert_eq!(
            stored.peg.encode(),
            expected.peg.encode(),
            "the peg state of height {}",
            block.header.height
        );
        assert_eq!(stored.facts, block_facts(block));
        parent = (block.hash(), block.header.clone(), expected.peg, block_facts(block));
    }
}
