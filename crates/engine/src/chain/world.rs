//! All that a reader may see at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::B256;

use super::block::{BlockRef, Candidate, ExecutedBlock};
use super::records::{self, StoredTransaction, Tip};
use super::summary::BlockSummary;
use crate::error::StateError;
use crate::execute::{BlockHashes, BlockState};
use crate::state::{Base, StateView};

/// Summaries that one read takes at the most: some 200 KiB.
const SUMMARIES_A_READ: usize = 256;

/// One moment: a base with its snapshot, the candidates above it, and the canonical chain.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) base: Base,
    pub(crate) base_block: Arc<ExecutedBlock>,
    /// The oldest height whose state can be read.
    pub(crate) oldest: u64,
    /// The oldest height at which proofs can be made.
    pub(crate) proofs: u64,
    /// Every executed block above the base, by hash. All of them descend from the base.
    pub(crate) candidates: BTreeMap<B256, Arc<Candidate>>,
    /// The canonical blocks above the base, by height.
    pub(crate) canonical: BTreeMap<u64, B256>,
    pub(crate) head: BlockRef,
    pub(crate) safe: BlockRef,
    pub(crate) finalized: BlockRef,
}

impl World {
    /// The world with nothing above the base.
    pub(super) fn at_base(base: Base, block: Arc<ExecutedBlock>, tip: Tip) -> Self {
        let known = |tag: BlockRef| if tag.number > tip.base.number { tip.base } else { tag };
        Self {
            base,
            base_block: block,
            oldest: tip.oldest,
            proofs: tip.proofs,
            candidates: BTreeMap::new(),
            canonical: BTreeMap::new(),
            head: tip.base,
            safe: known(tip.safe),
            finalized: known(tip.finalized),
        }
    }

    pub(crate) fn base_ref(&self) -> BlockRef {
        self.base_block.reference()
    }

    /// The canonical hash at `height`.
    pub(crate) fn canonical_hash(&self, height: u64) -> Result<Option<B256>, StateError> {
        if height > self.base_block.header.number {
            return Ok(self.canonical.get(&height).copied());
        }
        records::read_canonical(self.base.reader(), height)
    }

    /// The block with this hash: a candidate, canonical or not, or a stored one.
    pub(crate) fn block(&self, hash: &B256) -> Result<Option<Arc<ExecutedBlock>>, StateError> {
        if let Some(candidate) = self.candidates.get(hash) {
            return Ok(Some(candidate.block.clone()));
        }
        if *hash == self.base_block.hash {
            return Ok(Some(self.base_block.clone()));
        }
        Ok(records::read_block(self.base.reader(), hash)?.map(Arc::new))
    }

    /// The canonical blocks from `from` to `to` in short, lowest first and without gaps; not all of them where there are
    /// many: ask again from the one after the last. Empty where `from` lies above the head or above `to`.
    pub(crate) fn summaries(&self, from: u64, to: u64) -> Result<Vec<BlockSummary>, StateError> {
        let base = self.base_block.header.number;
        if from <= base {
            let summaries =
                records::read_summaries(self.base.reader(), from, to.min(base), SUMMARIES_A_READ)?;
            if summaries.is_empty() && from <= to {
                return Err(StateError::bad(format!("summary of block {from}"), "not there"));
            }
            return Ok(summaries);
        }
        if from > to {
            return Ok(Vec::new());
        }
        let blocks = self.canonical.range(from..=to).filter_map(|(_, hash)| self.candidates.get(hash));
        Ok(blocks.take(SUMMARIES_A_READ).map(|candidate| BlockSummary::of(&candidate.block)).collect())
    }

    /// Where a transaction stands in the canonical chain.
    pub(crate) fn transaction(&self, hash: &B256) -> Result<Option<StoredTransaction>, StateError> {
        for (height, block) in self.canonical.iter().rev() {
            let candidate = self.candidates.get(block);
            if let Some(index) = candidate.and_then(|candidate| candidate.index.get(hash)) {
                return Ok(Some(StoredTransaction { block: *height, index: *index }));
            }
        }
        records::read_transaction(self.base.reader(), hash)
    }

    /// The candidates from `hash` down to the one above the base; empty for the base itself,
    /// `None` for any other block.
    pub(crate) fn branch(&self, hash: &B256) -> Option<Vec<&Arc<Candidate>>> {
        let mut branch = Vec::new();
        let mut at = *hash;
        while at != self.base_block.hash {
            let candidate = self.candidates.get(&at)?;
            branch.push(candidate);
            at = candidate.block.header.parent_hash;
        }
        Some(branch)
    }

    /// The state after a block.
    pub(crate) fn state(&self, hash: &B256) -> Result<StateView, StateError> {
        if let Some(branch) = self.branch(hash) {
            let overlays = branch.into_iter().map(|candidate| candidate.overlay.clone()).collect();
            return Ok(StateView::above(self.base.clone(), overlays));
        }
        let block = records::read_block(self.base.reader(), hash)?.ok_or(StateError::UnknownBlock(*hash))?;
        let (height, base) = (block.header.number, self.base_block.header.number);
        if height < self.oldest {
            return Err(StateError::Pruned { asked: height, oldest: self.oldest });
        }
        Ok(StateView::below(self.base.clone(), height, base, self.proofs))
    }

    /// A state to execute a child of `parent` on, or anything else in the place of such a child.
    pub(crate) fn block_state(self: &Arc<Self>, parent: &B256) -> Result<BlockState, StateError> {
        Ok(BlockState::new(self.state(parent)?, self.block_hashes(parent)))
    }

    /// The hashes of `parent` and its ancestors, for `BLOCKHASH`.
    fn block_hashes(self: &Arc<Self>, parent: &B256) -> BlockHashes {
        let branch = self.branch(parent).unwrap_or_default();
        let above: BTreeMap<u64, B256> = branch
            .into_iter()
            .map(|candidate| (candidate.block.header.number, candidate.block.hash))
            .collect();
        let base = self.base.clone();
        Arc::new(move |height| {
            if let Some(hash) = above.get(&height) {
                return Ok(*hash);
            }
            Ok(records::read_canonical(base.reader(), height)?.unwrap_or_default())
        })
    }

    /// Makes the branch of `head`, which descends from the base, the canonical one.
    pub(crate) fn set_head(&mut self, head: &B256) -> Option<()> {
        let branch = self.branch(head)?;
        let canonical: BTreeMap<u64, B256> =
            branch.iter().map(|candidate| (candidate.block.header.number, candidate.block.hash)).collect();
        self.head =
            branch.first().map_or(self.base_block.reference(), |candidate| candidate.block.reference());
        self.canonical = canonical;
        Some(())
    }

    /// Forgets candidates that do not descend from the base.
    pub(super) fn drop_strangers(&mut self) {
        let mut by_height: Vec<Arc<Candidate>> = self.candidates.values().cloned().collect();
        by_height.sort_by_key(|candidate| candidate.block.header.number);
        self.candidates.clear();
        for candidate in by_height {
            let parent = candidate.block.header.parent_hash;
            if parent == self.base_block.hash || self.candidates.contains_key(&parent) {
                self.candidates.insert(candidate.block.hash, candidate);
            }
        }
    }
}
