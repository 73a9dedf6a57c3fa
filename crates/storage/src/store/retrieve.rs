//! Reading blocks, and what a chain goes on from.

use std::sync::Arc;

use alys_bus::protocol::storage::{
    BlockChange, BlockQuery, BlockStatus, ChainRecord, MAX_RANGE, StorageError, StoredBlock,
};
use alys_primitives::{B256, ExecutionFacts, PegState, SignedProposal};

use super::keys::{PEG, Table, at, canonical, height_in, height_of, transaction};
use super::records::decode;
use super::{Store, corrupt};

/// A range ends when its blocks have this many bytes (16 MiB), lest large blocks fill the memory.
const MAX_RANGE_BYTES: usize = 16 << 20;

impl Store {
    /// Blocks by hash, height, range or transaction; empty where nothing matches.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] where what should be there is damaged or missing,
    /// [`StorageError::Io`].
    pub fn retrieve(&self, query: BlockQuery) -> Result<Vec<Arc<StoredBlock>>, StorageError> {
        self.usable()?;
        let found = match query {
            BlockQuery::Hash(hash) => {
                if let Some(block) = self.cache.get(&hash) {
                    return Ok(vec![block]);
                }
                match self.get(&height_of(&hash))? {
                    Some(bytes) => Some((number(&bytes, || format!("the height of block {hash}"))?, hash)),
                    None => None,
                }
            }
            BlockQuery::Height(height) => self.on_chain(height)?,
            BlockQuery::Transaction(hash) => match self.get(&transaction(&hash))? {
                Some(bytes) => {
                    self.on_chain(number(&bytes, || format!("the height of transaction {hash}"))?)?
                }
                None => None,
            },
            BlockQuery::Range { from, count } => return self.range(from, count.min(MAX_RANGE)),
        };
        found.map(|(height, hash)| self.load(height, &hash)).into_iter().collect()
    }

    fn range(&self, from: u64, count: u32) -> Result<Vec<Arc<StoredBlock>>, StorageError> {
        let mut blocks = Vec::new();
        let mut bytes = 0;
        for height in (0..count).map_while(|n| from.checked_add(n.into())) {
            let Some((height, hash)) = self.on_chain(height)? else { break };
            // Not through the cache, which a sync of many ranges would only flush.
            let (block, length) = self.read(height, &hash)?;
            blocks.push(Arc::new(block));
            bytes += length;
            if bytes >= MAX_RANGE_BYTES {
                break;
            }
        }
        Ok(blocks)
    }

    /// The block at a height of the chain of the head, unless it was pruned.
    fn on_chain(&self, height: u64) -> Result<Option<(u64, B256)>, StorageError> {
        match &self.chain {
            Some(chain) if (chain.oldest..=chain.head.height).contains(&height) => {
                let hash = self.canonical_hash(height)?;
                let hash = hash.ok_or_else(|| corrupt(format!("height {height} has no block")))?;
                Ok(Some((height, hash)))
            }
            _ => Ok(None),
        }
    }

    /// The hash in the index of heights.
    pub(super) fn canonical_hash(&self, height: u64) -> Result<Option<B256>, StorageError> {
        let Some(bytes) = self.get(&canonical(height))? else { return Ok(None) };
        B256::try_from(bytes.as_slice())
            .map(Some)
            .map_err(|_| corrupt(format!("the index of height {height} holds no hash")))
    }

    /// A block that must be there, from the cache or the disk.
    pub(super) fn load(&self, height: u64, hash: &B256) -> Result<Arc<StoredBlock>, StorageError> {
        if let Some(block) = self.cache.get(hash) {
            return Ok(block);
        }
        let (block, bytes) = self.read(height, hash)?;
        let block = Arc::new(block);
        self.cache.insert(*hash, Arc::clone(&block), bytes as u64);
        Ok(block)
    }

    /// A block that must be there, from the disk, and the length of its encoding.
    pub(super) fn read(&self, height: u64, hash: &B256) -> Result<(StoredBlock, usize), StorageError> {
        let bytes = self.get(&at(Table::Blocks, height, hash))?;
        let bytes = bytes.ok_or_else(|| corrupt(format!("block {hash} at height {height} is missing")))?;
        let block = decode_block(height, hash, &bytes)?;
        let facts = self.facts(height, hash)?;
        Ok((StoredBlock { block, facts, status: self.status(height, hash) }, bytes.len()))
    }

    pub(super) fn facts(&self, height: u64, hash: &B256) -> Result<Option<ExecutionFacts>, StorageError> {
        let bytes = self.get(&at(Table::Facts, height, hash))?;
        bytes.map(|bytes| decode(&bytes, || format!("the facts of block {hash}"))).transpose()
    }

    /// The change set of a block that is not final, if it is there.
    pub(super) fn peg_after(&self, height: u64, hash: &B256) -> Result<Option<PegState>, StorageError> {
        let bytes = self.get(&at(Table::Changes, height, hash))?;
        bytes.map(|bytes| decode(&bytes, || format!("the change set of block {hash}"))).transpose()
    }

    /// The peg state after the last final block.
    pub(super) fn final_peg(&self) -> Result<PegState, StorageError> {
        let bytes = self.get(PEG)?.ok_or_else(|| corrupt("the peg state is missing"))?;
        decode(&bytes, || "the peg state".to_owned())
    }

    /// How far a block that is there has come. What is there and not above the last final block is
    /// final: the rest was swept.
    pub(super) fn status(&self, height: u64, hash: &B256) -> BlockStatus {
        match &self.chain {
            Some(chain) if height <= chain.finalized.height => BlockStatus::Final,
            _ if self.pending.get(&(height, *hash)).is_some_and(|block| block.canonical) => {
                BlockStatus::Canonical
            }
            _ => BlockStatus::Candidate,
        }
    }

    /// Head, finality, peg state and all that is not final; `None` in an empty storage.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] where a part of it is damaged or missing, [`StorageError::Io`].
    pub fn load_chain(&self) -> Result<Option<ChainRecord>, StorageError> {
        self.usable()?;
        let Some(chain) = self.chain.clone() else { return Ok(None) };
        let last = chain.finalized;
        let facts = self.facts(last.height, &last.hash)?;
        let mut pending = Vec::with_capacity(self.pending.len());
        let mut changes = Vec::new();
        for ((height, hash), known) in self.pending.iter() {
            let block = self.load(*height, hash)?;
            if known.changed {
                let peg = self.peg_after(*height, hash)?;
                let missing = || corrupt(format!("the change set of block {hash} is missing"));
                let facts = block.facts.clone().ok_or_else(missing)?;
                changes.push(BlockChange { block: *hash, facts, peg: peg.ok_or_else(missing)? });
            }
            pending.push(block);
        }
        let genesis = self.canonical_hash(0)?;
        Ok(Some(ChainRecord {
            genesis: genesis.ok_or_else(|| corrupt("the hash at height 0 is missing".to_owned()))?,
            head: chain.head,
            finalized: last,
            peg: self.final_peg()?,
            facts: facts.ok_or_else(|| corrupt(format!("the facts of block {} are missing", last.hash)))?,
            finalization: chain.finalization,
            notarization: chain.notarization,
            pending,
            changes,
        }))
    }
}

/// A number in an index.
pub(super) fn number(bytes: &[u8], what: impl FnOnce() -> String) -> Result<u64, StorageError> {
    height_in(bytes).ok_or_else(|| corrupt(format!("{} is not a number", what())))
}

/// Decodes a block and checks that it is the one its key says.
pub(super) fn decode_block(height: u64, hash: &B256, bytes: &[u8]) -> Result<SignedProposal, StorageError> {
    let proposal: SignedProposal = decode(bytes, || format!("block {hash} at height {height}"))?;
    let header = &proposal.block.header;
    if header.height != height || header.hash() != *hash {
        return Err(corrupt(format!(
            "under block {hash} at height {height} lies block {} of height {}",
            header.hash(),
            header.height
        )));
    }
    Ok(proposal)
}
