//! What the actor keeps: blocks by hash, the rest found by walking from the head to its ancestors.

use std::{collections::BTreeMap, iter::successors, sync::Arc};

use alloy_primitives::{B256, keccak256};
use alys_bus::protocol::storage::{
    BlockChange, BlockQuery, BlockStatus, ChainRecord, HeadUpdate, MAX_RANGE, Promises, PruneReport,
    StorageError, StorageStatistics, StoredBlock,
};
use alys_primitives::SignedProposal;

type Block = Arc<SignedProposal>;

#[derive(Default)]
pub struct Memory {
    blocks: BTreeMap<B256, Block>,
    changes: BTreeMap<B256, BlockChange>,
    at: Option<HeadUpdate>,
    genesis: B256,
    oldest: u64,
    pub promises: Promises,
}

fn height(block: &Block) -> u64 {
    block.block.header.height
}

impl Memory {
    /// A block and its ancestors, highest first.
    fn line(&self, from: B256) -> impl Iterator<Item = &Block> {
        successors(self.blocks.get(&from), |block| self.blocks.get(&block.block.header.parent))
    }

    fn is_ancestor(&self, ancestor: B256, of: B256) -> Result<(), StorageError> {
        let found = self.line(of).any(|block| block.block.hash() == ancestor);
        if found { Ok(()) } else { Err(StorageError::NotAnAncestor { ancestor, block: of }) }
    }

    pub fn persist(&mut self, block: Block) {
        if height(&block) == 0 {
            self.genesis = block.block.hash();
        }
        self.blocks.insert(block.block.hash(), block);
    }

    pub fn apply(&mut self, mut update: HeadUpdate) -> Result<(), StorageError> {
        for block in [update.head.hash, update.finalized.hash] {
            self.blocks.get(&block).ok_or(StorageError::UnknownBlock(block))?;
        }
        self.is_ancestor(update.finalized.hash, update.head.hash)?;
        if let Some(old) = &self.at {
            self.is_ancestor(old.finalized.hash, update.finalized.hash)?;
            let known = |old: &Option<_>, same: bool| if same { old.clone() } else { None };
            update.finalization =
                update.finalization.or_else(|| known(&old.finalization, old.finalized == update.finalized));
            update.notarization =
                update.notarization.or_else(|| known(&old.notarization, old.head == update.head));
        }
        self.changes.extend(update.changes.drain(..).map(|change| (change.block, change)));
        self.at = Some(update);
        Ok(())
    }

    fn stored(&self, block: &Block) -> Arc<StoredBlock> {
        let hash = block.block.hash();
        let on = |tip: Option<B256>| tip.is_some_and(|tip| self.is_ancestor(hash, tip).is_ok());
        let status = match &self.at {
            at if on(at.as_ref().map(|at| at.finalized.hash)) => BlockStatus::Final,
            at if on(at.as_ref().map(|at| at.head.hash)) => BlockStatus::Canonical,
            _ => BlockStatus::Candidate,
        };
        let facts = self.changes.get(&hash).map(|change| change.facts.clone());
        Arc::new(StoredBlock { block: SignedProposal::clone(block), facts, status })
    }

    pub fn retrieve(&self, query: BlockQuery) -> Vec<Arc<StoredBlock>> {
        let head = self.at.as_ref().map_or(B256::ZERO, |at| at.head.hash);
        let has = |block: &Block, hash| {
            let payload = &block.block.payload.payload_inner.payload_inner;
            payload.transactions.iter().any(|bytes| keccak256(bytes) == hash)
        };
        let (first, count) = match query {
            BlockQuery::Hash(hash) => {
                return self.blocks.get(&hash).map(|b| self.stored(b)).into_iter().collect();
            }
            BlockQuery::Transaction(hash) => {
                return self.line(head).filter(|block| has(block, hash)).map(|b| self.stored(b)).collect();
            }
            BlockQuery::Height(height) => (height, 1),
            BlockQuery::Range { from, count } => (from, u64::from(count.min(MAX_RANGE))),
        };
        let within = |block: &&Block| height(block).checked_sub(first).is_some_and(|above| above < count);
        let mut found: Vec<_> = self.line(head).filter(within).map(|block| self.stored(block)).collect();
        found.reverse();
        found
    }

    pub fn load(&self) -> Option<Box<ChainRecord>> {
        let at = self.at.as_ref()?;
        let last = self.changes.get(&at.finalized.hash)?;
        let mut above: Vec<_> =
            self.blocks.values().filter(|block| height(block) > at.finalized.height).collect();
        above.sort_by_key(|block| height(block));
        Some(Box::new(ChainRecord {
            genesis: self.genesis,
            head: at.head,
            finalized: at.finalized,
            peg: last.peg.clone(),
            facts: last.facts.clone(),
            finalization: at.finalization.clone(),
            notarization: at.notarization.clone(),
            changes: above.iter().filter_map(|b| self.changes.get(&b.block.hash()).cloned()).collect(),
            pending: above.into_iter().map(|block| self.stored(block)).collect(),
        }))
    }

    pub fn prune(&mut self, below: u64) -> PruneReport {
        let last = self.at.as_ref().map_or(0, |at| at.finalized.height);
        self.oldest = self.oldest.max(below.min(last));
        let before = self.blocks.len();
        self.blocks.retain(|_, block| height(block) >= self.oldest);
        PruneReport { blocks: (before - self.blocks.len()) as u64, oldest: self.oldest }
    }

    pub fn statistics(&self) -> StorageStatistics {
        let (head, finalized) = self.at.as_ref().map_or((0, 0), |at| (at.head.height, at.finalized.height));
        let (blocks, oldest) = (self.blocks.len() as u64, self.oldest);
        StorageStatistics { backend: "map".to_owned(), blocks, oldest, head, finalized, ..Default::default() }
    }
}
