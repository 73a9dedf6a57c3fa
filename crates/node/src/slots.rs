//! How each actor is started, and whom it may ask: asks go down, facts go up.

use std::{sync::Arc, time::Duration};

use alys_bus::{WorkerLimits, WorkerMode};
use alys_chain::{ChainActor, ChainArgs};
use alys_database::Backend;
use alys_federation::{FederationActor, FederationSetup, MemberKeys};
use alys_primitives::{ChainSpec, Slot};
use alys_rpc::{Execution, Neighbours, RpcActor, RpcArgs};
use alys_storage::{StorageActor, StorageArgs, StorageSetup};
use alys_supervisor::{ChildSpec, KeptWorker};

use crate::{
    builder::NodeError,
    config::NodeConfig,
    wiring::{FEDERATION, Wiring},
};

/// What the slots are filled from.
pub(crate) struct Parts {
    pub(crate) config: NodeConfig,
    pub(crate) spec: Arc<ChainSpec>,
}

/// How long a start may take that opens a database, which may have to be repaired after a crash: longer than the engine gives
/// itself, or the supervisor would end the repair first.
pub(crate) const OPENING: Duration = alys_engine::OPEN_WITHIN.saturating_add(Duration::from_secs(10));

impl Parts {
    pub(crate) fn new(config: NodeConfig, spec: ChainSpec) -> Self {
        Self { config, spec: Arc::new(spec) }
    }
}

/// Blocks and promises: two threads that the child spec keeps.
pub(crate) fn storage(wiring: &Wiring, parts: &Parts, may_have_voted: bool) -> Result<ChildSpec, NodeError> {
    let mut setup =
        StorageSetup::new(parts.config.storage.clone()).map_err(|e| NodeError::Setup(e.to_string()))?;
    if may_have_voted && let Some(slot) = votes_since(&parts.spec, wiring.clock.now_ms()) {
        if setup.is_new() {
            let place = match setup.config().backend {
                Backend::Memory => "(memory)".to_owned(),
                _ => setup.config().promises_path().display().to_string(),
            };
            return Err(NodeError::PromisesUnknown { place, chain: parts.spec.name.clone(), slot });
        }
        // Nor is one made when storage is started again.
        setup = setup.has_promised();
    }
    let (blocks, promises) = (KeptWorker::new(), KeptWorker::new());
    let (kept_blocks, kept_promises) = (blocks.clone(), promises.clone());
    Ok(ChildSpec::with_setup(&wiring.storage, move |feed| {
        let opened = promises.get_or_open(|| setup.open_promises()).and_then(|promises| {
            let blocks = blocks.get_or_open(|| setup.open_blocks())?;
            Ok(StorageArgs { blocks, promises, cache: setup.cache() })
        });
        async move { opened.map(|args| (StorageActor, (feed, args))) }
    })
    .start_within(OPENING)
    .keeps(&kept_blocks)
    .keeps(&kept_promises))
}

/// The slot that has begun, if members may have voted by now and what one forgot can harm.
///
/// Before slot 1 nobody votes. A member that is alone made its chain by itself and has lost it with its
/// disk: nobody is left whom a vote could mislead, or who could tell it where to go on.
fn votes_since(spec: &ChainSpec, now_ms: u64) -> Option<Slot> {
    spec.slots().slot_at(now_ms).filter(|slot| *slot > 0 && spec.members() > 1)
}

/// Members, keys, and the collecting of shares: the child spec keeps the thread, and what opens it anew.
pub(crate) fn federation(
    wiring: &Wiring,
    parts: &Parts,
    keys: Option<MemberKeys>,
) -> Result<ChildSpec, NodeError> {
    let (spec, config) = (Arc::clone(&parts.spec), parts.config.federation);
    let limits = WorkerLimits { normal: FEDERATION.normal, control: FEDERATION.control };
    let setup = FederationSetup::new(spec, keys, config, wiring.clock.clone())?.limits(limits);
    let thread = KeptWorker::new();
    let kept = thread.clone();
    Ok(ChildSpec::with_setup(&wiring.federation, move |feed| {
        let opened = thread.get_or_open(|| setup.open()).map(|worker| setup.args(worker));
        async move { opened.map(|args| (FederationActor, (feed, args))) }
    })
    .keeps(&kept))
}

/// Agreement: asks storage, engine and federation, by their control lanes. What wallets ask of the same actors, however much,
/// stands in the other.
pub(crate) fn chain(wiring: &Wiring, parts: &Parts) -> ChildSpec {
    let args = ChainArgs {
        spec: Arc::clone(&parts.spec),
        config: parts.config.chain,
        clock: wiring.clock.clone(),
        storage: wiring.storage.control(),
        engine: wiring.engine.control(),
        engine_health: Some(wiring.engine_health.reader()),
        federation: wiring.federation.control(),
        network: None,
        events: wiring.events.clone(),
        status: wiring.status.clone(),
        checks: WorkerMode::Thread,
    };
    ChildSpec::new(&wiring.chain, move |feed| (ChainActor, (feed, args.clone())))
        .depends_on("storage")
        .depends_on("engine")
        .depends_on("federation")
}

/// The RPC server: may ask anyone, and is stopped before all others.
pub(crate) fn rpc(wiring: &Wiring, parts: &Parts) -> ChildSpec {
    let args = RpcArgs {
        config: parts.config.rpc.clone(),
        chain_id: parts.spec.chain_id,
        client_version: client_version(),
        neighbours: Neighbours {
            engine: wiring.engine.clone(),
            chain: wiring.chain.clone(),
            supervisor: Some(wiring.supervisor.clone()),
        },
        execution: Execution {
            forward: parts.config.execution.is_forwarded(),
            health: Some(wiring.engine_health.reader()),
            status: Some(wiring.status.reader()),
        },
        bound: wiring.rpc_address.clone(),
    };
    ChildSpec::new(&wiring.rpc, move |feed| (RpcActor, (feed, args.clone())))
        .depends_on("chain")
        .depends_on("engine")
        .intake()
}

/// What `web3_clientVersion` says, in the shape other clients use.
fn client_version() -> String {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("alys/v{}/{os}-{arch}", env!("CARGO_PKG_VERSION"))
}
