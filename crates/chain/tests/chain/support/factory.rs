//! Makes valid blocks of any member, on any parent.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy_rpc_types_engine::ExecutionPayloadV3;
use alys_chain::core::{
    Offence,
    rules::{Expected, Invalid, Parent, Rules, notarization_of},
};
use alys_primitives::{
    B256, Block, Body, Certificate, ChainSpec, ExecutionFacts, Header, PegState, SignedProposal, Slot,
    vote::VoteData,
};
use ssz_types::VariableList;

use super::{block_facts, make_payload, spec};
use crate::sim::Keys;

/// What is known after a block.
#[derive(Clone)]
struct After {
    header: Header,
    peg: PegState,
    facts: ExecutionFacts,
    offences: BTreeSet<Offence>,
}

/// A chain of blocks as honest proposers would make them.
pub struct Factory {
    pub spec: Arc<ChainSpec>,
    pub keys: Keys,
    pub genesis: B256,
    after: BTreeMap<B256, After>,
}

impl Factory {
    pub fn new(members: usize) -> Self {
        let spec = spec(members);
        let genesis = spec.genesis();
        let hash = genesis.block.hash();
        let after = After {
            header: genesis.block.header,
            peg: genesis.peg,
            facts: ExecutionFacts::default(),
            offences: BTreeSet::new(),
        };
        let keys = Keys { chain_id: spec.chain_id, members };
        Self { spec, keys, genesis: hash, after: BTreeMap::from([(hash, after)]) }
    }

    fn with_parent<T>(&self, parent: B256, judge: impl FnOnce(&Rules<'_>, &Parent<'_>) -> T) -> T {
        let After { header, peg, facts, offences } = &self.after[&parent];
        let is_known = |_: &Certificate| false;
        let digest = self.spec.digest();
        let rules = Rules { spec: &self.spec, digest, verifier: &self.keys, is_known: &is_known };
        judge(&rules, &Parent { hash: parent, header, peg, facts, offences })
    }

    /// A body that only justifies its parent.
    pub fn body(&self, parent: B256) -> Body {
        let header = &self.after[&parent].header;
        let justification = (header.height > 0)
            .then(|| self.keys.certificate(notarization_of(parent, header)))
            .into_iter()
            .collect();
        Body { justification: VariableList::new(justification).unwrap(), ..Body::default() }
    }

    pub fn expect(&self, parent: B256, slot: Slot, body: &Body) -> Result<Expected, Invalid> {
        self.with_parent(parent, |rules, parent| rules.expect(parent, slot, body))
    }

    pub fn check(&self, parent: B256, block: &Block) -> Result<Expected, Invalid> {
        self.with_parent(parent, |rules, parent| rules.check(parent, block))
    }

    /// A block with a body and a payload of its own, whatever they are, in a header that commits to
    /// both.
    pub fn assemble(&self, parent: B256, header: Header, body: Body, payload: ExecutionPayloadV3) -> Block {
        let mut block = Block { header, body, payload, execution_requests: VariableList::default() };
        block.header.parent = parent;
        block.header.body_root = block.body.root();
        self.rehash(&mut block);
        block
    }

    /// Makes payload and header name the payload's true hash again.
    pub fn rehash(&self, block: &mut Block) {
        let hash = alys_primitives::payload::block_hash(&block.payload, block.header.parent, &[]).unwrap();
        block.payload.payload_inner.payload_inner.block_hash = hash;
        block.header.payload_hash = hash;
    }

    /// The valid block of `slot` with `body`; different `salt` makes rivals.
    pub fn block_with(&mut self, parent: B256, slot: Slot, body: Body, salt: u64) -> Arc<SignedProposal> {
        let expected = self.expect(parent, slot, &body).unwrap();
        let payload = make_payload(&expected.payload, salt);
        let block = self.assemble(parent, expected.header, body, payload);
        let mut offences = self.after[&parent].offences.clone();
        offences.extend(expected.offences);
        let after =
            After { header: block.header.clone(), peg: expected.peg, facts: block_facts(&block), offences };
        self.after.insert(block.hash(), after);
        Arc::new(self.keys.propose(block))
    }

    /// The plain valid block of `slot`.
    pub fn block(&mut self, parent: B256, slot: Slot) -> Arc<SignedProposal> {
        let body = self.body(parent);
        self.block_with(parent, slot, body, slot)
    }

    pub fn certificate(&self, data: VoteData) -> Arc<Certificate> {
        Arc::new(self.keys.certificate(data))
    }
}
