//! Moving head and finality, and with them the indexes and the peg state, in one batch.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::keccak256;
use alys_bus::protocol::storage::{BlockChange, BlockRef, HeadUpdate, StorageError};
use alys_database::Batch;
use alys_primitives::{B256, Block, Certificate, ssz::Encode as _};

use super::keys::{CHAIN, COUNT, PEG, Table, at, canonical, height_of, transaction};
use super::pending::{Plan, plan};
use super::records::Chain;
use super::{Store, corrupt};

/// The hashes of a block's transactions: keccak-256 of their EIP-2718 bytes.
pub(super) fn transactions(block: &Block) -> impl Iterator<Item = B256> {
    block.payload.payload_inner.payload_inner.transactions.iter().map(keccak256)
}

impl Store {
    /// Moves head, finality, indexes and peg state in one batch; durable when it returns. Idempotent.
    ///
    /// Blocks above the last final one that are no longer on the chain of the head leave the indexes
    /// and stay as candidates; those that finality has passed by are dropped.
    ///
    /// # Errors
    /// [`StorageError::UnknownBlock`], [`StorageError::NotAnAncestor`], [`StorageError::Refused`] where
    /// a change set is missing or a certificate is about another block, [`StorageError::Io`].
    pub fn apply_head(&mut self, update: &HeadUpdate) -> Result<(), StorageError> {
        self.usable()?;
        let floor = self.chain.as_ref().map(|chain| chain.finalized);
        let plan = plan(&self.pending, floor, update.head, update.finalized)?;
        let changes = self.match_changes(&plan, update)?;
        let chain = self.next_chain(update)?;
        let moves = !(plan.join.is_empty() && plan.leave.is_empty() && plan.settle.is_empty());
        if !moves && changes.is_empty() && self.chain.as_ref() == Some(&chain) {
            return Ok(());
        }

        let blocks = self.blocks.saturating_sub(plan.sweep.len() as u64);
        let mut batch = Batch::new();
        self.move_indexes(&plan, &mut batch)?;
        self.move_changes(&plan, update.finalized, &changes, &mut batch)?;
        for (height, hash) in &plan.sweep {
            batch.delete(at(Table::Blocks, *height, hash));
            batch.delete(height_of(hash));
            batch.delete(at(Table::Facts, *height, hash));
            batch.delete(at(Table::Changes, *height, hash));
        }
        batch.put(CHAIN, chain.encode());
        batch.put(COUNT, blocks.to_be_bytes());
        self.commit(batch)?;

        self.blocks = blocks;
        self.chain = Some(chain);
        let changed: BTreeSet<B256> = changes.keys().copied().collect();
        self.pending.apply(&plan, update.finalized.height, &changed);
        self.refresh_cache(&plan, &changes);
        Ok(())
    }

    /// The change sets of the update by block, after checking that each block of the way has one.
    fn match_changes<'u>(
        &self,
        plan: &Plan,
        update: &'u HeadUpdate,
    ) -> Result<BTreeMap<B256, &'u BlockChange>, StorageError> {
        let mut changes = BTreeMap::new();
        for change in &update.changes {
            if self.pending.height(&change.block).is_some() {
                changes.insert(change.block, change);
            } else if self.get(&height_of(&change.block))?.is_none() {
                return Err(StorageError::UnknownBlock(change.block));
            }
            // Else the block is final already, as when the same update comes again.
        }
        for spot in &plan.path {
            let stored = self.pending.get(spot).is_some_and(|block| block.changed);
            if !stored && !changes.contains_key(&spot.1) {
                return Err(StorageError::Refused(format!(
                    "block {} at height {} has no change set; execute it first",
                    spot.1, spot.0
                )));
            }
        }
        Ok(changes)
    }

    fn next_chain(&self, update: &HeadUpdate) -> Result<Chain, StorageError> {
        let old = self.chain.clone();
        let oldest = old.as_ref().map_or(update.finalized.height, |chain| chain.oldest);
        let old = old.unwrap_or_default();
        Ok(Chain {
            head: update.head,
            finalized: update.finalized,
            oldest,
            finalization: newer("finalization", update.finalized, &update.finalization, &old.finalization)?,
            notarization: newer("notarization", update.head, &update.notarization, &old.notarization)?,
        })
    }

    /// The index of heights and the index of transactions.
    fn move_indexes(&self, plan: &Plan, batch: &mut Batch) -> Result<(), StorageError> {
        // What leaves goes first: a transaction may be in a block of either branch.
        for (height, hash) in &plan.leave {
            batch.delete(canonical(*height));
            for id in transactions(&self.load(*height, hash)?.block.block) {
                batch.delete(transaction(&id));
            }
        }
        for (height, hash) in &plan.join {
            batch.put(canonical(*height), hash.as_slice());
            for id in transactions(&self.load(*height, hash)?.block.block) {
                batch.put(transaction(&id), height.to_be_bytes());
            }
        }
        Ok(())
    }

    /// Facts stay with their block; change sets only until it is final, when the last of them becomes
    /// the peg state.
    fn move_changes(
        &self,
        plan: &Plan,
        finalized: BlockRef,
        changes: &BTreeMap<B256, &BlockChange>,
        batch: &mut Batch,
    ) -> Result<(), StorageError> {
        for (hash, change) in changes {
            let height = self.pending.height(hash).unwrap_or_default();
            batch.put(at(Table::Facts, height, hash), change.facts.as_ssz_bytes());
            if height > finalized.height {
                batch.put(at(Table::Changes, height, hash), change.peg.encode());
            }
        }
        for (height, hash) in &plan.settle {
            batch.delete(at(Table::Changes, *height, hash));
        }
        if let Some((height, hash)) = plan.settle.last() {
            let peg = match changes.get(hash) {
                Some(change) => change.peg.encode(),
                None => self
                    .peg_after(*height, hash)?
                    .ok_or_else(|| corrupt(format!("the change set of block {hash} is missing")))?
                    .encode(),
            };
            batch.put(PEG, peg);
        }
        Ok(())
    }

    /// After the commit: what lies in the cache has come further, or gone.
    fn refresh_cache(&self, plan: &Plan, changes: &BTreeMap<B256, &BlockChange>) {
        for spot in plan.leave.iter().chain(&plan.path) {
            let facts = changes.get(&spot.1).map(|change| &change.facts);
            self.cache.update(&spot.1, self.status(spot.0, &spot.1), facts);
        }
        for (hash, change) in changes {
            let height = self.pending.height(hash);
            // A branch beside the chain that was executed too.
            if let Some(height) = height.filter(|height| plan.path.binary_search(&(*height, *hash)).is_err())
            {
                self.cache.update(hash, self.status(height, hash), Some(&change.facts));
            }
        }
        for (_, hash) in &plan.sweep {
            self.cache.remove(hash);
        }
    }
}

/// The certificate of `block`: the new one, else the old one where it is about the same block.
fn newer(
    what: &str,
    block: BlockRef,
    new: &Option<Certificate>,
    old: &Option<Certificate>,
) -> Result<Option<Certificate>, StorageError> {
    match new {
        Some(certificate) if certificate.data.block != block.hash => Err(StorageError::Refused(format!(
            "the {what} is about block {}, not about {}",
            certificate.data.block, block.hash
        ))),
        Some(certificate) => Ok(Some(certificate.clone())),
        None => Ok(old.clone().filter(|certificate| certificate.data.block == block.hash)),
    }
}
