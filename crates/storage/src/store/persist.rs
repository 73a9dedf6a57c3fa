//! Candidate blocks: durable before anybody executes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use alys_bus::protocol::storage::{BlockStatus, StorageError, StoredBlock};
use alys_database::Batch;
use alys_primitives::{B256, SignedProposal};

use super::keys::{COUNT, Table, at, height_of};
use super::pending::{PendingBlock, Spot};
use super::{Store, retrieve};

/// What is to be done about one block.
enum Verdict {
    /// It is there and sound.
    Here,
    /// It goes into the batch.
    New,
    /// It goes into the batch in the place of a damaged copy.
    Repair,
}

impl Store {
    /// Stores candidate blocks, all in one batch: durable when it returns. The same block again is `Ok`.
    ///
    /// A copy that is there and sound stays as it is; one that is damaged is replaced, and a final one
    /// only by a copy that matches its header. Each block has an outcome of its own.
    pub fn persist(&mut self, blocks: &[Arc<SignedProposal>]) -> Vec<Result<(), StorageError>> {
        let mut batch = Batch::new();
        // By hash, so that a block that comes twice is written once.
        let mut added: BTreeMap<B256, (Spot, &Arc<SignedProposal>, u64)> = BTreeMap::new();
        let mut new = 0u64;
        let mut outcomes: Vec<Result<(), StorageError>> = Vec::with_capacity(blocks.len());
        for proposal in blocks {
            let header = &proposal.block.header;
            let (height, hash) = (header.height, header.hash());
            if added.contains_key(&hash) {
                outcomes.push(Ok(()));
                continue;
            }
            let verdict = self.usable().and_then(|()| self.judge(height, &hash, proposal));
            outcomes.push(verdict.map(|verdict| {
                if matches!(verdict, Verdict::Here) {
                    return;
                }
                new += u64::from(matches!(verdict, Verdict::New));
                let bytes = proposal.encode();
                added.insert(hash, ((height, hash), proposal, bytes.len() as u64));
                batch.put(at(Table::Blocks, height, &hash), bytes);
                batch.put(height_of(&hash), height.to_be_bytes());
            }));
        }
        if added.is_empty() {
            return outcomes;
        }
        batch.put(COUNT, (self.blocks + new).to_be_bytes());
        if let Err(error) = self.commit(batch) {
            return outcomes.into_iter().map(|outcome| outcome.and(Err(error.clone()))).collect();
        }
        self.blocks += new;
        for (hash, (spot, proposal, bytes)) in added {
            self.remember(spot, proposal);
            let status = self.status(spot.0, &hash);
            // What a repaired block told is read again when somebody asks.
            if status == BlockStatus::Candidate {
                let block = StoredBlock { block: SignedProposal::clone(proposal), facts: None, status };
                self.cache.insert(hash, Arc::new(block), bytes);
            }
        }
        outcomes
    }

    fn remember(&mut self, spot: Spot, proposal: &SignedProposal) {
        let is_final = self.chain.as_ref().is_some_and(|chain| spot.0 <= chain.finalized.height);
        if !is_final && self.pending.get(&spot).is_none() {
            let header = &proposal.block.header;
            let block =
                PendingBlock { parent: header.parent, slot: header.slot, canonical: false, changed: false };
            self.pending.insert(spot, block);
        }
    }

    fn judge(&self, height: u64, hash: &B256, proposal: &SignedProposal) -> Result<Verdict, StorageError> {
        let known = match &self.chain {
            Some(chain) if height <= chain.finalized.height => {
                if self.canonical_hash(height)? != Some(*hash) {
                    return Err(StorageError::Refused(format!(
                        "block {hash} at height {height} is not on the chain, which is final up to {}",
                        chain.finalized.height
                    )));
                }
                if height < chain.oldest {
                    return Err(StorageError::Refused(format!(
                        "block {hash} at height {height} was pruned; blocks from {} on are kept",
                        chain.oldest
                    )));
                }
                true
            }
            _ => self.pending.get(&(height, *hash)).is_some(),
        };
        if !known {
            return Ok(Verdict::New);
        }
        let stored = self.get(&at(Table::Blocks, height, hash));
        match stored.and_then(|bytes| match bytes {
            Some(bytes) => retrieve::decode_block(height, hash, &bytes).map(drop),
            None => Err(StorageError::Corrupt(format!("block {hash} is missing"))),
        }) {
            Ok(()) => Ok(Verdict::Here),
            Err(StorageError::Corrupt(damage)) => {
                proposal.block.check_copy().map_err(|bad| {
                    StorageError::Refused(format!("this copy of block {hash} cannot replace it: {bad}"))
                })?;
                tracing::warn!(%hash, height, damage, "a damaged block is replaced");
                Ok(Verdict::Repair)
            }
            Err(other) => Err(other),
        }
    }
}
