//! An execution client that executes nothing, and forgets what is not final when it is restarted.

use std::collections::BTreeMap;

use alys_bus::protocol::engine::{EngineHead, Forkchoice, Lack, PayloadId, PayloadVerdict, SealedPayload};
use alys_primitives::{B256, Block, U256, payload::PayloadRules};

use super::{block_facts, make_payload};

/// The client.
#[derive(Debug, Clone)]
pub struct FakeEngine {
    /// Executed payloads and their heights.
    executed: BTreeMap<B256, u64>,
    genesis: B256,
    builds: BTreeMap<PayloadId, PayloadRules>,
    next_id: u64,
    salt: u64,
    pub head: EngineHead,
    /// Verdicts that were ordered, by payload hash.
    pub orders: BTreeMap<B256, PayloadVerdict>,
    /// Payloads judged so far.
    pub judged: u64,
    /// It answers VALID, and moves no more (`valid-but-old-head`), until it is started anew.
    pub stuck: bool,
    /// Whether it is in the node's hands; and how often it was started anew.
    pub managed: bool,
    pub resets: u64,
    /// Its canonical blocks by height.
    canonical: BTreeMap<u64, B256>,
    parents: BTreeMap<B256, B256>,
}

impl FakeEngine {
    /// One that has executed genesis. Payloads of clients of different `salt` differ.
    pub fn new(genesis: B256, salt: u64) -> Self {
        Self {
            executed: BTreeMap::from([(genesis, 0)]),
            genesis,
            builds: BTreeMap::new(),
            next_id: 0,
            salt,
            head: EngineHead { number: 0, hash: genesis, durable: 0 },
            orders: BTreeMap::new(),
            judged: 0,
            stuck: false,
            managed: false,
            resets: 0,
            canonical: BTreeMap::from([(0, genesis)]),
            parents: BTreeMap::new(),
        }
    }

    pub fn build(&mut self, rules: &PayloadRules) -> Option<PayloadId> {
        if !self.executed.contains_key(&rules.parent_hash) {
            return None;
        }
        self.next_id += 1;
        let id = self.next_id.to_be_bytes();
        self.builds.insert(id, rules.clone());
        Some(id)
    }

    pub fn seal(&mut self, id: PayloadId) -> Option<SealedPayload> {
        let rules = self.builds.remove(&id)?;
        self.salt += 1;
        Some(SealedPayload {
            payload: make_payload(&rules, self.salt),
            requests: Vec::new(),
            fees: U256::ZERO,
        })
    }

    pub fn judge(&mut self, block: &Block) -> PayloadVerdict {
        let payload = block.header.payload_hash;
        self.judged += 1;
        if let Some(order) = self.orders.get(&payload) {
            return order.clone();
        }
        let parent = block.payload.payload_inner.payload_inner.parent_hash;
        if !self.executed.contains_key(&parent) {
            return PayloadVerdict::Unavailable { lack: Lack::Parent, what: format!("parent {parent}") };
        }
        self.executed.insert(payload, block.header.height);
        self.parents.insert(payload, parent);
        PayloadVerdict::Valid(block_facts(block))
    }

    /// Follows what it has executed, and says where it stands.
    pub fn follow(&mut self, choice: Forkchoice) -> EngineHead {
        if let Some(&height) = self.executed.get(&choice.head)
            && !self.stuck
        {
            self.head = EngineHead { number: height, hash: choice.head, durable: 0 };
            let mut at = Some(choice.head);
            for height in (0..=height).rev() {
                let Some(hash) = at else { break };
                self.canonical.insert(height, hash);
                at = self.parents.get(&hash).copied();
            }
            self.canonical.split_off(&(height + 1));
        }
        self.head
    }

    /// Its own block at a height.
    pub fn block_at(&self, height: u64) -> Option<B256> {
        self.canonical.get(&height).copied()
    }

    /// Falls back to one of its own blocks by itself, as after a kill, and still has all it executed.
    pub fn fall_back(&mut self, height: u64) {
        if let Some(hash) = self.block_at(height) {
            self.follow(Forkchoice { head: hash, ..Forkchoice::default() });
            self.executed.retain(|_, at| *at <= height);
        }
    }

    /// Begins at genesis again.
    pub fn reset(&mut self) {
        self.resets += 1;
        self.stuck = false;
        self.forget();
    }

    /// As after a kill: all that was executed is gone.
    pub fn forget(&mut self) {
        self.executed = BTreeMap::from([(self.genesis, 0)]);
        self.builds.clear();
        self.head = EngineHead { number: 0, hash: self.genesis, durable: 0 };
        self.canonical = BTreeMap::from([(0, self.genesis)]);
    }
}
