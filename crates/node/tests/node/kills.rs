//! Each actor killed, and panicking, in turn while the chain runs.
//!
//! The slots are filled by hand from public parts, each actor in a wrapper that lets the test kill it.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::SeqCst},
};

use alys_bus::WorkerMode;
use alys_chain::{ChainActor, ChainArgs, ChainConfig};
use alys_database::MemoryDisk;
use alys_engine::{
    EmbeddedClient, EmbeddedEngine, EngineActor, EngineArgs, EngineConfig, GenesisBlock, Rules,
};
use alys_federation::{FederationActor, FederationArgs, FederationConfig, service::Federation};
use alys_node::Node;
use alys_rpc::{Execution, Neighbours, RpcActor, RpcArgs, RpcMessage};
use alys_storage::{StorageActor, StorageArgs, StorageConfig, StorageSetup};
use alys_supervisor::{ActorHealth, ActorState, ChildSpec};
use parking_lot::Mutex;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef};

use crate::{
    chain::{CHAIN_ID, in_memory, new_chain},
    watch::{Watch, ctx, rpc},
};

/// Where the test finds the running incarnation of an actor.
#[derive(Clone, Default)]
struct Grip {
    running: Arc<Mutex<Option<ActorCell>>>,
    /// At how many turns from now it panics; 0 is never.
    panics: Arc<AtomicU32>,
}

impl Grip {
    /// Kills it at its next await, whatever it is doing.
    fn kill(&self) {
        self.running.lock().take().expect("it runs").kill();
    }

    /// Lets it panic when it is handed its `turn`-th message from now, whatever that is.
    fn panic_at(&self, turn: u32) {
        self.panics.store(turn, SeqCst);
    }

    fn turn(&self) {
        let next = |turns: u32| turns.checked_sub(1);
        assert_ne!(self.panics.fetch_update(SeqCst, SeqCst, next), Ok(1), "a panic of the test's");
    }

    fn around<A: Actor>(&self, actor: A) -> Gripped<A> {
        Gripped { actor, grip: self.clone() }
    }
}

/// An actor as it is, but for the grip on it.
struct Gripped<A> {
    actor: A,
    grip: Grip,
}

impl<A: Actor> Actor for Gripped<A> {
    type Msg = A::Msg;
    type State = A::State;
    type Arguments = A::Arguments;

    async fn pre_start(
        &self,
        me: ActorRef<Self::Msg>,
        args: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        *self.grip.running.lock() = Some(me.get_cell());
        self.actor.pre_start(me, args).await
    }

    async fn handle(
        &self,
        me: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        self.grip.turn();
        self.actor.handle(me, message, state).await
    }

    async fn post_stop(
        &self,
        me: ActorRef<Self::Msg>,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        self.actor.post_stop(me, state).await
    }
}

/// A node whose actors can be killed, and the grips on them, by name.
async fn killable_node() -> (Node, Vec<(&'static str, Grip)>) {
    let (spec, keys) = new_chain();
    let names = ["storage", "engine", "federation", "chain", "rpc"];
    let grips: Vec<_> = names.map(|name| (name, Grip::default())).into();
    let [storage, engine, federation, chain, rpc] = [0, 1, 2, 3, 4].map(|at: usize| grips[at].1.clone());

    let args = StorageArgs::open(&StorageSetup::new(StorageConfig::memory()).unwrap()).unwrap();
    let builder = Node::builder(in_memory(), spec.clone()).without_signals().storage(move |wiring| {
        ChildSpec::new(&wiring.storage, move |feed| (storage.around(StorageActor), (feed, args.clone())))
    });

    let (disk, of) = (MemoryDisk::new(), spec.clone());
    let builder = builder.engine(move |wiring| {
        let (config, clock) = (EngineConfig::default(), wiring.clock.clone());
        let (limits, bus) = (config.limits(), alys_bus::Limits::new(1024, 64));
        let client = EmbeddedClient::new(config, clock, WorkerMode::Thread, bus, move || {
            let rules = Rules::alys(of.chain_id, of.blocks.gas_limit);
            let genesis = GenesisBlock::new(&of.execution_genesis_file(), &rules)?;
            EmbeddedEngine::open(disk.open()?, &genesis, rules, limits.clone())
        });
        ChildSpec::new(&wiring.engine, move |feed| {
            (engine.around(EngineActor::default()), EngineArgs { feed, client: client.clone() })
        })
    });

    let core = Federation::new(&spec, Some(keys), &FederationConfig::default()).unwrap();
    let slots = spec.slots();
    let builder = builder.federation(move |wiring| {
        let (clock, mode) = (wiring.clock.clone(), WorkerMode::Thread);
        let args = FederationArgs::start(core, slots, clock, Default::default(), mode).unwrap();
        ChildSpec::new(&wiring.federation, move |feed| {
            (federation.around(FederationActor), (feed, args.clone()))
        })
    });

    let spec = Arc::new(spec);
    let builder = builder.chain(move |wiring| {
        let args = ChainArgs {
            spec,
            config: ChainConfig::default(),
            clock: wiring.clock.clone(),
            storage: wiring.storage.clone(),
            engine: wiring.engine.clone(),
            engine_health: None,
            federation: wiring.federation.clone(),
            network: None,
            events: wiring.events.clone(),
            status: wiring.status.clone(),
            checks: WorkerMode::Thread,
        };
        ChildSpec::new(&wiring.chain, move |feed| (chain.around(ChainActor), (feed, args.clone())))
            .depends_on("storage")
            .depends_on("engine")
            .depends_on("federation")
    });

    let config = in_memory().rpc;
    let builder = builder.rpc(move |wiring| {
        let args = RpcArgs {
            config,
            chain_id: CHAIN_ID,
            client_version: "alys/test".to_owned(),
            neighbours: Neighbours {
                engine: wiring.engine.clone(),
                chain: wiring.chain.clone(),
                supervisor: Some(wiring.supervisor.clone()),
            },
            execution: Execution::default(),
            bound: wiring.rpc_address.clone(),
        };
        ChildSpec::new(&wiring.rpc, move |feed| (rpc.around(RpcActor), (feed, args.clone()))).intake()
    });
    (builder.start().await.unwrap(), grips)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_goes_on_after_each_actor_is_killed_and_no_final_block_is_lost() {
    let (node, grips) = killable_node().await;
    let mut watch = Watch::over(node).await;
    let client = reqwest::Client::new();
    watch.next_final().await;
    for (name, grip) in &grips {
        grip.kill();
        // Meanwhile wallets get an answer, or an error that says "not now"; nothing else.
        for method in ["eth_blockNumber", "alys_status"].repeat(4) {
            match rpc(&client, &watch.node, method).await {
                Some(answer) => assert_is_answer_or_not_now(&answer),
                None => assert_eq!(*name, "rpc", "nobody answered while {name} was down"),
            }
        }
        watch.next_final().await;
        watch.next_final().await;
        watch.nothing_is_lost().await;
    }
    let health = watch.node.supervisor().health();
    for (name, _) in &grips {
        let actor = health.iter().find(|actor| actor.actor == *name).unwrap();
        // The chain also ends by itself where it cannot know what became of a promise: storage's end may be one.
        let most = if *name == "chain" { 2 } else { 1 };
        assert!((1..=most).contains(&actor.restarts) && actor.last_end.is_some(), "{actor:?}");
    }
    watch.node.supervisor().stop("seen enough");
    let report = watch.node.stopped().await;
    assert!(report.is_success(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_goes_on_after_a_panic_of_any_actor_at_any_message_and_no_final_block_is_lost() {
    let (node, grips) = killable_node().await;
    let mut watch = Watch::over(node).await;
    watch.next_final().await;
    // Five restarts a minute are an actor's budget, and chain may end by itself where storage does.
    for turn in [1, 3] {
        for (name, grip) in &grips {
            let restarts = |all: &Vec<ActorHealth>| {
                let found = all.iter().find(|actor| actor.actor == *name).unwrap();
                (found.restarts, found.state == ActorState::Running)
            };
            let mut health = watch.node.supervisor().watch();
            let before = restarts(&health.get()).0;
            grip.panic_at(turn);
            let again = health.wait_for(|all| {
                let (now, runs) = restarts(all);
                now > before && runs
            });
            // Wallets do not go through the actor: it is given something to do.
            let asks = async {
                loop {
                    let asked =
                        watch.node.wiring().rpc.ask(ctx(), |reply| RpcMessage::BoundAddress { reply });
                    let _ = asked.await;
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                () = asks => {}
                again = tokio::time::timeout_at(ctx().deadline, again) => drop(again.unwrap().unwrap()),
            }
            watch.next_final().await;
        }
        watch.nothing_is_lost().await;
    }
    watch.node.supervisor().stop("seen enough");
    let report = watch.node.stopped().await;
    assert!(report.is_success(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_killed_again_and_again_stops_the_node_in_order_with_the_reason() {
    let (node, grips) = killable_node().await;
    let watch = Watch::over(node).await;
    let (name, federation) = &grips[2];
    let mut health = watch.node.supervisor().watch();
    // The first six ends spend the budget of five restarts.
    for restarts in 0..6 {
        let running = |all: &Vec<ActorHealth>| {
            all.iter().any(|actor| {
                actor.actor == *name && actor.restarts == restarts && actor.state == ActorState::Running
            })
        };
        let waited = health.wait_for(running);
        tokio::time::timeout_at(ctx().deadline, waited).await.unwrap().unwrap();
        federation.kill();
    }
    let report = watch.node.stopped().await;
    assert_eq!(report.exit_code(), 1);
    let last = report.to_string().lines().last().unwrap().to_owned();
    assert!(last.contains("federation ended again after 5 restarts"), "{last}");
}

fn assert_is_answer_or_not_now(answer: &str) {
    let not_now = answer.contains(r#""error""#) && answer.contains("-32002");
    assert!(answer.contains(r#""result""#) || not_now, "{answer}");
}
