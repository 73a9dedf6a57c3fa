//! The real actor, killed, restarted, and with a disk that refuses.

use std::sync::Arc;
use std::time::Duration;

use alys_bus::{Address, AskError, Context, Limits, WorkerMode};
use alys_database::{Backend, Fault, Left, MemoryDisk};
use alys_primitives::SignedProposal;
use alys_storage::promises::{MemorySlots, SlotFault, fresh};
use alys_storage::{
    BlockQuery, BlockStatus, Promises, StorageArgs, StorageConfig, StorageError, StorageMessage,
    StorageSetup, spawn,
};
use alys_testkit::within;
use tokio::task::JoinSet;

use crate::blocks::{child, genesis, hash, line, update};

type Asked<T> = Result<T, AskError<StorageError>>;

/// The questions of a test, with a deadline far beyond what they take.
struct Asker(Address<StorageMessage>);

fn ctx() -> Context {
    Context::root(Duration::from_secs(30))
}

impl Asker {
    async fn persist(&self, block: &Arc<SignedProposal>) -> Asked<()> {
        let block = Arc::clone(block);
        self.0.ask(ctx(), |reply| StorageMessage::PersistBlock { block, reply }).await
    }

    async fn apply(
        &self,
        head: &SignedProposal,
        finalized: &SignedProposal,
        changed: &[Arc<SignedProposal>],
    ) -> Asked<()> {
        let update = Box::new(update(head, finalized, changed));
        self.0.ask(ctx(), |reply| StorageMessage::ApplyHead { update, reply }).await
    }

    async fn retrieve(&self, query: BlockQuery) -> Asked<Vec<Arc<alys_storage::StoredBlock>>> {
        self.0.ask(ctx(), |reply| StorageMessage::RetrieveBlock { query, reply }).await
    }

    async fn promise(&self, lock: u64) -> Asked<()> {
        let promises = Box::new(Promises { lock, ..Promises::default() });
        self.0.control().ask(ctx(), |reply| StorageMessage::PersistPromises { promises, reply }).await
    }

    async fn promises(&self) -> Asked<Box<Promises>> {
        self.0.ask(ctx(), |reply| StorageMessage::LoadPromises { reply }).await
    }
}

fn memory_setup() -> (StorageSetup, MemoryDisk, MemorySlots) {
    let (disk, slots) = (MemoryDisk::new(), MemorySlots::new(fresh(&Promises::default())));
    let setup = StorageSetup::new(StorageConfig::memory()).unwrap().memory(disk.clone(), slots.clone());
    (setup, disk, slots)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_of_the_protocol_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let config = StorageConfig::new(Backend::Redb, folder.path().join("storage"));
    let setup = StorageSetup::new(config).unwrap();
    let asker = Asker(Address::new(Limits::default()));
    let (actor, ended) = spawn(&asker.0, None, StorageArgs::open(&setup).unwrap()).await.unwrap();
    let genesis = genesis();
    let blocks = line(&genesis, 40);
    let empty = asker.0.ask(ctx(), |reply| StorageMessage::LoadChain { reply }).await.unwrap();
    assert!(empty.is_none());
    asker.persist(&genesis).await.unwrap();
    asker.apply(&genesis, &genesis, &[Arc::clone(&genesis)]).await.unwrap();
    for block in &blocks {
        asker.persist(block).await.unwrap();
    }
    asker.apply(&blocks[39], &blocks[35], &blocks).await.unwrap();
    let found = asker.retrieve(BlockQuery::Height(40)).await.unwrap();
    assert_eq!(found[0].status, BlockStatus::Canonical);
    let chain = asker.0.ask(ctx(), |reply| StorageMessage::LoadChain { reply }).await.unwrap();
    assert_eq!(chain.unwrap().pending.len(), 4);
    asker.promise(5).await.unwrap();
    assert_eq!(asker.promises().await.unwrap().lock, 5);
    let path = folder.path().join("copy");
    let copied = asker.0.ask(ctx(), |reply| StorageMessage::Checkpoint { path, reply }).await.unwrap();
    assert_eq!(copied.head.hash, hash(&blocks[39]));
    let pruned = asker.0.ask(ctx(), |reply| StorageMessage::PruneOldBlocks { below: 10, reply }).await;
    assert_eq!(pruned.unwrap().oldest, 10);
    let checked = asker.0.ask(ctx(), |reply| StorageMessage::CheckIntegrity { reply }).await.unwrap();
    assert!(checked.damage.is_empty() && checked.entries > 100);
    let statistics = asker.0.ask(ctx(), |reply| StorageMessage::Statistics { reply }).await.unwrap();
    assert_eq!((statistics.backend.as_str(), statistics.blocks, statistics.head), ("redb", 31, 40));
    actor.stop(None);
    ended.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_actor_attaches_again_to_its_threads_and_loses_nothing() {
    let (setup, disk, _) = memory_setup();
    let asker = Asker(Address::new(Limits::default()));
    let args = StorageArgs::open(&setup).unwrap();
    let mut parent = genesis();
    asker_starts_empty(&asker).await;
    for round in 0..10 {
        let (actor, ended) = spawn(&asker.0, None, args.clone()).await.unwrap();
        if round == 0 {
            asker.persist(&parent).await.unwrap();
            asker.apply(&parent, &parent, &[Arc::clone(&parent)]).await.unwrap();
        }
        let block = child(&parent, round + 1, vec![]);
        asker.persist(&block).await.unwrap();
        asker.apply(&block, &block, &[Arc::clone(&block)]).await.unwrap();
        asker.promise(round + 1).await.unwrap();
        parent = block;
        actor.kill();
        ended.await.unwrap();
    }
    let _actor = spawn(&asker.0, None, args).await.unwrap();
    assert_eq!(asker.retrieve(BlockQuery::Range { from: 0, count: 100 }).await.unwrap().len(), 11);
    assert_eq!(asker.promises().await.unwrap().lock, 10);
    // The database was opened once: it is still in use.
    assert!(disk.open().is_err());
}

async fn asker_starts_empty(asker: &Asker) {
    let refused = asker.promises().await.unwrap_err();
    assert!(matches!(refused, AskError::Unavailable("storage")), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_write_is_told_ends_the_actor_and_the_next_one_opens_the_disk_anew() {
    let (setup, disk, slots) = memory_setup();
    let asker = Asker(Address::new(Limits::default()));
    let genesis = genesis();
    for (round, fault) in
        [Fault::DiskFull, Fault::Fail(Left::New), Fault::Crash(Left::Torn(20))].into_iter().enumerate()
    {
        let args = StorageArgs::open(&setup).unwrap();
        let (_actor, ended) = spawn(&asker.0, None, args.clone()).await.unwrap();
        let block = child(&genesis, round as u64 + 1, vec![]);
        disk.inject(0, fault);
        let refused = asker.persist(&block).await.unwrap_err();
        assert!(matches!(refused, AskError::Actor(StorageError::Io(_))), "{refused}");
        // The panic of the thread is the actor's: it ends.
        ended.await.unwrap();
        assert!(!args.blocks.is_alive());
    }
    let args = StorageArgs::open(&setup).unwrap();
    let (_actor, ended) = spawn(&asker.0, None, args.clone()).await.unwrap();
    slots.inject(SlotFault::SyncRefused);
    let refused = asker.promise(9).await.unwrap_err();
    assert!(matches!(refused, AskError::Actor(StorageError::Io(_))), "{refused}");
    ended.await.unwrap();
    // Only the thread that failed is opened anew.
    assert!(args.blocks.is_alive() && !args.promises.is_alive());
    let args = StorageArgs { promises: setup.open_promises().unwrap(), ..args };
    let _actor = spawn(&asker.0, None, args).await.unwrap();
    // The second of the three was refused and yet whole on the disk.
    let whole = child(&genesis, 2, vec![]);
    assert_eq!(asker.retrieve(BlockQuery::Hash(hash(&whole))).await.unwrap().len(), 1);
    let lost = child(&genesis, 1, vec![]);
    assert!(asker.retrieve(BlockQuery::Hash(hash(&lost))).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_that_queue_up_share_their_commits() {
    let (setup, disk, _) = memory_setup();
    let address = Address::new(Limits::new(256, 16));
    let args = StorageArgs::open(&setup).unwrap();
    let _actor = spawn(&address, None, args.clone()).await.unwrap();
    let before = disk.commits();
    let blocks = line(&genesis(), 201);
    let mut answers = JoinSet::new();
    let mut persist = |block: &Arc<SignedProposal>| {
        let (asker, block) = (Asker(address.clone()), Arc::clone(block));
        answers.spawn(async move { asker.persist(&block).await });
    };
    // The disk is busy with the first, so that all others have come when it is free again.
    let busy = disk.hold();
    persist(&blocks[0]);
    within(until(|| args.blocks.stats().running.is_some())).await;
    blocks[1..].iter().for_each(persist);
    within(until(|| args.blocks.stats().queued[0] == 200)).await;
    drop(busy);
    assert!(answers.join_all().await.iter().all(Result::is_ok));
    // One for the first, and as many as 200 blocks need in batches of at most 128.
    assert_eq!(disk.commits() - before, 3);
}

/// Until something has become true that nobody tells.
async fn until(mut met: impl FnMut() -> bool) {
    while !met() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_never_waits_behind_imports() {
    let (setup, disk, _) = memory_setup();
    let asker = Asker(Address::new(Limits::default()));
    let args = StorageArgs::open(&setup).unwrap();
    let _actor = spawn(&asker.0, None, args.clone()).await.unwrap();
    let busy = disk.hold();
    let mut imports = JoinSet::new();
    for block in line(&genesis(), 100) {
        let asker = Asker(asker.0.clone());
        imports.spawn(async move { asker.persist(&block).await });
    }
    within(until(|| args.blocks.stats().running.is_some())).await;
    // Not one import can end before the promise is answered.
    within(asker.promise(2)).await.unwrap();
    assert_eq!(args.blocks.stats().done, 0);
    drop(busy);
    assert!(imports.join_all().await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn others_have_their_turn_between_the_steps_of_a_long_job() {
    // On one thread, so that the order is that of the queue and of nothing else.
    let setup = memory_setup().0.mode(WorkerMode::Inline);
    let asker = Asker(Address::new(Limits::default()));
    let _actor = spawn(&asker.0, None, StorageArgs::open(&setup).unwrap()).await.unwrap();
    let genesis = genesis();
    let blocks = line(&genesis, 400);
    asker.persist(&genesis).await.unwrap();
    for block in &blocks {
        asker.persist(block).await.unwrap();
    }
    asker.apply(&genesis, &genesis, &[Arc::clone(&genesis)]).await.unwrap();
    asker.apply(&blocks[399], &blocks[399], &blocks).await.unwrap();

    let check = asker.0.ask(ctx(), |reply| StorageMessage::CheckIntegrity { reply });
    let statistics = asker.0.ask(ctx(), |reply| StorageMessage::Statistics { reply });
    tokio::pin!(check);
    tokio::select! {
        biased;
        done = &mut check => panic!("a question that came second had to wait for the whole check: {done:?}"),
        answer = statistics => drop(answer.unwrap()),
    }
    assert!(check.await.unwrap().damage.is_empty());
}
