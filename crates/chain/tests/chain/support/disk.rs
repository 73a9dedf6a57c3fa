//! A storage in memory, with storage's rules: what was acknowledged stays, whatever else is lost.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alys_bus::protocol::storage::{
    BlockChange, BlockQuery, BlockRef, BlockStatus, ChainRecord, HeadUpdate, Promises, StorageError,
    StoredBlock,
};
use alys_chain::core::Start;
use alys_primitives::{B256, Certificate, ChainSpec, ExecutionFacts, IdentitySignature, SignedProposal};

/// All that is durable of one node.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    pub blocks: BTreeMap<B256, Arc<SignedProposal>>,
    pub changes: BTreeMap<B256, BlockChange>,
    pub promises: Promises,
    pub head: BlockRef,
    pub finalized: BlockRef,
    pub finalization: Option<Certificate>,
    pub notarization: Option<Certificate>,
    pub started: bool,
}

impl Disk {
    /// A disk on which genesis stands, as after a first start.
    pub fn with_genesis(spec: &ChainSpec) -> Self {
        let genesis = spec.genesis();
        let mut disk = Self::default();
        let signature = IdentitySignature::ZERO;
        disk.store(Arc::new(SignedProposal { block: genesis.block.clone(), signature }));
        let hash = genesis.block.hash();
        let place = BlockRef { hash, ..BlockRef::default() };
        let change = BlockChange { block: hash, facts: ExecutionFacts::default(), peg: genesis.peg };
        let update = HeadUpdate {
            head: place,
            finalized: place,
            changes: vec![change],
            finalization: None,
            notarization: None,
        };
        disk.apply(&update).unwrap();
        disk
    }

    pub fn store(&mut self, proposal: Arc<SignedProposal>) {
        self.blocks.insert(proposal.block.hash(), proposal);
    }

    /// Moves the head, with storage's checks.
    pub fn apply(&mut self, update: &HeadUpdate) -> Result<(), StorageError> {
        for place in [update.head, update.finalized] {
            if !self.blocks.contains_key(&place.hash) {
                return Err(StorageError::UnknownBlock(place.hash));
            }
        }
        for change in &update.changes {
            self.changes.insert(change.block, change.clone());
        }
        if self.started {
            self.is_ancestor(self.finalized.hash, update.finalized.hash)?;
        }
        self.is_ancestor(update.finalized.hash, update.head.hash)?;
        for hash in self.chain_down_from(update.head.hash, self.finalized.height) {
            assert!(self.changes.contains_key(&hash), "no change set for a block on the chain of the head");
        }
        self.started = true;
        (self.head, self.finalized) = (update.head, update.finalized);
        self.finalization = update.finalization.clone().or(self.finalization.take());
        self.notarization.clone_from(&update.notarization);
        Ok(())
    }

    fn is_ancestor(&self, ancestor: B256, block: B256) -> Result<(), StorageError> {
        let height = self.blocks.get(&ancestor).map_or(0, |p| p.block.header.height);
        let mut line = self.chain_down_from(block, height.saturating_sub(1));
        if height == 0 || line.any(|hash| hash == ancestor) {
            return Ok(());
        }
        Err(StorageError::NotAnAncestor { ancestor, block })
    }

    /// The hashes from `block` down to the one above `height`.
    pub fn chain_down_from(&self, block: B256, height: u64) -> impl Iterator<Item = B256> {
        let mut at = block;
        std::iter::from_fn(move || {
            let header = &self.blocks.get(&at)?.block.header;
            if header.height <= height {
                return None;
            }
            let here = at;
            at = header.parent;
            Some(here)
        })
    }

    /// The chain of the head, lowest first, without genesis.
    pub fn chain(&self) -> Vec<Arc<SignedProposal>> {
        let mut chain: Vec<_> =
            self.chain_down_from(self.head.hash, 0).map(|hash| Arc::clone(&self.blocks[&hash])).collect();
        chain.reverse();
        chain
    }

    pub fn stored(&self, hash: B256) -> Arc<StoredBlock> {
        Arc::new(StoredBlock {
            block: (*self.blocks[&hash]).clone(),
            facts: self.changes.get(&hash).map(|change| change.facts.clone()),
            status: BlockStatus::Candidate,
        })
    }

    pub fn query(&self, query: BlockQuery) -> Vec<Arc<StoredBlock>> {
        let genesis = || self.blocks.values().find(|p| p.block.header.height == 0).map(|p| p.block.hash());
        let chain = || genesis().into_iter().chain(self.chain().into_iter().map(|p| p.block.hash()));
        let hashes: Vec<B256> = match query {
            BlockQuery::Hash(hash) => self.blocks.keys().filter(|h| **h == hash).copied().collect(),
            BlockQuery::Height(height) => chain().skip(height as usize).take(1).collect(),
            BlockQuery::Range { from, count } => chain().skip(from as usize).take(count as usize).collect(),
            BlockQuery::Transaction(_) => Vec::new(),
        };
        hashes.into_iter().map(|hash| self.stored(hash)).collect()
    }

    /// What storage's `LoadChain` answers.
    pub fn record(&self) -> Option<ChainRecord> {
        if !self.started {
            return None;
        }
        let root = &self.changes[&self.finalized.hash];
        let mut pending: Vec<_> =
            self.blocks.values().filter(|p| p.block.header.height > self.finalized.height).collect();
        pending.sort_by_key(|p| (p.block.header.height, p.block.header.slot));
        let pending: Vec<_> = pending.into_iter().map(|p| self.stored(p.block.hash())).collect();
        let hashes: BTreeSet<B256> = pending.iter().map(|stored| stored.block.block.hash()).collect();
        Some(ChainRecord {
            genesis: self.query(BlockQuery::Height(0))[0].block.block.hash(),
            head: self.head,
            finalized: self.finalized,
            peg: root.peg.clone(),
            facts: root.facts.clone(),
            finalization: self.finalization.clone(),
            notarization: self.notarization.clone(),
            changes: self.changes.values().filter(|change| hashes.contains(&change.block)).cloned().collect(),
            pending,
        })
    }

    /// What the shell makes of it for the core.
    pub fn start(&self, spec: &ChainSpec) -> Start {
        let genesis = spec.genesis();
        let record = self.record().unwrap();
        let carriers = self.chain().into_iter().filter(|p| {
            !p.block.body.evidence.is_empty() && p.block.header.height <= record.finalized.height
        });
        Start {
            root: Arc::clone(&self.blocks[&record.finalized.hash]),
            peg: record.peg,
            facts: record.facts,
            finalization: record.finalization,
            head: record.head,
            notarization: record.notarization,
            pending: record.pending,
            changes: record.changes,
            promises: self.promises.clone(),
            carriers: carriers.collect(),
            genesis_payload: genesis.block.header.payload_hash,
            genesis: genesis.block.hash(),
        }
    }
}
