//! A whole node in front of a client that answers as it is told, over a socket: what a client says when it
//! lies, refuses or falls silent costs this node slots, never a promise that does not hold, and a client's data
//! only where nothing else helps.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use alys_bus::{
    Event, Limits, Subscription,
    protocol::{StorageMessage, chain::ChainEvent, storage::Promises},
};
use alys_engine::{EngineActor, EngineArgs, RemoteClient, RemoteConfig};
use alys_engine_api::{ManagedProcess, WipeError};
use alys_node::Node;
use alys_supervisor::ChildSpec;
use futures::FutureExt as _;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    chain::{CHAIN_ID, in_memory, new_chain},
    fake::{Chain, Fake},
    server::{Reaction, Server, key},
    watch::{PATIENCE, Watch, ctx},
};

const FORKCHOICE: &str = "engine_forkchoiceUpdatedV3";
const NEW_PAYLOAD: &str = "engine_newPayloadV4";

/// What stands for the owner of the client's process.
struct Owner {
    chain: Arc<Mutex<Chain>>,
    /// What a wipe ends, beside the data.
    cures: Option<(Arc<Server>, &'static str)>,
    /// Wipes until the budget is spent.
    budget: usize,
    wipes: AtomicUsize,
}

impl ManagedProcess for Owner {
    fn wipe_and_restart(&self) -> Pin<Box<dyn Future<Output = Result<(), WipeError>> + Send + '_>> {
        Box::pin(async {
            if self.wipes.load(SeqCst) == self.budget {
                return Err(WipeError::Exhausted("begun anew often enough".into()));
            }
            self.wipes.fetch_add(1, SeqCst);
            self.chain.lock().wipe();
            if let Some((server, method)) = &self.cures {
                server.unset(method);
            }
            Ok(())
        })
    }
}

/// A node, the client in front of it, and the one who could wipe that.
struct Rig {
    watch: Watch,
    alarms: Subscription<ChainEvent>,
    server: Arc<Server>,
    chain: Arc<Mutex<Chain>>,
    owner: Arc<Owner>,
}

/// Whose the client is.
enum Whose {
    /// Somebody else's: never wiped.
    Another,
    /// This node's, with so many wipes; what a wipe cures.
    Ours { budget: usize, cures: Option<&'static str> },
}

impl Rig {
    /// Runs, with a first final block.
    async fn start(whose: Whose) -> Self {
        let (spec, keys) = new_chain();
        let genesis = spec.genesis().block.header.payload_hash;
        let Fake { server, chain } =
            Fake::on(0, Arc::new(Mutex::new(Chain::at_genesis(CHAIN_ID, genesis)))).await;
        // The clock is the machine's, the stand-in's stands still.
        server.set_key(None);
        let server = Arc::new(server);
        let (budget, cures) = match whose {
            Whose::Another => (0, None),
            Whose::Ours { budget, cures } => (budget, cures.map(|method| (Arc::clone(&server), method))),
        };
        let owner = Arc::new(Owner { chain: Arc::clone(&chain), cures, budget, wipes: AtomicUsize::new(0) });
        let managed =
            matches!(whose, Whose::Ours { .. }).then(|| Arc::clone(&owner) as Arc<dyn ManagedProcess>);
        let config = RemoteConfig {
            min_build: Duration::ZERO,
            probe_offline: Duration::from_millis(20),
            probe_online: Duration::from_millis(100),
            ..RemoteConfig::new(server.url(), key(), CHAIN_ID, genesis)
        };
        let node = Node::builder(in_memory(), spec).keys(keys).without_signals().engine(move |wiring| {
            let (clock, health) = (wiring.clock.clone(), wiring.engine_health.clone());
            let client = RemoteClient::new(config, clock, Limits::new(1024, 64), health, managed).unwrap();
            ChildSpec::new(&wiring.engine, move |feed| {
                (EngineActor::default(), EngineArgs { feed, client: client.clone() })
            })
        });
        let node = node.start().await.unwrap();
        let alarms = node.events();
        let mut watch = Watch::over(node).await;
        watch.next_final().await;
        Self { watch, alarms, server, chain, owner }
    }

    async fn alarm(&mut self) -> String {
        let alarm = async {
            loop {
                match self.alarms.next().await {
                    Some(Event::Event(ChainEvent::Alarm { what })) => return what,
                    Some(_) => {}
                    None => panic!("the node ended"),
                }
            }
        };
        timeout(PATIENCE, alarm).await.expect("an alarm")
    }

    async fn promises(&self) -> Promises {
        let ask = |reply| StorageMessage::LoadPromises { reply };
        *self.watch.node.wiring().storage.ask(ctx(), ask).await.unwrap()
    }

    /// Lets three slots pass, each of which would be this member's.
    async fn three_slots(&self) {
        let mut status = self.watch.node.wiring().status.reader();
        let until = status.get().slot + 3;
        timeout(PATIENCE, status.wait_for(|now| now.slot >= until)).await.expect("slots pass");
    }

    /// As the operator's last look: two more blocks, everything kept, an ordered stop.
    async fn goes_on(mut self) {
        self.watch.next_final().await;
        self.watch.next_final().await;
        self.watch.nothing_is_lost().await;
        self.watch.node.supervisor().stop("seen enough");
        let report = self.watch.node.stopped().await;
        assert!(report.is_success(), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn valid_but_old_head() {
    let mut rig = Rig::start(Whose::Another).await;
    rig.chain.lock().stays = true;
    let alarm = rig.alarm().await;
    assert!(alarm.contains("neither votes nor proposes") && alarm.contains("geth removedb"), "{alarm}");
    let before = rig.promises().await;
    rig.three_slots().await;
    assert_eq!(rig.promises().await, before, "nothing is promised on a head that was not read back");
    assert_eq!(rig.owner.wipes.load(SeqCst), 0);
    rig.chain.lock().stays = false;
    rig.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_refuses_every_head_is_begun_anew_once_and_follows_from_genesis() {
    let refusals = [
        (FORKCHOICE, Reaction::Error(-38002, "Invalid forkchoice state")),
        (
            FORKCHOICE,
            Reaction::Result(json!({ "payloadStatus": { "status": "INVALID" }, "payloadId": null })),
        ),
    ];
    for (method, refusal) in refusals {
        let rig = Rig::start(Whose::Ours { budget: 3, cures: Some(method) }).await;
        rig.server.set(method, refusal);
        let owner = Arc::clone(&rig.owner);
        rig.goes_on().await;
        assert_eq!(owner.wipes.load(SeqCst), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_finds_a_final_block_invalid_in_a_replay_is_begun_anew_once() {
    let rig = Rig::start(Whose::Ours { budget: 3, cures: Some(NEW_PAYLOAD) }).await;
    let invalid = json!({ "status": "INVALID", "latestValidHash": null, "validationError": "state root" });
    rig.server.set(NEW_PAYLOAD, Reaction::Result(invalid));
    rig.chain.lock().wipe();
    let owner = Arc::clone(&rig.owner);
    rig.goes_on().await;
    assert_eq!(owner.wipes.load(SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_budget_of_wipes_touches_nothing_and_raises_one_alarm() {
    let mut rig = Rig::start(Whose::Ours { budget: 1, cures: None }).await;
    rig.server.set(FORKCHOICE, Reaction::Error(-38002, "Invalid forkchoice state"));
    let alarm = rig.alarm().await;
    assert!(alarm.contains("-38002"), "{alarm}");
    let before = rig.promises().await;
    let asked = rig.server.count(FORKCHOICE);
    rig.three_slots().await;
    assert_eq!(rig.promises().await, before);
    assert_eq!(rig.owner.wipes.load(SeqCst), 1);
    while let Some(event) = rig.alarms.next().now_or_never() {
        assert!(!matches!(event, Some(Event::Event(ChainEvent::Alarm { .. }))), "one alarm, then {event:?}");
    }
    let again = async {
        while rig.server.count(FORKCHOICE) == asked {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, again).await.expect("it is tried for ever, and not in a hurry");
    rig.server.unset(FORKCHOICE);
    rig.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_in_a_replay_is_no_reason_to_throw_data_away() {
    let rig = Rig::start(Whose::Ours { budget: 3, cures: None }).await;
    rig.server.set(NEW_PAYLOAD, Reaction::Silence);
    rig.chain.lock().wipe();
    // Only a replay hands over the first block again.
    let replays = |rig: &Rig| {
        let first =
            |(method, params): &(String, Value)| method == NEW_PAYLOAD && params[0]["blockNumber"] == "0x1";
        rig.server.log().iter().filter(|asked| first(asked)).count()
    };
    let asked = replays(&rig);
    let silent = async {
        while replays(&rig) == asked {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, silent).await.expect("the first payload is handed over again");
    rig.server.unset(NEW_PAYLOAD);
    let owner = Arc::clone(&rig.owner);
    rig.goes_on().await;
    assert_eq!(owner.wipes.load(SeqCst), 0);
}
