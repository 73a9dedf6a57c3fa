//! The real actor of a federation of one, beside a storage, a client and a signer that answer by
//! themselves.

use std::{sync::Arc, time::Duration};

use alys_bus::{
    Address, Context, Latest, Limits, Topic, WorkerMode,
    protocol::{
        chain::{ChainEvent, ChainMessage, ChainStatus, SyncState},
        engine::{EngineError, EngineMessage},
        federation::FederationMessage,
        storage::{StorageError, StorageMessage},
    },
};
use alys_chain::{ChainArgs, ChainConfig, spawn};
use alys_primitives::ChainSpec;
use alys_testkit::{Stub, TestClock, within};
use parking_lot::Mutex;

use crate::support::{Disk, FakeEngine, GENESIS_MS, SingleKey, spec};

/// A node of one member, with what its neighbours hold.
struct Node {
    spec: Arc<ChainSpec>,
    disk: Arc<Mutex<Disk>>,
    engine: Arc<Mutex<FakeEngine>>,
    /// Whether the disk refuses everything.
    disk_fails: Arc<Mutex<bool>>,
    /// Whether the client refuses everything.
    engine_fails: Arc<Mutex<bool>>,
    time: TestClock,
    address: Address<ChainMessage>,
    args: ChainArgs,
    _neighbours: (Stub<StorageMessage>, Stub<EngineMessage>, Stub<FederationMessage>),
}

impl Node {
    /// All of it, but for the actor.
    async fn new() -> Self {
        let spec = spec(1);
        let genesis_payload = spec.genesis().block.header.payload_hash;
        let disk = Arc::new(Mutex::new(Disk::default()));
        let engine = Arc::new(Mutex::new(FakeEngine::new(genesis_payload, 1)));
        let (disk_fails, engine_fails) = (Arc::new(Mutex::new(false)), Arc::new(Mutex::new(false)));
        let storage = storage(Arc::clone(&disk), Arc::clone(&disk_fails)).await;
        let client = client(Arc::clone(&engine), Arc::clone(&engine_fails)).await;
        let federation = federation(SingleKey::new(spec.chain_id)).await;
        let time = TestClock::at(GENESIS_MS);
        let args = ChainArgs {
            spec: Arc::clone(&spec),
            config: ChainConfig::default(),
            clock: time.clock(),
            storage: storage.address(),
            engine: client.address(),
            federation: federation.address(),
            network: None,
            events: Topic::new(256),
            status: Latest::new(ChainStatus::default()),
            checks: WorkerMode::Inline,
        };
        let address = Address::new(Limits::default());
        let _neighbours = (storage, client, federation);
        Self { spec, disk, engine, disk_fails, engine_fails, time, address, args, _neighbours }
    }

    async fn start(&self) -> ractor::ActorRef<alys_bus::Inbox<ChainMessage, impl Send + 'static>> {
        spawn(&self.address, None, self.args.clone()).await.unwrap().0
    }

    async fn pass_slots(&self, slots: u64) {
        self.time.pass(Duration::from_millis(slots * self.spec.blocks.slot_ms)).await;
    }

    fn status(&self) -> ChainStatus {
        self.args.status.get()
    }
}

async fn storage(disk: Arc<Mutex<Disk>>, fails: Arc<Mutex<bool>>) -> Stub<StorageMessage> {
    Stub::start(move |message, _| {
        let mut disk = disk.lock();
        let io = || StorageError::Io("the disk is gone".to_owned());
        let fails = *fails.lock();
        match message {
            StorageMessage::PersistBlock { block, reply } => reply.send(if fails {
                Err(io())
            } else {
                disk.store(block);
                Ok(())
            }),
            StorageMessage::ApplyHead { update, reply } => {
                reply.send(if fails { Err(io()) } else { disk.apply(&update) });
            }
            StorageMessage::RetrieveBlock { query, reply } => reply.send(Ok(disk.query(query))),
            StorageMessage::LoadChain { reply } => {
                reply.send(if fails { Err(io()) } else { Ok(disk.record().map(Box::new)) });
            }
            StorageMessage::PersistPromises { promises, reply } => reply.send(if fails {
                Err(io())
            } else {
                disk.promises = *promises;
                Ok(())
            }),
            StorageMessage::LoadPromises { reply } => reply.send(Ok(Box::new(disk.promises.clone()))),
            other => alys_bus::unsupported(other),
        }
    })
    .await
}

async fn client(engine: Arc<Mutex<FakeEngine>>, fails: Arc<Mutex<bool>>) -> Stub<EngineMessage> {
    Stub::start(move |message, _| {
        if *fails.lock() {
            return drop(message);
        }
        let mut engine = engine.lock();
        match message {
            EngineMessage::BuildExecutionPayload { rules, reply } => {
                let id = engine.build(&rules);
                reply.send(id.ok_or_else(|| EngineError::Unavailable("no parent".to_owned())));
            }
            EngineMessage::SealPayload { id, reply } => {
                reply.send(engine.seal(id).map(Box::new).ok_or(EngineError::UnknownPayload));
            }
            EngineMessage::ValidatePayload { block, reply } => reply.send(Ok(engine.judge(&block))),
            EngineMessage::ForkchoiceUpdate { choice, reply } => reply.send(Ok(engine.follow(choice))),
            EngineMessage::Head { reply } => reply.send(Ok(engine.head)),
            other => alys_bus::unsupported(other),
        }
    })
    .await
}

async fn federation(keys: SingleKey) -> Stub<FederationMessage> {
    Stub::start(move |message, _| match message {
        FederationMessage::Members { reply } => reply.send(Ok(Box::new(keys.members()))),
        FederationMessage::SignProposal { header, reply } => reply.send(Ok(keys.proposal(&header))),
        FederationMessage::SignVote { data, reply } => reply.send(Ok(Box::new(keys.vote(data)))),
        FederationMessage::CollectSignature { vote, reply } => reply.send(Ok(keys.collect(&vote))),
        other => alys_bus::unsupported(other),
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_federation_of_one_notarizes_finalizes_and_applies_a_block_in_every_slot() {
    let node = Node::new().await;
    let mut events = node.args.events.subscribe();
    let _actor = node.start().await;
    node.pass_slots(10).await;

    // Slot 0 is genesis; ten more have begun, and the block of each is final in the same slot.
    let disk = node.disk.lock().clone();
    assert_eq!(disk.head.height, 10);
    assert_eq!((disk.head.slot, disk.finalized), (10, disk.head));
    assert_eq!(node.engine.lock().head.number, 10);
    let status = node.status();
    assert_eq!((status.sync, status.finalized_since_start), (SyncState::Synced, 10));
    assert_eq!(status.last_miss, None);
    let asked = within(
        node.address.ask(Context::root(Duration::from_secs(1)), |reply| ChainMessage::Status { reply }),
    );
    assert_eq!(*asked.await.unwrap(), status);

    let mut moved = 0;
    while let Some(alys_bus::Event::Event(event)) = events.try_next() {
        moved += u64::from(matches!(event, ChainEvent::HeadMoved { reorged_from: None, .. }));
        assert!(!matches!(event, ChainEvent::Alarm { .. } | ChainEvent::SlotMissed { .. }), "{event:?}");
    }
    assert_eq!(moved, 10);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_the_chain_goes_on_from_the_disk_and_the_client_is_replayed() {
    let node = Node::new().await;
    let actor = node.start().await;
    node.pass_slots(5).await;
    actor.kill();
    node.address.unbind();
    node.engine.lock().forget();
    let _again = node.start().await;
    node.pass_slots(5).await;
    let head = node.disk.lock().head;
    assert!(head.height >= 9, "{head:?}");
    assert_eq!(node.engine.lock().head.number, head.height);
    assert_eq!(node.status().sync, SyncState::Synced);
}

#[tokio::test(start_paused = true)]
async fn el_syncing_forever_a_client_that_comes_back_empty_is_replayed_without_a_restart() {
    let node = Node::new().await;
    let _actor = node.start().await;
    node.pass_slots(5).await;
    *node.engine_fails.lock() = true;
    node.pass_slots(5).await;
    let stood = node.disk.lock().head;
    node.engine.lock().forget();
    *node.engine_fails.lock() = false;
    // Back within five seconds of its return.
    node.time.pass(Duration::from_secs(5)).await;
    let head = node.disk.lock().head;
    assert!(head.height > stood.height, "{head:?}");
    assert_eq!(node.engine.lock().head.number, head.height);
}

#[tokio::test(start_paused = true)]
async fn a_promise_that_cannot_be_stored_ends_the_actor_and_is_never_seen() {
    let node = Node::new().await;
    let actor = node.start().await;
    node.pass_slots(3).await;
    *node.disk_fails.lock() = true;
    let before = node.disk.lock().clone();
    node.pass_slots(3).await;
    let after = node.disk.lock().clone();
    assert_eq!((before.head, before.promises), (after.head, after.promises));
    drop(actor);
}

#[tokio::test(start_paused = true)]
async fn while_storage_is_not_there_the_actor_says_that_it_is_starting_and_tries_again() {
    let node = Node::new().await;
    *node.disk_fails.lock() = true;
    let _actor = node.start().await;
    node.pass_slots(3).await;
    let ctx = Context::root(Duration::from_secs(1));
    let error = node.address.ask(ctx, |reply| ChainMessage::Status { reply }).await.unwrap_err();
    assert!(error.to_string().contains("still starting: the disk is gone"), "{error}");
    *node.disk_fails.lock() = false;
    node.pass_slots(3).await;
    assert!(node.disk.lock().head.height >= 2);
}
