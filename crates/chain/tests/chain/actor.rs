//! The real actor of a federation of one, beside a storage, a client and a signer that answer by
//! themselves.

use std::{sync::Arc, time::Duration};

use alys_bus::{
    Address, Context, Latest, Limits, Topic, WorkerMode,
    protocol::{
        chain::{ChainEvent, ChainMessage, ChainStatus, SyncState},
        engine::{EngineError, EngineHealth, EngineMessage},
        federation::FederationMessage,
        network::{NetworkMessage, Source},
        storage::{StorageError, StorageMessage},
    },
};
use alys_chain::{ChainArgs, ChainConfig, spawn};
use alys_primitives::{ChainSpec, SignedProposal};
use alys_testkit::{Probe, Stub, TestClock, within};
use parking_lot::Mutex;

use crate::support::{Disk, Factory, FakeEngine, GENESIS_MS, SingleKey, spec};

/// A node of one member, with what its neighbours hold.
struct Node {
    spec: Arc<ChainSpec>,
    keys: SingleKey,
    disk: Arc<Mutex<Disk>>,
    engine: Arc<Mutex<FakeEngine>>,
    /// Whether the disk refuses everything.
    disk_fails: Arc<Mutex<bool>>,
    /// Whether no promise can be made durable.
    promises_fail: Arc<Mutex<bool>>,
    /// Whether the client refuses everything.
    engine_fails: Arc<Mutex<bool>>,
    /// How the client fares.
    health: Latest<EngineHealth>,
    time: TestClock,
    address: Address<ChainMessage>,
    args: ChainArgs,
    _neighbours: (Stub<StorageMessage>, Stub<EngineMessage>, Stub<FederationMessage>),
}

impl Node {
    /// All of it, but for the actor.
    async fn new() -> Self {
        Self::of(1, None).await
    }

    /// Member 0 of `members`.
    async fn of(members: usize, network: Option<Address<NetworkMessage>>) -> Self {
        let spec = spec(members);
        let genesis_payload = spec.genesis().block.header.payload_hash;
        let disk = Arc::new(Mutex::new(Disk::default()));
        let engine = Arc::new(Mutex::new(FakeEngine::new(genesis_payload, 1)));
        let (disk_fails, engine_fails) = (Arc::new(Mutex::new(false)), Arc::new(Mutex::new(false)));
        let promises_fail = Arc::new(Mutex::new(false));
        let storage = storage(Arc::clone(&disk), Arc::clone(&disk_fails), Arc::clone(&promises_fail)).await;
        let client = client(Arc::clone(&engine), Arc::clone(&engine_fails)).await;
        let keys = SingleKey::new(spec.chain_id, members);
        let federation = federation(keys.clone()).await;
        let time = TestClock::at(GENESIS_MS);
        let health = Latest::new(EngineHealth::Synced);
        let args = ChainArgs {
            spec: Arc::clone(&spec),
            config: ChainConfig::default(),
            clock: time.clock(),
            storage: storage.address(),
            engine: client.address(),
            engine_health: Some(health.reader()),
            federation: federation.address(),
            network,
            events: Topic::new(256),
            status: Latest::new(ChainStatus::default()),
            checks: WorkerMode::Inline,
        };
        let address = Address::new(Limits::default());
        let _neighbours = (storage, client, federation);
        Self {
            spec,
            keys,
            disk,
            engine,
            disk_fails,
            promises_fail,
            engine_fails,
            health,
            time,
            address,
            args,
            _neighbours,
        }
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

async fn storage(
    disk: Arc<Mutex<Disk>>,
    fails: Arc<Mutex<bool>>,
    promises_fail: Arc<Mutex<bool>>,
) -> Stub<StorageMessage> {
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
            StorageMessage::PersistPromises { promises, reply } => {
                reply.send(if fails || *promises_fail.lock() {
                    Err(io())
                } else {
                    disk.promises = *promises;
                    Ok(())
                })
            }
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
            EngineMessage::BlockBy { at, reply, .. } => {
                let number = at.as_u64().expect("chain asks by number");
                let block = engine.block_at(number).map(|hash| {
                    let header = alloy_rpc_types_eth::Header { hash, ..Default::default() };
                    Box::new(alloy_rpc_types_eth::Block { header, ..Default::default() })
                });
                reply.send(Ok(block));
            }
            EngineMessage::Reset { reply } => reply.send(if engine.managed {
                engine.reset();
                Ok(())
            } else {
                Err(EngineError::NotManaged("remove its data, start it again".to_owned()))
            }),
            other => alys_bus::unsupported(other),
        }
    })
    .await
}

async fn federation(keys: SingleKey) -> Stub<FederationMessage> {
    Stub::start(move |message, _| match message {
        FederationMessage::Members { reply } => reply.send(Ok(Box::new(keys.members()))),
        FederationMessage::RecallPromises { reply, .. } => reply.send(Ok(())),
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
async fn a_client_that_was_out_of_reach_is_brought_to_the_head_before_the_next_slot() {
    let node = Node::new().await;
    let _actor = node.start().await;
    node.pass_slots(5).await;
    let head = node.disk.lock().head;
    node.engine.lock().forget();
    node.health.set(EngineHealth::Offline);
    node.health.set(EngineHealth::Synced);
    node.time.pass(Duration::from_millis(10)).await;
    assert_eq!(node.engine.lock().head.number, head.height);
    assert_eq!(node.disk.lock().head, head, "there was no new block that led it there");
}

#[tokio::test(start_paused = true)]
async fn a_promise_that_cannot_be_stored_ends_the_actor_and_is_never_seen() {
    let mut network = Probe::<NetworkMessage>::start().await;
    let node = Node::of(1, Some(network.address())).await;
    let (_actor, ended) = spawn(&node.address, None, node.args.clone()).await.unwrap();
    node.pass_slots(3).await;
    while network.try_next().is_some() {}
    *node.promises_fail.lock() = true;
    let before = node.disk.lock().promises.clone();
    within(ended).await.unwrap();
    assert_eq!(node.disk.lock().promises, before);
    while let Some((message, _)) = network.try_next() {
        assert!(!matches!(message, NetworkMessage::BroadcastBlock { .. }), "{message:?}");
        if let NetworkMessage::BroadcastVote { vote } = message {
            let promised = [before.notarize.as_ref(), before.finalize.as_ref()];
            assert!(promised.contains(&Some(&*vote)), "{vote:?} was not durable");
        }
    }
    // The next incarnation goes on from the disk.
    *node.promises_fail.lock() = false;
    node.address.unbind();
    let _again = node.start().await;
    let height = node.disk.lock().head.height;
    node.pass_slots(3).await;
    assert!(node.disk.lock().head.height > height);
}

#[tokio::test(start_paused = true)]
async fn blocks_that_cannot_be_stored_wait_and_the_chain_goes_on_when_they_can() {
    let node = Node::new().await;
    let _actor = node.start().await;
    node.pass_slots(3).await;
    *node.disk_fails.lock() = true;
    let before = node.disk.lock().clone();
    node.pass_slots(3).await;
    let after = node.disk.lock().clone();
    assert_eq!((before.head, before.promises), (after.head, after.promises));
    assert!(node.status().last_miss.is_some_and(|why| why.contains("not durable in time")));
    *node.disk_fails.lock() = false;
    node.pass_slots(3).await;
    assert!(node.disk.lock().head.height > before.head.height);
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
    assert_eq!((node.status().sync, node.status().chain.as_str()), (SyncState::Starting, "test"));
    *node.disk_fails.lock() = false;
    node.pass_slots(3).await;
    assert!(node.disk.lock().head.height >= 2);
}

#[tokio::test(start_paused = true)]
async fn valid_but_old_head_a_client_that_falls_back_by_itself_is_replayed() {
    let node = Node::new().await;
    let _actor = node.start().await;
    node.pass_slots(6).await;
    // It answers everything as before, and stands at genesis again.
    node.engine.lock().forget();
    node.pass_slots(3).await;
    let head = node.disk.lock().head;
    assert!(head.height >= 7, "{head:?}");
    assert_eq!(node.engine.lock().head.number, head.height);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_fell_back_is_given_the_payloads_that_it_lacks_and_no_others() {
    let node = Node::new().await;
    let _actor = node.start().await;
    node.pass_slots(40).await;
    {
        let mut engine = node.engine.lock();
        engine.fall_back(33);
        engine.judged = 0;
    }
    node.pass_slots(3).await;
    let engine = node.engine.lock();
    let height = node.disk.lock().head.height;
    assert_eq!(engine.head.number, height);
    assert!(height > 40, "{height}");
    // A new block was judged in vain before it was noticed that the client had fallen back.
    let lacked = height - 33;
    assert!(engine.judged <= lacked + 3, "{} judgements for {lacked} payloads", engine.judged);
}

#[tokio::test(start_paused = true)]
async fn a_stuck_client_in_this_nodes_hands_begins_at_genesis_again_and_is_replayed() {
    let node = Node::new().await;
    node.engine.lock().managed = true;
    let _actor = node.start().await;
    node.pass_slots(6).await;
    node.engine.lock().forget();
    node.engine.lock().stuck = true;
    node.pass_slots(5).await;
    let (head, engine) = (node.disk.lock().head, node.engine.lock());
    assert_eq!((engine.resets, engine.head.number), (1, head.height));
    assert!(head.height >= 8, "{head:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stuck_client_of_an_operator_raises_one_alarm_with_the_remedy_and_nothing_is_voted_for() {
    let node = Node::new().await;
    let mut events = node.args.events.subscribe();
    let _actor = node.start().await;
    node.pass_slots(6).await;
    {
        let mut engine = node.engine.lock();
        engine.forget();
        engine.stuck = true;
    }
    node.pass_slots(3).await;
    let promised = node.disk.lock().promises.clone();
    node.pass_slots(20).await;
    assert_eq!(node.disk.lock().promises, promised, "no vote while the client stands elsewhere");
    let mut alarms = Vec::new();
    while let Some(alys_bus::Event::Event(event)) = events.try_next() {
        if let ChainEvent::Alarm { what } = event {
            alarms.push(what);
        }
    }
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    assert!(alarms[0].contains("remove its data, start it again"), "{alarms:?}");
    // The operator does so; nothing else is needed.
    node.engine.lock().reset();
    node.pass_slots(3).await;
    assert!(node.disk.lock().head.height > 7);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stands_elsewhere_at_the_start_is_replayed_before_any_vote() {
    let node = Node::new().await;
    let actor = node.start().await;
    node.pass_slots(6).await;
    actor.kill();
    node.address.unbind();
    node.engine.lock().forget();
    *node.engine_fails.lock() = true;
    let promised = node.disk.lock().promises.clone();
    let _again = node.start().await;
    node.pass_slots(4).await;
    assert_eq!(node.disk.lock().promises, promised, "no vote while the client is away");
    *node.engine_fails.lock() = false;
    node.pass_slots(3).await;
    assert!(node.disk.lock().head.height > 6);
}

#[tokio::test(start_paused = true)]
async fn another_chain_in_storage_ends_the_actor() {
    let node = Node::new().await;
    let actor = node.start().await;
    node.pass_slots(2).await;
    actor.kill();
    let mut args = node.args.clone();
    let mut spec = (*node.spec).clone();
    spec.name = "another".to_owned();
    args.spec = Arc::new(spec);
    let (_actor, ended) = spawn(&Address::new(Limits::default()), None, args).await.unwrap();
    within(ended).await.unwrap();
}

/// A block of member 1 in slot 1, as it would sign it.
fn block_of_slot_1(node: &Node) -> Arc<SignedProposal> {
    let mut factory = Factory::new(4);
    let block = factory.block(factory.genesis, 1).block.clone();
    let signature = node.keys.proposal(&block.header);
    Arc::new(SignedProposal { block, signature })
}

#[tokio::test(start_paused = true)]
async fn a_members_vote_and_its_certificates_go_out_by_the_network_and_bad_copies_are_blamed() {
    let mut network = Probe::<NetworkMessage>::start().await;
    let node = Node::of(4, Some(network.address())).await;
    let _actor = node.start().await;
    node.time.pass(Duration::from_millis(2100)).await;

    let proposal = block_of_slot_1(&node);
    let mut poisoned = (*proposal).clone();
    poisoned.block.payload.payload_inner.payload_inner.gas_used += 1;
    let source = Some(Source(3));
    let tell = |proposal| {
        let ctx = Context::root(Duration::from_secs(1));
        node.address.control().try_tell(ctx, ChainMessage::Proposal { proposal, source }).unwrap();
    };
    tell(Arc::new(poisoned));
    let blamed = network.find("blame", |message| match message {
        NetworkMessage::BlamePeer { source, .. } => Some(source),
        _ => None,
    });
    assert_eq!(blamed.await, Source(3));

    let hash = proposal.block.hash();
    tell(proposal);
    let voted = network.find("a vote", |message| match message {
        NetworkMessage::BroadcastVote { vote } => Some(vote.vote.data.block),
        _ => None,
    });
    assert_eq!(voted.await, hash);
    assert_eq!(node.disk.lock().promises.notarize.as_ref().map(|vote| vote.vote.data.block), Some(hash));
    let certified = network.find("a certificate", |message| match message {
        NetworkMessage::BroadcastCertificate { certificate } => Some(certificate.data.block),
        _ => None,
    });
    assert_eq!(certified.await, hash);
}
