//! Random histories against a model that keeps everything in plain maps.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::keccak256;
use alys_database::{MemoryDisk, Reader as _};
use alys_primitives::{B256, Bytes, SignedProposal};
use alys_storage::{BlockCache, BlockChange, BlockQuery, BlockRef, BlockStatus, Store, StoredBlock};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::blocks::{change, child, dump, genesis, hash, named, transaction, update};

/// What storage should hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    blocks: BTreeMap<B256, Arc<SignedProposal>>,
    /// Head and last final block.
    chain: Option<(B256, B256)>,
    /// Blocks whose facts are known.
    executed: BTreeMap<B256, BlockChange>,
    oldest: u64,
}

impl Model {
    fn block(&self, hash: &B256) -> &Arc<SignedProposal> {
        &self.blocks[hash]
    }

    fn height(&self, hash: &B256) -> u64 {
        self.block(hash).block.header.height
    }

    /// From the head down to the oldest block.
    pub(crate) fn line_of(&self, head: B256) -> Vec<B256> {
        let mut line = vec![head];
        while let Some(block) = self.blocks.get(line.last().unwrap()) {
            let parent = block.block.header.parent;
            if !self.blocks.contains_key(&parent) || block.block.header.height <= self.oldest {
                break;
            }
            line.push(parent);
        }
        line
    }

    fn final_height(&self) -> Option<u64> {
        self.chain.map(|(_, finalized)| self.height(&finalized))
    }

    fn status(&self, hash: &B256) -> BlockStatus {
        let Some((head, _)) = self.chain else { return BlockStatus::Candidate };
        if !self.line_of(head).contains(hash) {
            return BlockStatus::Candidate;
        }
        if Some(self.height(hash)) <= self.final_height() {
            BlockStatus::Final
        } else {
            BlockStatus::Canonical
        }
    }

    fn stored(&self, hash: &B256) -> StoredBlock {
        StoredBlock {
            block: SignedProposal::clone(self.block(hash)),
            facts: self.executed.get(hash).map(|change| change.facts.clone()),
            status: self.status(hash),
        }
    }

    pub(crate) fn persist(&mut self, block: &Arc<SignedProposal>) {
        self.blocks.insert(hash(block), Arc::clone(block));
    }

    pub(crate) fn apply(&mut self, head: B256, finalized: B256, changed: &[Arc<SignedProposal>]) {
        for block in changed {
            self.executed.insert(hash(block), change(block));
        }
        if self.chain.is_none() {
            self.oldest = self.height(&finalized);
        }
        self.chain = Some((head, finalized));
        let line = self.line_of(head);
        let last = self.height(&finalized);
        self.blocks.retain(|hash, block| block.block.header.height > last || line.contains(hash));
        self.executed.retain(|hash, _| self.blocks.contains_key(hash));
    }

    fn prune(&mut self, below: u64) {
        let below = below.min(self.final_height().unwrap_or(0)).max(self.oldest);
        self.blocks.retain(|_, block| block.block.header.height >= below);
        self.executed.retain(|hash, _| self.blocks.contains_key(hash));
        self.oldest = below;
    }

    /// Every question, by every index.
    pub(crate) fn check(&self, store: &Store, all: &[Arc<SignedProposal>]) {
        let one = |query| store.retrieve(query).unwrap().pop().map(|block| StoredBlock::clone(&block));
        let line = self.chain.map(|(head, _)| self.line_of(head)).unwrap_or_default();
        let on_line: BTreeMap<u64, B256> = line.iter().map(|hash| (self.height(hash), *hash)).collect();
        for block in all {
            let expected = self.blocks.contains_key(&hash(block)).then(|| self.stored(&hash(block)));
            assert_eq!(one(BlockQuery::Hash(hash(block))), expected);
        }
        for height in 0..24 {
            let expected = on_line.get(&height).map(|hash| self.stored(hash));
            assert_eq!(one(BlockQuery::Height(height)), expected, "height {height}");
        }
        for seed in 0..SEEDS {
            let bytes = transaction(seed);
            let holds = |hash: &&B256| transactions(self.block(hash)).contains(&bytes);
            let expected = line.iter().find(holds).map(|hash| self.stored(hash));
            assert_eq!(one(BlockQuery::Transaction(keccak256(&bytes))), expected, "transaction {seed}");
        }
        let range = store.retrieve(BlockQuery::Range { from: self.oldest, count: 100 }).unwrap();
        let expected: Vec<StoredBlock> = on_line.values().map(|hash| self.stored(hash)).collect();
        assert_eq!(range.iter().map(|b| StoredBlock::clone(b)).collect::<Vec<_>>(), expected);
        self.check_chain(store);
        let report = store.check_integrity().unwrap();
        assert_eq!(report.damage, Vec::<String>::new());
        let statistics = store.statistics().unwrap();
        assert_eq!(statistics.blocks, self.blocks.len() as u64);
        assert_eq!(statistics.oldest, self.oldest);
    }

    fn check_chain(&self, store: &Store) {
        let record = store.load_chain().unwrap();
        let Some((head, finalized)) = self.chain else {
            assert!(record.is_none());
            return;
        };
        let record = record.unwrap();
        assert_eq!(record.head, self.named(&head));
        assert_eq!(record.finalized, self.named(&finalized));
        assert_eq!(record.peg, self.executed[&finalized].peg);
        assert_eq!(record.facts, self.executed[&finalized].facts);
        let last = self.height(&finalized);
        let mut above: Vec<(u64, B256)> =
            self.blocks.keys().map(|hash| (self.height(hash), *hash)).filter(|(h, _)| *h > last).collect();
        above.sort();
        let pending: Vec<StoredBlock> = record.pending.iter().map(|b| StoredBlock::clone(b)).collect();
        assert_eq!(pending, above.iter().map(|(_, hash)| self.stored(hash)).collect::<Vec<_>>());
        let changes: Vec<BlockChange> =
            above.iter().filter_map(|(_, hash)| self.executed.get(hash).cloned()).collect();
        assert_eq!(record.changes, changes);
    }

    fn named(&self, hash: &B256) -> BlockRef {
        named(self.block(hash))
    }
}

fn transactions(block: &SignedProposal) -> &[Bytes] {
    &block.block.payload.payload_inner.payload_inner.transactions
}

/// Transactions are drawn from few, so that both branches of a fork often have the same.
const SEEDS: u64 = 30;

#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// A block on one of those that are there.
    Persist(Index, Vec<u64>),
    /// A block that is there already.
    Again(Index),
    /// A move to one of the blocks, with one of its ancestors final.
    Apply(Index, Index),
    Prune(u64),
    Reopen,
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    let seeds = proptest::collection::btree_set(0..SEEDS, 0..4);
    prop_oneof![
        10 => (any::<Index>(), seeds).prop_map(|(i, seeds)| Op::Persist(i, seeds.into_iter().collect())),
        1 => any::<Index>().prop_map(Op::Again),
        6 => (any::<Index>(), any::<Index>()).prop_map(|(i, j)| Op::Apply(i, j)),
        1 => (0u64..12).prop_map(Op::Prune),
        1 => Just(Op::Reopen),
    ]
}

/// A history as it goes on: the store, the model, and every block that ever was.
pub(crate) struct Run {
    pub(crate) disk: MemoryDisk,
    pub(crate) store: Option<Store>,
    pub(crate) model: Model,
    pub(crate) all: Vec<Arc<SignedProposal>>,
    slot: u64,
    pub(crate) pruned: bool,
}

impl Run {
    pub(crate) fn new() -> Self {
        let disk = MemoryDisk::new();
        let store = Some(open(&disk));
        let mut run = Self { disk, store, model: Model::default(), all: Vec::new(), slot: 0, pruned: false };
        let genesis = genesis();
        run.all.push(Arc::clone(&genesis));
        run.store().persist(&[Arc::clone(&genesis)]).remove(0).unwrap();
        run.model.persist(&genesis);
        run.store().apply_head(&update(&genesis, &genesis, &[Arc::clone(&genesis)])).unwrap();
        run.model.apply(hash(&genesis), hash(&genesis), &[genesis]);
        run
    }

    pub(crate) fn store(&mut self) -> &mut Store {
        self.store.as_mut().unwrap()
    }

    pub(crate) fn reopen(&mut self) {
        self.store = None;
        self.store = Some(open(&self.disk));
    }

    /// The transactions of a block and all its ancestors, pruned ones too.
    fn used_by(&self, block: &Arc<SignedProposal>) -> Vec<Bytes> {
        let mut used = Vec::new();
        let mut block = Some(block);
        while let Some(here) = block {
            used.extend_from_slice(transactions(here));
            block = self.all.iter().find(|other| hash(other) == here.block.header.parent);
        }
        used
    }

    fn pick(&self, index: &Index) -> Arc<SignedProposal> {
        let blocks: Vec<_> = self.model.blocks.values().cloned().collect();
        Arc::clone(index.get(&blocks))
    }

    /// The same op on store and model; an error of the store leaves the model as it was, and comes back
    /// with the model as it would have been.
    pub(crate) fn step(&mut self, op: &Op) -> Result<(), Box<(alys_storage::StorageError, Model)>> {
        let mut next = self.model.clone();
        let outcome = match op {
            Op::Persist(parent, seeds) => {
                self.slot += 1;
                let parent = self.pick(parent);
                let slot = self.slot.max(parent.block.header.slot + 1);
                // A transaction comes once in a chain, by its nonce.
                let used = self.used_by(&parent);
                let new = seeds.iter().map(|seed| transaction(*seed)).filter(|tx| !used.contains(tx));
                let block = child(&parent, slot, new.collect());
                if self.model.final_height() > Some(block.block.header.height - 1) {
                    return Ok(());
                }
                self.all.push(Arc::clone(&block));
                next.persist(&block);
                self.store().persist(&[block]).remove(0)
            }
            Op::Again(index) => {
                let block = self.pick(index);
                self.store().persist(&[block]).remove(0)
            }
            Op::Apply(head, finalized) => {
                let head = self.pick(head);
                let line = self.model.line_of(hash(&head));
                let floor = self.model.chain.unwrap().1;
                let Some(end) = line.iter().position(|hash| *hash == floor) else { return Ok(()) };
                let finalized = *finalized.get(&line[..=end]);
                let changed: Vec<_> = line[..end]
                    .iter()
                    .rev()
                    .filter(|hash| !self.model.executed.contains_key(*hash))
                    .map(|hash| Arc::clone(self.model.block(hash)))
                    .collect();
                next.apply(hash(&head), finalized, &changed);
                let finalized = Arc::clone(self.model.block(&finalized));
                let update = update(&head, &finalized, &changed);
                self.store().apply_head(&update)
            }
            Op::Prune(below) => {
                self.pruned = true;
                next.prune(*below);
                self.store().prune(*below).map(drop)
            }
            Op::Reopen => {
                self.reopen();
                Ok(())
            }
        };
        match outcome {
            Ok(()) => {
                self.model = next;
                Ok(())
            }
            Err(error) => Err(Box::new((error, next))),
        }
    }
}

pub(crate) fn open(disk: &MemoryDisk) -> Store {
    Store::open(Arc::new(disk.open().unwrap()), BlockCache::new(1 << 20)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_question_is_answered_as_by_a_model_through_forks_reorgs_finality_and_restarts(
        ops in proptest::collection::vec(op(), 1..40)
    ) {
        let mut run = Run::new();
        for op in &ops {
            run.step(op).map_err(|failed| failed.0).unwrap();
            run.model.check(run.store.as_ref().unwrap(), &run.all);
        }
    }

    #[test]
    fn undo_leaves_byte_for_byte_what_a_fresh_storage_has(
        ops in proptest::collection::vec(op(), 1..40)
    ) {
        let mut run = Run::new();
        for op in ops.iter().filter(|op| !matches!(op, Op::Prune(_))) {
            run.step(op).map_err(|failed| failed.0).unwrap();
        }
        let Model { blocks, chain, executed, .. } = &run.model;
        let (head, finalized) = chain.unwrap();
        // Only what is left, straight to where the history ended.
        let disk = MemoryDisk::new();
        let mut fresh = open(&disk);
        let left: Vec<_> = blocks.values().cloned().collect();
        for outcome in fresh.persist(&left) {
            outcome.unwrap();
        }
        let genesis = Arc::clone(&run.all[0]);
        fresh.apply_head(&update(&genesis, &genesis, &[Arc::clone(&genesis)])).unwrap();
        let mut changed: Vec<_> = executed.keys().map(|hash| Arc::clone(&blocks[hash])).collect();
        changed.sort_by_key(|block| block.block.header.height);
        fresh.apply_head(&update(&blocks[&head], &blocks[&finalized], &changed)).unwrap();
        drop(fresh);
        run.store = None;
        let (old, new) = (run.disk.open().unwrap(), disk.open().unwrap());
        prop_assert_eq!(dump(&old), dump(&new));
        prop_assert!(old.get(b"absent").unwrap().is_none());
    }
}

impl Model {
    /// Whether a storage that counts so many blocks and has this record can be the one of this model.
    pub(crate) fn matches(&self, blocks: u64, record: &alys_storage::ChainRecord) -> bool {
        let (head, finalized) = self.chain.unwrap();
        let pending = self.blocks.keys().filter(|hash| Some(self.height(hash)) > self.final_height());
        self.blocks.len() as u64 == blocks
            && record.head.hash == head
            && record.finalized.hash == finalized
            && record.pending.len() == pending.count()
    }
}
