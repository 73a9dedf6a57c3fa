//! What is served: the cache, ranges, pruned storages, checkpoints.

use std::ops::Bound;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use alloy_primitives::keccak256;
use alys_database::{
    Backend, Batch, Database, DatabaseConfig, DatabaseError, Entry, MemoryDisk, Order, Reader, Verified,
    Verifying, open as open_database,
};
use alys_primitives::{Bytes, SignedProposal};
use alys_storage::{BlockCache, BlockQuery, BlockStatus, MAX_RANGE, StorageError, Store};

use crate::blocks::{child, dump, genesis, hash, line, named, transaction, update};
use crate::histories::open;

/// A storage whose chain has `count` blocks above genesis, the last `above` of which are not final.
pub(crate) fn chain_of(store: &mut Store, count: u64, above: usize) -> Vec<Arc<SignedProposal>> {
    let genesis = genesis();
    let mut blocks = vec![Arc::clone(&genesis)];
    blocks.extend(line(&genesis, count));
    for outcome in store.persist(&blocks) {
        outcome.unwrap();
    }
    let finalized = &blocks[blocks.len() - 1 - above];
    store.apply_head(&update(&genesis, &genesis, &[Arc::clone(&genesis)])).unwrap();
    store.apply_head(&update(blocks.last().unwrap(), finalized, &blocks[1..])).unwrap();
    blocks
}

#[test]
fn blocks_that_wait_together_become_one_batch_and_the_same_block_again_writes_nothing() {
    let disk = MemoryDisk::new();
    let mut store = open(&disk);
    let before = disk.commits();
    let blocks = [vec![genesis()], line(&genesis(), 50)].concat();
    assert!(store.persist(&blocks).iter().all(Result::is_ok));
    assert_eq!(disk.commits(), before + 1);
    assert!(store.persist(&blocks).iter().all(Result::is_ok));
    assert_eq!(disk.commits(), before + 1);
    assert_eq!(store.statistics().unwrap().blocks, 51);
}

#[test]
fn the_same_head_again_writes_nothing() {
    let disk = MemoryDisk::new();
    let mut store = open(&disk);
    let blocks = chain_of(&mut store, 5, 2);
    let before = disk.commits();
    let again = update(&blocks[5], &blocks[3], &[]);
    store.apply_head(&again).unwrap();
    assert_eq!(disk.commits(), before);
    // What was not asked for stays: the certificates of before.
    let bare = alys_storage::HeadUpdate { finalization: None, notarization: None, ..again.clone() };
    store.apply_head(&bare).unwrap();
    assert_eq!(store.load_chain().unwrap().unwrap().finalization, again.finalization);
}

#[test]
fn what_cannot_be_applied_is_refused_by_name_and_changes_nothing() {
    let disk = MemoryDisk::new();
    let mut store = open(&disk);
    let blocks = chain_of(&mut store, 5, 2);
    let stranger = child(&blocks[5], 90, vec![]);
    let rival = child(&blocks[2], 91, vec![]);
    let beside = child(&blocks[3], 92, vec![]);
    let before = store.load_chain().unwrap();
    let refusal = store.apply_head(&update(&stranger, &blocks[3], &[])).unwrap_err();
    assert_eq!(refusal, StorageError::UnknownBlock(hash(&stranger)));
    // Beside what is final: not even taken.
    let refusal = store.persist(&[Arc::clone(&rival)]).remove(0).unwrap_err();
    assert!(refusal.to_string().contains("final up to 3"), "{refusal}");
    store.persist(&[Arc::clone(&beside)]).remove(0).unwrap();
    let refusal = store.apply_head(&update(&beside, &blocks[3], &[])).unwrap_err();
    assert!(refusal.to_string().contains("has no change set; execute it first"), "{refusal}");
    let executed = [Arc::clone(&beside)];
    let refusal = store.apply_head(&update(&beside, &blocks[4], &executed)).unwrap_err();
    assert_eq!(refusal, StorageError::NotAnAncestor { ancestor: hash(&blocks[4]), block: hash(&beside) });
    let refusal = store.apply_head(&update(&blocks[5], &blocks[2], &[])).unwrap_err();
    assert_eq!(refusal, StorageError::NotAnAncestor { ancestor: hash(&blocks[3]), block: hash(&blocks[2]) });
    let mut wrong = update(&beside, &blocks[3], &executed);
    wrong.notarization = update(&blocks[5], &blocks[3], &[]).notarization;
    let refusal = store.apply_head(&wrong).unwrap_err();
    assert!(refusal.to_string().contains("the notarization is about block"), "{refusal}");
    let mut after = store.load_chain().unwrap().unwrap();
    after.pending.retain(|block| block.block.block.hash() != hash(&beside));
    assert_eq!(Some(after), before);
}

#[test]
fn the_cache_is_bounded_and_drops_what_was_used_longest_ago() {
    let disk = MemoryDisk::new();
    let genesis = genesis();
    let blocks = line(&genesis, 40);
    // Room for some ten of these blocks.
    let bytes = blocks[0].block.encode().len() as u64 * 10;
    let mut store = Store::open(Arc::new(disk.open().unwrap()), BlockCache::new(bytes)).unwrap();
    for block in &blocks {
        store.persist(&[Arc::clone(block)]).remove(0).unwrap();
        // Used again and again.
        let _ = store.cache().get(&hash(&blocks[0]));
    }
    let counts = store.cache().counts();
    assert!((5..=10).contains(&counts.blocks) && counts.bytes <= bytes, "{counts:?}");
    assert!(store.cache().get(&hash(&blocks[0])).is_some());
    assert!(store.cache().get(&hash(&blocks[39])).is_some());
    assert!(store.cache().get(&hash(&blocks[1])).is_none());
    // From the disk, and then from the cache.
    let found = store.retrieve(BlockQuery::Hash(hash(&blocks[1]))).unwrap();
    assert_eq!(found[0].block, *blocks[1]);
    assert!(store.cache().get(&hash(&blocks[1])).is_some());
}

#[test]
fn a_block_that_is_held_keeps_its_state_while_the_cached_one_goes_on() {
    let mut store = open(&MemoryDisk::new());
    let genesis = genesis();
    let block = child(&genesis, 1, vec![]);
    store.persist(&[Arc::clone(&genesis), Arc::clone(&block)]);
    let held = store.cache().get(&hash(&block)).unwrap();
    store.apply_head(&update(&block, &genesis, &[genesis.clone(), block.clone()])).unwrap();
    assert_eq!((held.status, &held.facts), (BlockStatus::Candidate, &None));
    let now = store.cache().get(&hash(&block)).unwrap();
    assert_eq!(now.status, BlockStatus::Canonical);
    assert!(now.facts.is_some());
    store.apply_head(&update(&block, &block, &[])).unwrap();
    assert_eq!(store.cache().get(&hash(&block)).unwrap().status, BlockStatus::Final);
}

#[test]
fn a_range_ends_at_its_count_at_the_head_at_the_limit_and_when_its_blocks_are_large() {
    let mut store = open(&MemoryDisk::new());
    let blocks = chain_of(&mut store, 60, 1);
    let range = |from, count| {
        let found = store.retrieve(BlockQuery::Range { from, count }).unwrap();
        found.iter().map(|block| block.block.block.header.height).collect::<Vec<_>>()
    };
    assert_eq!(range(3, 4), [3, 4, 5, 6]);
    assert_eq!(range(58, 10), [58, 59, 60]);
    assert_eq!(range(0, u32::MAX).len(), 61.min(MAX_RANGE as usize));
    assert_eq!(range(61, 1), Vec::<u64>::new());
    assert_eq!(range(u64::MAX, u32::MAX), Vec::<u64>::new());

    let mut parent = Arc::clone(blocks.last().unwrap());
    for slot in 100..108 {
        let large = Bytes::from(vec![slot as u8; 3 << 20]);
        parent = child(&parent, slot, vec![large]);
        store.persist(&[Arc::clone(&parent)]).remove(0).unwrap();
        store.apply_head(&update(&parent, &parent, &[Arc::clone(&parent)])).unwrap();
    }
    // Sixteen mebibytes are reached with the sixth.
    assert_eq!(store.retrieve(BlockQuery::Range { from: 61, count: 8 }).unwrap().len(), 6);
}

#[test]
fn a_pruned_storage_serves_recent_ranges_and_keeps_the_hashes_of_old_heights() {
    let disk = MemoryDisk::new();
    let mut store = open(&disk);
    let blocks = chain_of(&mut store, 400, 3);
    let report = store.prune(300).unwrap();
    assert_eq!((report.blocks, report.oldest), (300, 300));
    assert_eq!(store.prune(300).unwrap().blocks, 0);
    drop(store);
    let mut store = open(&disk);
    let recent = store.retrieve(BlockQuery::Range { from: 300, count: 200 }).unwrap();
    assert_eq!(recent.len(), 101);
    let none = |query| store.retrieve(query).unwrap().is_empty();
    assert!(none(BlockQuery::Height(299)) && none(BlockQuery::Hash(hash(&blocks[299]))));
    assert!(none(BlockQuery::Range { from: 250, count: 10 }));
    let old = &blocks[299].block.payload.payload_inner.payload_inner.transactions[0];
    assert!(none(BlockQuery::Transaction(keccak256(old))));
    assert!(store.check_integrity().unwrap().damage.is_empty());
    let refusal = store.persist(&[Arc::clone(&blocks[299])]).remove(0).unwrap_err();
    assert!(refusal.to_string().contains("blocks from 300 on are kept"), "{refusal}");
    // What is not final is never touched, nor the last final block.
    assert_eq!(store.prune(u64::MAX).unwrap().oldest, 397);
    assert_eq!(store.load_chain().unwrap().unwrap().pending.len(), 3);
    drop(store);
    let heights = dump(&disk.open().unwrap()).iter().filter(|(key, _)| key[0] == 3).count();
    assert_eq!(heights, 401);
}

fn file_config(backend: Backend, folder: &std::path::Path) -> DatabaseConfig {
    let mut config = DatabaseConfig::new(backend, folder);
    config.cache_bytes = 16 << 20;
    config
}

fn file_store(backend: Backend, folder: &std::path::Path) -> Store {
    let config = file_config(backend, folder);
    Store::open(open_database(&config).unwrap(), BlockCache::new(1 << 20)).unwrap()
}

#[test]
fn a_checkpoint_restored_equals_the_original_in_every_answer_on_every_backend() {
    for backend in [Backend::Sled, Backend::Redb, Backend::Memory] {
        let folder = tempfile::tempdir().unwrap();
        let (disk, target) = (MemoryDisk::new(), folder.path().join("copies").join("monday"));
        std::fs::create_dir(folder.path().join("copies")).unwrap();
        let mut store = match backend {
            Backend::Memory => open(&disk),
            _ => file_store(backend, &folder.path().join("original")),
        };
        let blocks = chain_of(&mut store, 150, 4);
        let fork = child(&blocks[148], 999, vec![transaction(5)]);
        store.persist(&[Arc::clone(&fork)]).remove(0).unwrap();
        store.prune(20).unwrap();

        let report = store.checkpoint(&target).unwrap();
        assert_eq!((report.head, &report.path), (named(&blocks[150]), &target));
        assert!(report.entries > 150);
        let kind = if backend == Backend::Sled { Backend::Sled } else { Backend::Redb };
        let copy = file_store(kind, &target.join("database"));
        assert_eq!(copy.load_chain().unwrap(), store.load_chain().unwrap());
        assert!(copy.check_integrity().unwrap().damage.is_empty());
        for block in &blocks {
            let query = BlockQuery::Hash(hash(block));
            assert_eq!(copy.retrieve(query).unwrap(), store.retrieve(query).unwrap());
        }
        let refusal = store.checkpoint(&target).unwrap_err();
        assert!(refusal.to_string().contains("exists; remove it"), "{refusal}");
        assert!(!folder.path().join("copies/monday.partial").exists());
    }
}

#[test]
fn a_checkpoint_is_of_one_moment_though_the_chain_goes_on_and_pruning_waits_for_it() {
    use alys_storage::store::{Checkpoint, Step};
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("copy");
    let mut store = open(&MemoryDisk::new());
    let blocks = chain_of(&mut store, 300, 10);
    let mut work = Checkpoint::new(&store, &target).unwrap();
    let refusal = store.prune(100).unwrap_err();
    assert!(refusal.to_string().contains("prune when it is done"), "{refusal}");
    let mut head = Arc::clone(&blocks[300]);
    let report = loop {
        // Another block becomes final between any two steps.
        head = child(&head, head.block.header.slot + 1, vec![]);
        store.persist(&[Arc::clone(&head)]).remove(0).unwrap();
        store.apply_head(&update(&head, &blocks[295], &[Arc::clone(&head)])).unwrap();
        match work.step(&store).unwrap() {
            Step::More => {}
            Step::Done(report) => break report,
        }
    };
    drop(work);
    store.prune(100).unwrap();
    let copy = file_store(Backend::Redb, &target.join("database"));
    let record = copy.load_chain().unwrap().unwrap();
    assert_eq!(record.head, report.head);
    assert!(record.head.height > 300 && record.head.height < head.block.header.height);
    assert_eq!(
        copy.retrieve(BlockQuery::Range { from: 0, count: 1000 }).unwrap().len() as u64,
        record.head.height + 1
    );
}

/// A database that counts what is read of it.
struct Counted {
    inner: Box<dyn Database>,
    reads: Arc<AtomicU64>,
}

impl Reader for Counted {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, DatabaseError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.inner.get(key)
    }

    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        order: Order,
        limit: usize,
    ) -> Result<Vec<Entry>, DatabaseError> {
        let found = self.inner.scan(range, order, limit)?;
        self.reads.fetch_add(found.len() as u64, Ordering::SeqCst);
        Ok(found)
    }
}

impl Database for Counted {
    fn commit(&self, batch: Batch) -> Result<(), DatabaseError> {
        self.inner.commit(batch)
    }
    fn size_on_disk(&self) -> Result<u64, DatabaseError> {
        self.inner.size_on_disk()
    }
    fn backend(&self) -> &'static str {
        self.inner.backend()
    }
    fn verify_some(&self, progress: &mut Verifying, limit: usize) -> Result<Option<Verified>, DatabaseError> {
        self.inner.verify_some(progress, limit)
    }
}

#[test]
fn a_checkpoint_of_a_long_pruned_chain_takes_a_few_heights_a_step_and_others_have_their_turns() {
    use alys_storage::store::{Checkpoint, Step};
    let (folder, disk) = (tempfile::tempdir().unwrap(), MemoryDisk::new());
    let target = folder.path().join("copy");
    let reads = Arc::new(AtomicU64::new(0));
    let counted = Counted { inner: Box::new(disk.open().unwrap()), reads: Arc::clone(&reads) };
    let mut store = Store::open(Arc::new(counted), BlockCache::new(0)).unwrap();
    let blocks = chain_of(&mut store, 1500, 2);
    store.prune(1490).unwrap();

    let mut work = Checkpoint::new(&store, &target).unwrap();
    let (mut head, mut turns) = (Arc::clone(&blocks[1500]), 0);
    loop {
        // A block of others between any two steps.
        head = child(&head, head.block.header.slot + 1, vec![]);
        store.persist(&[Arc::clone(&head)]).remove(0).unwrap();
        store.apply_head(&update(&head, &blocks[1498], &[Arc::clone(&head)])).unwrap();
        turns += 1;
        let before = reads.load(Ordering::SeqCst);
        let step = work.step(&store).unwrap();
        let read = reads.load(Ordering::SeqCst) - before;
        assert!(read <= 300, "{read} reads in step {turns}");
        if matches!(step, Step::Done(_)) {
            break;
        }
    }
    assert!(turns > 6, "{turns} turns while 1490 pruned heights were copied");
    drop(work);

    let copy = open_database(&file_config(Backend::Redb, &target.join("database"))).unwrap();
    let heights = dump(&*copy).iter().filter(|(key, _)| key[0] == 3).count();
    assert!(heights > 1500, "{heights} heights have their hash");
}

#[test]
fn a_checkpoint_that_fails_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let disk = MemoryDisk::new();
    let database: Arc<dyn Database> = Arc::new(disk.open().unwrap());
    let mut store = Store::open(database, BlockCache::new(0)).unwrap();
    let target = folder.path().join("copy");
    assert!(matches!(store.checkpoint(&target), Err(StorageError::Refused(_))));
    let blocks = chain_of(&mut store, 100, 2);
    let mut key = vec![1];
    key.extend_from_slice(&70u64.to_be_bytes());
    key.extend_from_slice(hash(&blocks[70]).as_slice());
    assert!(disk.damage(&key));
    let refusal = store.checkpoint(&target).unwrap_err();
    assert!(matches!(refusal, StorageError::Corrupt(_)), "{refusal}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
