//! Making a core from what storage remembered.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alys_bus::protocol::{
    chain::{ChainStatus, SyncState},
    storage::{BlockChange, BlockRef, StoredBlock},
};
use alys_primitives::{B256, SignedProposal};

use super::{
    Core, Offence, Setup, Start, Stride,
    certificates::Certificates,
    draft::OptionalItems,
    effect::Effects,
    evidence::{Proofs, offence},
    follow::Follow,
    handle::accept,
    own::Own,
    proposals::Proposals,
    tree::{Node, Standing, Stored, Tree},
    votes::Votes,
    wants::Wants,
};

impl Core {
    /// A core that goes on from `start`. Its first effects compare the engine with storage, and send
    /// again what this member promised; until the comparison has ended well it votes for nothing.
    #[must_use]
    pub fn start(setup: Setup, start: Start, now_ms: u64, fx: &mut Effects) -> Self {
        let spec = Arc::clone(&setup.spec);
        let clock = spec.slots();
        let slot = clock.slot_at(now_ms).unwrap_or(0);
        let root = root_node(&start);
        let finalized = root.place();
        let genesis = BlockRef { hash: start.genesis, ..BlockRef::default() };
        let status = ChainStatus {
            chain: spec.name.clone(),
            chain_id: spec.chain_id,
            genesis: start.genesis,
            spec_digest: spec.digest(),
            member: setup.own,
            members: spec.members(),
            quorum: spec.quorum(),
            sync: SyncState::Starting,
            ..ChainStatus::default()
        };
        let mut core = Self {
            clock,
            members: spec.members(),
            quorum: spec.quorum(),
            digest: status.spec_digest,
            genesis,
            genesis_payload: start.genesis_payload,
            slot,
            tree: Tree::new(root, past_offences(&setup, &start.carriers)),
            certificates: Certificates::default(),
            proposals: Proposals::default(),
            votes: Votes::default(),
            proofs: Proofs::default(),
            stride: Stride::new(spec.members()),
            own: Own::new(start.promises.clone()),
            draft: None,
            shortfall: None,
            drafts: 0,
            optional: OptionalItems::default(),
            follow: Follow::new(start.head, finalized, now_ms),
            wants: Wants::default(),
            quorum_seen: 0,
            reviewed: slot,
            resend_at: now_ms,
            woken_at: None,
            reported: false,
            status,
            setup,
        };
        core.stride.saw_finalization(finalized.slot);
        core.recall(start, fx);
        core.do_duties(now_ms, fx);
        core
    }

    /// Certificates, blocks and promises, in this order: blocks are judged by certificates, and the
    /// own votes are counted again.
    fn recall(&mut self, start: Start, fx: &mut Effects) {
        // Both were verified before they were stored.
        for certificate in start.finalization.into_iter().chain(start.notarization) {
            self.certificates.learn(Arc::new(certificate));
        }
        let mut changes: BTreeMap<B256, BlockChange> =
            start.changes.into_iter().map(|change| (change.block, change)).collect();
        for stored in start.pending {
            let hash = stored.block.block.hash();
            self.recall_block(hash, &stored, changes.remove(&hash), fx);
        }
        let promises = &self.own.promises;
        if let Some(hash) = promises.proposal.as_ref().map(|proposal| proposal.header.hash()) {
            let node = self.tree.get(hash).and_then(|node| node.proposal.clone());
            self.own.proposal = node;
        }
        for vote in [promises.notarize.clone(), promises.finalize.clone()].into_iter().flatten() {
            if vote.vote.data.slot > self.tree.root_slot() {
                self.votes.add(&Arc::new(vote));
            }
        }
    }

    fn recall_block(
        &mut self,
        hash: B256,
        stored: &StoredBlock,
        change: Option<BlockChange>,
        fx: &mut Effects,
    ) {
        let proposal = Arc::new(stored.block.clone());
        self.proposals.see(hash, &proposal);
        accept(self, hash, Arc::clone(&proposal), fx);
        let proved = proved(&self.setup, &proposal);
        self.tree.update(hash, |node| {
            node.stored = Stored::Yes;
            if let Some(change) = change {
                node.applied = true;
                node.offences = proved;
                node.standing = Standing::Valid { peg: Box::new(change.peg), facts: Box::new(change.facts) };
            }
        });
    }
}

fn root_node(start: &Start) -> Node {
    let hash = start.root.block.hash();
    let mut root = Node::new(hash, Arc::clone(&start.root));
    root.standing =
        Standing::Valid { peg: Box::new(start.peg.clone()), facts: Box::new(start.facts.clone()) };
    root.stored = Stored::Yes;
    root.applied = true;
    root.certified = true;
    root
}

fn proved(setup: &Setup, proposal: &SignedProposal) -> Vec<Offence> {
    let items = proposal.block.body.evidence.iter();
    items.filter_map(|item| offence(item, &*setup.verifier).ok()).collect()
}

fn past_offences(setup: &Setup, carriers: &[Arc<SignedProposal>]) -> BTreeSet<Offence> {
    carriers.iter().flat_map(|proposal| proved(setup, proposal)).collect()
}
