//! The actor killed, its thread panicking, the process gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use alloy_primitives::B256;
use alys_bus::WorkerMode;
use alys_database::{
    Batch, Database, DatabaseError, Entry, Fault, Left, MemoryDatabase, MemoryDisk, Order, Reader, Snapshots,
    Verified, Verifying,
};
use alys_engine::EngineConfig;
use alys_engine::messages::{EngineError, EngineMessage, PayloadVerdict};
use alys_testkit::within;
use parking_lot::Mutex;

use super::rig::Rig;
use crate::common::{FEE_SINK, Send};

#[tokio::test]
async fn a_killed_actor_attaches_again_to_the_same_engine_and_pool() {
    let disk = MemoryDisk::new();
    let mut rig = Rig::with(EngineConfig::default(), WorkerMode::Thread, &disk).await;
    rig.next_block().await;
    let hash = rig.submit(&Send::transfer(0, 0, FEE_SINK, 7)).await.unwrap();
    let id = rig.build(rig.next_rules()).await.unwrap();
    for _ in 0..3 {
        rig.actor.kill_and_wait(None).await.unwrap();
        let (actor, _) = alys_engine::spawn(&rig.address, None, rig.client.clone()).await.unwrap();
        rig.actor = actor;
    }
    // Head, pool and the payload under construction are as they were: the threads went on.
    let head = rig.ask(|reply| EngineMessage::Head { reply }).await.unwrap();
    assert_eq!((head.number, head.hash), (1, rig.head));
    assert_eq!(rig.transaction(hash).await.unwrap().block_hash, None);
    let sealed = rig.seal(id).await.unwrap();
    assert_eq!(sealed.payload.payload_inner.payload_inner.transactions.len(), 1);
}

#[tokio::test]
async fn a_panic_of_the_engines_thread_ends_the_actor_and_the_next_one_opens_the_database_again() {
    let (disk, panics) = (MemoryDisk::new(), Arc::new(AtomicBool::new(false)));
    let (opens, switch) = (disk.clone(), Arc::clone(&panics));
    let open = move || Ok(Panicking { database: opens.open()?, panics: Arc::clone(&switch) });
    let mut rig = Rig::opening(EngineConfig::default(), WorkerMode::Thread, open).await;
    let (first, _) = rig.next_block().await;
    rig.forkchoice(rig.head, rig.head).await.unwrap();
    rig.next_block().await;

    panics.store(true, Ordering::SeqCst);
    // The head moves in memory, which may be answered before the commit panics.
    if let Err(error) = rig.forkchoice(rig.head, rig.head).await {
        assert!(error.is_transient(), "{error}");
    }
    stopped(&rig).await;

    panics.store(false, Ordering::SeqCst);
    let (actor, _) = within(alys_engine::spawn(&rig.address, None, rig.client.clone())).await.unwrap();
    rig.actor = actor;
    // What was durable is there; the block above has to be handed in again, as after a crash.
    rig.catch_up().await;
    assert_eq!((rig.height, rig.head), (1, first.payload_hash_as_given()));
    rig.next_block().await;
}

#[tokio::test]
async fn a_panic_of_a_reading_thread_ends_the_actor_and_the_engine_goes_on_as_it_was() {
    let (disk, panics) = (MemoryDisk::new(), Arc::new(AtomicBool::new(false)));
    let opened = Arc::new(AtomicUsize::new(0));
    let (switch, opens) = (Arc::clone(&panics), Arc::clone(&opened));
    let open = move || {
        opens.fetch_add(1, Ordering::SeqCst);
        Ok(Panicking { database: disk.open()?, panics: Arc::clone(&switch) })
    };
    let mut rig = Rig::opening(EngineConfig::default(), WorkerMode::Thread, open).await;
    rig.next_block().await;
    rig.next_block().await;

    panics.store(true, Ordering::SeqCst);
    let hash = B256::repeat_byte(1);
    let outcome = rig.ask(|reply| EngineMessage::Receipt { hash, reply }).await;
    assert!(outcome.unwrap_err().is_transient());
    stopped(&rig).await;

    panics.store(false, Ordering::SeqCst);
    let (actor, _) = within(alys_engine::spawn(&rig.address, None, rig.client.clone())).await.unwrap();
    rig.actor = actor;
    assert!(rig.receipt(hash).await.is_none());
    // The blocks above the base were never lost, for the engine was never closed.
    let head = rig.ask(|reply| EngineMessage::Head { reply }).await.unwrap();
    assert_eq!((head.number, head.durable, opened.load(Ordering::SeqCst)), (2, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_stop_in_order_commits_what_is_final_however_few_blocks_those_are() {
    let disk = MemoryDisk::new();
    let config = EngineConfig { commit_every: 100, ..EngineConfig::default() };
    let mut rig = Rig::with(config.clone(), WorkerMode::Inline, &disk).await;
    rig.next_block().await;
    assert_eq!(rig.forkchoice(rig.head, rig.head).await.unwrap().durable, 0);
    rig.client.stop(Rig::ctx().deadline).await.unwrap();
    let final_head = rig.head;
    drop(rig);
    let rig = Rig::with(config, WorkerMode::Inline, &disk).await;
    assert_eq!((rig.height, rig.head), (1, final_head));
}

#[tokio::test]
async fn after_a_commit_that_failed_the_database_is_opened_again_and_the_chain_goes_on() {
    for fault in [Fault::DiskFull, Fault::Fail(Left::Old), Fault::Fail(Left::New)] {
        let disk = MemoryDisk::new();
        let mut rig = Rig::with(EngineConfig::default(), WorkerMode::Thread, &disk).await;
        let (block, _) = rig.next_block().await;
        disk.inject(0, fault);
        // It is answered before it is committed.
        rig.forkchoice(rig.head, rig.head).await.unwrap();
        stopped(&rig).await;

        let (actor, _) = within(alys_engine::spawn(&rig.address, None, rig.client.clone())).await.unwrap();
        rig.actor = actor;
        rig.catch_up().await;
        if rig.height == 0 {
            rig.follow(&block).await;
        }
        assert_eq!((rig.height, rig.head), (1, block.payload_hash_as_given()));
        rig.forkchoice(rig.head, rig.head).await.unwrap();
        rig.next_block().await;
        let head = rig.forkchoice(rig.head, block.payload_hash_as_given()).await.unwrap();
        assert_eq!((head.number, head.durable), (2, 1));
    }
}

/// A disk that can be put aside, and be damaged.
#[derive(Clone, Default)]
struct Replaceable(Arc<Mutex<(MemoryDisk, bool)>>);

impl Replaceable {
    fn damage(&self) {
        self.0.lock().1 = true;
    }

    async fn rig(&self) -> Rig {
        let (opens, replaces) = (self.clone(), self.clone());
        let open = move || {
            let disk = opens.0.lock();
            if disk.1 {
                let (backend, path, message) = ("memory", String::new(), "rust".to_owned());
                return Err(DatabaseError::Corrupt { backend, path, message }.into());
            }
            Ok(disk.0.open()?)
        };
        let aside = move || {
            *replaces.0.lock() = Default::default();
            Ok(())
        };
        Rig::beginning_anew(open, aside).await
    }
}

#[tokio::test]
async fn an_engine_that_is_reset_stands_at_genesis_and_takes_the_blocks_again() {
    let mut rig = Replaceable::default().rig().await;
    let genesis = rig.head;
    let mut blocks = Vec::new();
    for _ in 0..3 {
        blocks.push(rig.next_block().await.0);
        rig.forkchoice(rig.head, rig.head).await.unwrap();
    }
    rig.ask(|reply| EngineMessage::Reset { reply }).await.unwrap();
    rig.catch_up().await;
    assert_eq!((rig.height, rig.head), (0, genesis));
    for block in &blocks {
        rig.follow(block).await;
    }
    rig.submit(&Send::transfer(0, 0, FEE_SINK, 7)).await.unwrap();
    rig.next_block().await;
    assert_eq!(rig.height, 4);
}

#[tokio::test]
async fn a_database_that_is_found_damaged_is_put_aside_and_made_anew() {
    let place = Replaceable::default();
    let mut rig = place.rig().await;
    let genesis = rig.head;
    let (block, _) = rig.next_block().await;
    rig.forkchoice(rig.head, rig.head).await.unwrap();
    rig.client.stop(Rig::ctx().deadline).await.unwrap();
    drop(rig);
    place.damage();
    let mut rig = place.rig().await;
    assert_eq!((rig.height, rig.head), (0, genesis));
    rig.follow(&block).await;
    assert_eq!(rig.height, 1);
}

#[tokio::test(start_paused = true)]
async fn an_engine_without_leave_to_begin_anew_says_what_to_do() {
    let mut rig = Rig::start().await;
    rig.next_block().await;
    let refused = rig.ask(|reply| EngineMessage::Reset { reply }).await.unwrap_err().into_actor().unwrap();
    assert!(matches!(&refused, EngineError::NotManaged(what) if what.contains("remove it")), "{refused}");
    rig.next_block().await;
    assert_eq!(rig.height, 2);
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_blocks_above_the_base_are_replayed_and_the_chain_goes_on() {
    let disk = MemoryDisk::new();
    let mut rig = Rig::with(EngineConfig::default(), WorkerMode::Inline, &disk).await;
    let mut blocks = Vec::new();
    for nonce in 0..4 {
        rig.submit(&Send::transfer(0, nonce, FEE_SINK, 7)).await.unwrap();
        blocks.push(rig.next_block().await.0);
    }
    let second = blocks[1].payload_hash_as_given();
    rig.forkchoice(rig.head, second).await.unwrap();
    rig.client.stop(Rig::ctx().deadline).await.unwrap();
    drop(rig);
    disk.crash();

    let mut rig = Rig::with(EngineConfig::default(), WorkerMode::Inline, &disk).await;
    assert_eq!((rig.height, rig.head), (2, second));
    for block in &blocks[2..] {
        rig.follow(block).await;
    }
    rig.submit(&Send::transfer(0, 4, FEE_SINK, 7)).await.unwrap();
    rig.next_block().await;
    assert_eq!(rig.height, 5);
}

#[tokio::test(start_paused = true)]
async fn a_head_below_the_base_is_gone_back_to() {
    let mut rig = Rig::start().await;
    let (first, _) = rig.next_block().await;
    let hash = rig.submit(&Send::transfer(0, 0, FEE_SINK, 7)).await.unwrap();
    let (second, _) = rig.next_block().await;
    rig.forkchoice(rig.head, rig.head).await.unwrap();
    // Storage lost the second block in a crash, the engine did not.
    let head = rig.forkchoice(first.payload_hash_as_given(), B256::ZERO).await.unwrap();
    assert_eq!((head.number, head.durable), (1, 1));
    assert!(rig.receipt(hash).await.is_none());
    // Its transaction waits again, and the block can come back.
    assert_eq!(rig.transaction(hash).await.unwrap().block_hash, None);
    assert!(matches!(rig.validate(second).await, PayloadVerdict::Valid(_)));
}

async fn stopped(rig: &Rig) {
    within(async {
        while rig.actor.get_status() != ractor::ActorStatus::Stopped {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// A database that panics when the test says so.
struct Panicking {
    database: MemoryDatabase,
    panics: Arc<AtomicBool>,
}

impl Reader for Panicking {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, DatabaseError> {
        self.database.get(key)
    }

    fn scan(
        &self,
        range: (std::ops::Bound<&[u8]>, std::ops::Bound<&[u8]>),
        order: Order,
        limit: usize,
    ) -> Result<Vec<Entry>, DatabaseError> {
        self.database.scan(range, order, limit)
    }
}

impl Database for Panicking {
    fn commit(&self, batch: Batch) -> Result<(), DatabaseError> {
        assert!(!self.panics.load(Ordering::SeqCst), "the test wants a panic here");
        self.database.commit(batch)
    }

    fn size_on_disk(&self) -> Result<u64, DatabaseError> {
        self.database.size_on_disk()
    }

    fn verify_some(&self, progress: &mut Verifying, limit: usize) -> Result<Option<Verified>, DatabaseError> {
        self.database.verify_some(progress, limit)
    }

    fn backend(&self) -> &'static str {
        self.database.backend()
    }
}

impl Snapshots for Panicking {
    fn snapshot(&self) -> Result<Box<dyn Reader>, DatabaseError> {
        let (reader, panics) = (self.database.snapshot()?, Arc::clone(&self.panics));
        Ok(Box::new(PanickingReader { reader, panics }))
    }
}

struct PanickingReader {
    reader: Box<dyn Reader>,
    panics: Arc<AtomicBool>,
}

impl Reader for PanickingReader {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, DatabaseError> {
        assert!(!self.panics.load(Ordering::SeqCst), "the test wants a panic here");
        self.reader.get(key)
    }

    fn scan(
        &self,
        range: (std::ops::Bound<&[u8]>, std::ops::Bound<&[u8]>),
        order: Order,
        limit: usize,
    ) -> Result<Vec<Entry>, DatabaseError> {
        self.reader.scan(range, order, limit)
    }
}
