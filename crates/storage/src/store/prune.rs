//! Dropping old final blocks, some at a time.

use alys_bus::protocol::storage::{PruneReport, StorageError};
use alys_database::Batch;

use super::apply::transactions;
use super::keys::{CHAIN, COUNT, Table, at, height_of, transaction};
use super::{Step, Store};

/// Blocks dropped in one step: few enough that consensus waits a few milliseconds at most.
const BLOCKS_A_STEP: u64 = 128;

/// Drops final blocks below a height, with their facts and transactions. The hashes by height remain.
///
/// The last final block always stays: the next one needs its facts. Each step is one batch that also
/// moves the oldest height, so a crash between two leaves a storage that is pruned less far.
#[derive(Debug)]
pub struct Prune {
    below: u64,
    dropped: u64,
}

impl Prune {
    /// Drops what lies below height `below`.
    #[must_use]
    pub fn new(below: u64) -> Self {
        Self { below, dropped: 0 }
    }

    /// One step.
    ///
    /// # Errors
    /// [`StorageError::Refused`] while a checkpoint or an integrity check reads the old blocks,
    /// [`StorageError::Io`].
    pub fn step(&mut self, store: &mut Store) -> Result<Step<PruneReport>, StorageError> {
        store.usable()?;
        let Some(mut chain) = store.chain.clone() else {
            return Ok(Step::Done(PruneReport::default()));
        };
        let below = self.below.min(chain.finalized.height);
        if chain.oldest >= below {
            return Ok(Step::Done(PruneReport { blocks: self.dropped, oldest: chain.oldest }));
        }
        if store.is_pinned() {
            return Err(StorageError::Refused(
                "a checkpoint or an integrity check is reading old blocks; prune when it is done".to_owned(),
            ));
        }
        let end = below.min(chain.oldest.saturating_add(BLOCKS_A_STEP));
        let mut batch = Batch::new();
        let mut hashes = Vec::new();
        for height in chain.oldest..end {
            let Some(hash) = store.canonical_hash(height)? else { continue };
            match store.read(height, &hash) {
                Ok((block, _)) => {
                    for id in transactions(&block.block.block) {
                        batch.delete(transaction(&id));
                    }
                }
                // Its transactions cannot be told; what is left of them finds no block.
                Err(StorageError::Corrupt(damage)) => {
                    tracing::warn!(height, %hash, damage, "a damaged block is pruned");
                }
                Err(other) => return Err(other),
            }
            batch.delete(at(Table::Blocks, height, &hash));
            batch.delete(at(Table::Facts, height, &hash));
            batch.delete(height_of(&hash));
            hashes.push(hash);
        }
        let dropped = hashes.len() as u64;
        let blocks = store.blocks.saturating_sub(dropped);
        chain.oldest = end;
        batch.put(CHAIN, chain.encode());
        batch.put(COUNT, blocks.to_be_bytes());
        store.commit(batch)?;
        store.blocks = blocks;
        store.chain = Some(chain);
        for hash in &hashes {
            store.cache.remove(hash);
        }
        self.dropped += dropped;
        Ok(Step::More)
    }
}

impl Store {
    /// Drops final blocks below `below`, all steps at once: for programs without the actor.
    ///
    /// # Errors
    /// As [`Prune::step`].
    pub fn prune(&mut self, below: u64) -> Result<PruneReport, StorageError> {
        let mut work = Prune::new(below);
        loop {
            if let Step::Done(report) = work.step(self)? {
                return Ok(report);
            }
        }
    }
}
