//! Reading everything, and comparing every index with the blocks.
//!
//! Final blocks do not change, so they are read a few at a time while the chain goes on; what is not
//! final is read in one step then. Old blocks are kept from being pruned meanwhile. At the end the database below is
//! verified as a whole, in steps too.

use alys_bus::protocol::storage::{IntegrityReport, StorageError};
use alys_database::{Entry, Verifying};
use alys_primitives::{B256, SignedProposal};

use super::apply::transactions;
use super::keys::{KeyRange, Table, all, from_height, height_of, place_of, transaction};
use super::retrieve::number;
use super::{PIECE, Pin, Step, Store};
use crate::error::from_database;

/// Final blocks read in one step: their bodies and payloads are hashed, some 100 µs each.
const BLOCKS_A_STEP: u64 = 16;

/// Entries of the database verified in one step; the largest are bodies and payloads.
const ENTRIES_A_STEP: usize = 32;

/// More findings than these are not listed: the disk is bad.
const MAX_FINDINGS: usize = 100;

#[derive(Debug)]
enum Phase {
    /// The final blocks, upwards from this height; the hash of the one below.
    Final { height: u64, below: Option<B256> },
    /// The index of transactions, in this range still; how many lead to final blocks.
    Transactions { range: KeyRange, found: u64 },
    /// The heights of hashes, in this range still.
    Heights { range: KeyRange },
    /// What is not final, and the single records.
    Pending,
    /// The database below.
    Database(Verifying),
}

/// A check of everything.
#[derive(Debug)]
pub struct Integrity {
    phase: Phase,
    /// The final heights that are checked, as they were at the beginning.
    oldest: u64,
    last: u64,
    /// Transactions in the final blocks; `None` when one of these could not be read.
    transactions: Option<u64>,
    report: IntegrityReport,
    unlisted: u64,
    /// Old blocks stay until the check is over.
    _pin: Pin,
}

impl Integrity {
    /// Begins a check of `store`.
    #[must_use]
    pub fn new(store: &Store) -> Self {
        let (phase, oldest, last) = match &store.chain {
            Some(chain) => {
                let phase = Phase::Final { height: chain.oldest, below: None };
                (phase, chain.oldest, chain.finalized.height)
            }
            None => (Phase::Heights { range: all(Table::Heights) }, 0, 0),
        };
        Self {
            phase,
            oldest,
            last,
            transactions: Some(0),
            report: IntegrityReport::default(),
            unlisted: 0,
            _pin: store.pin(),
        }
    }

    /// One step.
    ///
    /// # Errors
    /// [`StorageError::Io`]; damage is no error here but a finding.
    pub fn step(&mut self, store: &Store) -> Result<Step<IntegrityReport>, StorageError> {
        store.usable()?;
        match std::mem::replace(&mut self.phase, Phase::Pending) {
            Phase::Final { height, below } => self.final_blocks(store, height, below)?,
            Phase::Transactions { range, found } => self.transaction_index(store, range, found)?,
            Phase::Heights { range } => self.heights(store, range)?,
            Phase::Pending => {
                self.pending(store)?;
                self.phase = Phase::Database(Verifying::new());
            }
            Phase::Database(mut verifying) => {
                match store.db.verify_some(&mut verifying, ENTRIES_A_STEP).map_err(from_database) {
                    Ok(None) => {
                        self.phase = Phase::Database(verifying);
                        return Ok(Step::More);
                    }
                    Ok(Some(_)) => {}
                    Err(StorageError::Corrupt(damage)) => self.found(damage),
                    Err(other) => return Err(other),
                }
                if self.unlisted > 0 {
                    let more = format!("and {} findings more", self.unlisted);
                    self.report.damage.push(more);
                }
                return Ok(Step::Done(std::mem::take(&mut self.report)));
            }
        }
        Ok(Step::More)
    }

    fn found(&mut self, what: impl Into<String>) {
        if self.report.damage.len() < MAX_FINDINGS {
            self.report.damage.push(what.into());
        } else {
            self.unlisted += 1;
        }
    }

    /// The value, or `None` after noting the damage.
    fn sound<T>(&mut self, read: Result<T, StorageError>) -> Result<Option<T>, StorageError> {
        match read {
            Ok(value) => {
                self.report.entries += 1;
                Ok(Some(value))
            }
            Err(StorageError::Corrupt(damage)) => {
                self.found(damage);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    fn final_blocks(
        &mut self,
        store: &Store,
        from: u64,
        mut below: Option<B256>,
    ) -> Result<(), StorageError> {
        let end = self.last.min(from.saturating_add(BLOCKS_A_STEP - 1));
        for height in from..=end {
            let hash = self.sound(store.canonical_hash(height))?.flatten();
            let Some(hash) = hash else {
                self.found(format!("height {height} has no block"));
                (self.transactions, below) = (None, None);
                continue;
            };
            match self.block(store, height, &hash)? {
                Some(proposal) => {
                    let parent = proposal.block.header.parent;
                    if below.is_some_and(|below| below != parent) {
                        self.found(format!("block {hash} at height {height} does not follow the one below"));
                    }
                    let count = self.transactions_of(store, height, &proposal)?;
                    self.transactions = self.transactions.map(|sum| sum + count);
                }
                None => self.transactions = None,
            }
            let facts = self.sound(store.facts(height, &hash))?;
            if matches!(facts, Some(None)) {
                self.found(format!("the facts of block {hash} at height {height} are missing"));
            }
            below = Some(hash);
        }
        self.phase = if end < self.last {
            Phase::Final { height: end + 1, below }
        } else {
            Phase::Transactions { range: all(Table::Transactions), found: 0 }
        };
        Ok(())
    }

    /// A block against its key, its header and the index of hashes.
    fn block(
        &mut self,
        store: &Store,
        height: u64,
        hash: &B256,
    ) -> Result<Option<SignedProposal>, StorageError> {
        let indexed = self.sound(store.get(&height_of(hash)))?.flatten();
        if indexed.as_deref() != Some(height.to_be_bytes().as_slice()) {
            self.found(format!("block {hash} at height {height} cannot be found by its hash"));
        }
        let Some((stored, _)) = self.sound(store.read(height, hash))? else { return Ok(None) };
        let block = &stored.block.block;
        // Genesis is made from the spec: its execution header does not name a parent of ours.
        let wrong = if height == 0 {
            (block.body.root() != block.header.body_root).then(|| "the body is another".to_owned())
        } else {
            block.check_copy().err().map(|bad| bad.to_string())
        };
        if let Some(wrong) = wrong {
            self.found(format!("block {hash} at height {height}: {wrong}"));
        }
        Ok(Some(stored.block))
    }

    fn transactions_of(
        &mut self,
        store: &Store,
        height: u64,
        proposal: &SignedProposal,
    ) -> Result<u64, StorageError> {
        let mut count = 0;
        for id in transactions(&proposal.block) {
            count += 1;
            let indexed = self.sound(store.get(&transaction(&id)))?.flatten();
            if indexed.as_deref() != Some(height.to_be_bytes().as_slice()) {
                self.found(format!("transaction {id} of height {height} cannot be found by its hash"));
            }
        }
        Ok(count)
    }

    /// Every transaction of a final block was found, so an equal number leaves no false entry.
    fn transaction_index(
        &mut self,
        store: &Store,
        mut range: KeyRange,
        mut found: u64,
    ) -> Result<(), StorageError> {
        let piece = self.piece(store, &mut range, "the index of transactions")?;
        for (_, value) in &piece {
            if let Some(height) = self.sound(number(value, || "the height of a transaction".to_owned()))? {
                found += u64::from((self.oldest..=self.last).contains(&height));
            }
        }
        if piece.len() == PIECE {
            self.phase = Phase::Transactions { range, found };
            return Ok(());
        }
        if let Some(expected) = self.transactions.filter(|expected| *expected != found) {
            self.found(format!("{found} transactions lead to final blocks, which have {expected}"));
        }
        self.phase = Phase::Heights { range: all(Table::Heights) };
        Ok(())
    }

    fn heights(&mut self, store: &Store, mut range: KeyRange) -> Result<(), StorageError> {
        let piece = self.piece(store, &mut range, "the heights of hashes")?;
        for (key, value) in &piece {
            let hash = key.get(1..).and_then(|hash| B256::try_from(hash).ok());
            let height = self.sound(number(value, || "the height of a block".to_owned()))?;
            let (Some(hash), Some(height)) = (hash, height) else { continue };
            let is_final = store
                .chain
                .as_ref()
                .is_some_and(|chain| (chain.oldest..=chain.finalized.height).contains(&height));
            let known = store.pending.get(&(height, hash)).is_some()
                || is_final && store.canonical_hash(height).ok().flatten() == Some(hash);
            if !known {
                self.found(format!("there is an entry for block {hash} at height {height} and no block"));
            }
        }
        self.phase = if piece.len() == PIECE { Phase::Heights { range } } else { Phase::Pending };
        Ok(())
    }

    /// The next entries of a range, which is moved behind them; none where they cannot be read.
    fn piece(&mut self, store: &Store, range: &mut KeyRange, what: &str) -> Result<Vec<Entry>, StorageError> {
        let piece = match store.scan(range, PIECE) {
            Err(StorageError::Corrupt(damage)) => {
                self.found(format!("{what}: {damage}; the rest of it was not read"));
                self.transactions = None;
                Vec::new()
            }
            other => other?,
        };
        self.report.entries += piece.len() as u64;
        if let Some((key, _)) = piece.last() {
            range.0 = std::ops::Bound::Excluded(key.clone());
        }
        Ok(piece)
    }

    fn pending(&mut self, store: &Store) -> Result<(), StorageError> {
        let pending: Vec<_> = store.pending.iter().map(|(spot, known)| (*spot, *known)).collect();
        for ((height, hash), known) in &pending {
            let Some(proposal) = self.block(store, *height, hash)? else { continue };
            if known.canonical {
                let indexed = self.sound(store.canonical_hash(*height))?.flatten();
                if indexed != Some(*hash) {
                    self.found(format!(
                        "height {height} does not lead to block {hash}, which is on the chain"
                    ));
                }
                self.transactions_of(store, *height, &proposal)?;
            }
            if known.changed {
                let facts = self.sound(store.facts(*height, hash))?;
                if matches!(facts, Some(None)) {
                    self.found(format!("the facts of block {hash} at height {height} are missing"));
                }
                let root = self.sound(store.peg_after(*height, hash))?.flatten().map(|peg| peg.root());
                if root != Some(proposal.block.header.peg_root) {
                    self.found(format!(
                        "the change set of block {hash} is not the one its header commits to"
                    ));
                }
            }
        }
        let changes = store.pending.iter().filter(|(_, known)| known.changed).count();
        let mut stored = 0usize;
        let read = store.each(all(Table::Changes), |_, _| {
            stored += 1;
            Ok(())
        });
        if self.sound(read)?.is_some() && stored != changes {
            self.found(format!("{stored} change sets are stored for {changes} blocks that are not final"));
        }
        match &store.chain {
            Some(chain) => {
                self.chain(store, chain.head.height, chain.finalized.height, &chain.finalized.hash)?
            }
            None if store.blocks != store.pending.len() as u64 => {
                self.count(store, store.pending.len() as u64)
            }
            None => {}
        }
        Ok(())
    }

    /// The single records, and that nothing lies above the head.
    fn chain(&mut self, store: &Store, head: u64, last: u64, hash: &B256) -> Result<(), StorageError> {
        let above = store.scan(&from_height(Table::Canonical, head.saturating_add(1)), 1);
        if self.sound(above)?.is_some_and(|above| !above.is_empty()) {
            self.found(format!("the index of heights goes on above the head at height {head}"));
        }
        let peg = self.sound(store.final_peg())?;
        let header = store.load(last, hash).ok().map(|stored| stored.block.block.header.peg_root);
        if let (Some(peg), Some(root)) = (peg, header)
            && peg.root() != root
        {
            self.found(format!("the peg state is not the one that final block {hash} commits to"));
        }
        let oldest = store.chain.as_ref().map_or(0, |chain| chain.oldest);
        let expected = (last + 1).saturating_sub(oldest) + store.pending.len() as u64;
        if store.blocks != expected {
            self.count(store, expected);
        }
        // Blocks that lie where no block can be: below the oldest, or beside the chain.
        let first = store.scan(&all(Table::Blocks), 1);
        if let Some(Some((key, _))) = self.sound(first)?.map(|first| first.into_iter().next())
            && let Some((height, hash)) = place_of(&key)
            && height < oldest
        {
            self.found(format!("block {hash} at height {height} lies below the oldest height {oldest}"));
        }
        Ok(())
    }

    fn count(&mut self, store: &Store, expected: u64) {
        self.found(format!("{} blocks are counted, and {expected} must be there", store.blocks));
    }
}

impl Store {
    /// Checks everything, all steps at once: for programs without the actor.
    ///
    /// # Errors
    /// As [`Integrity::step`].
    pub fn check_integrity(&self) -> Result<IntegrityReport, StorageError> {
        let mut work = Integrity::new(self);
        loop {
            if let Step::Done(report) = work.step(self)? {
                return Ok(report);
            }
        }
    }
}
