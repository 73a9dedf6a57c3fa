//! How each actor is started, and whom it may ask: asks go down, facts go up.

use std::sync::Arc;

use alys_bus::{WorkerError, WorkerLimits, WorkerMode, WorkerStats};
use alys_chain::{ChainActor, ChainArgs};
use alys_database::{Backend, DatabaseConfig, MemoryDisk, open_with_snapshots};
use alys_engine::{
    EmbeddedClient, EmbeddedEngine, EngineActor, EngineArgs, GenesisBlock, Rules, SharedDatabase, StateError,
};
use alys_federation::{FederationActor, FederationArgs, MemberKeys, service::Federation};
use alys_primitives::ChainSpec;
use alys_rpc::{Execution, Neighbours, RpcActor, RpcArgs};
use alys_storage::{StorageActor, StorageArgs, StorageSetup};
use alys_supervisor::{ChildSpec, KeptThreads, KeptWorker};
use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::{
    builder::NodeError,
    config::NodeConfig,
    wiring::{ENGINE, FEDERATION, Wiring},
};

/// What the slots are filled from.
pub(crate) struct Parts {
    config: NodeConfig,
    spec: Arc<ChainSpec>,
}

impl Parts {
    pub(crate) fn new(config: NodeConfig, spec: ChainSpec) -> Self {
        Self { config, spec: Arc::new(spec) }
    }
}

/// Blocks and promises: two threads that the child spec keeps.
pub(crate) fn storage(wiring: &Wiring, parts: &Parts) -> Result<ChildSpec, NodeError> {
    let setup =
        StorageSetup::new(parts.config.storage.clone()).map_err(|e| NodeError::Setup(e.to_string()))?;
    let (blocks, promises) = (KeptWorker::new(), KeptWorker::new());
    let (kept_blocks, kept_promises) = (blocks.clone(), promises.clone());
    Ok(ChildSpec::with_setup(&wiring.storage, move |feed| {
        let opened = promises.get_or_open(|| setup.open_promises()).and_then(|promises| {
            let blocks = blocks.get_or_open(|| setup.open_blocks())?;
            Ok(StorageArgs { blocks, promises, cache: setup.cache() })
        });
        async move { opened.map(|args| (StorageActor, (feed, args))) }
    })
    .keeps(&kept_blocks)
    .keeps(&kept_promises))
}

/// The embedded engine's threads, for the supervisor.
struct EngineThreads(EmbeddedClient);

impl KeptThreads for EngineThreads {
    fn stats(&self) -> Vec<WorkerStats> {
        self.0.observers().iter().map(alys_bus::WorkerObserver::stats).collect()
    }

    fn stop(&self, deadline: Instant) -> BoxFuture<'static, Result<(), WorkerError>> {
        let client = self.0.clone();
        Box::pin(async move { client.stop(deadline).await })
    }
}

/// The execution client.
pub(crate) fn engine(wiring: &Wiring, parts: &Parts) -> Result<ChildSpec, NodeError> {
    let (spec, config) = (&parts.spec, &parts.config);
    let rules = Rules::alys(spec.chain_id, spec.blocks.gas_limit);
    let genesis = GenesisBlock::new(&spec.execution_genesis_file(), &rules)
        .map_err(|error| NodeError::Setup(format!("the execution genesis: {error}")))?;
    let here = spec.genesis().block.header.payload_hash;
    if genesis.hash() != here {
        let text = format!("the embedded engine's genesis is {}, the spec's {here}", genesis.hash());
        return Err(NodeError::Setup(text));
    }
    // Memory outlives the engine's threads as a disk does.
    let memory = config.is_in_memory().then(MemoryDisk::new);
    let database = DatabaseConfig::new(Backend::Redb, config.engine_path());
    let limits = config.engine.limits();
    let open = move || {
        let failed = |error| StateError::from(error);
        match &memory {
            Some(memory) => {
                let database = SharedDatabase(Arc::new(memory.open().map_err(failed)?));
                EmbeddedEngine::open(database, &genesis, rules.clone(), limits.clone())
            }
            None => {
                let database = SharedDatabase(open_with_snapshots(&database).map_err(failed)?);
                EmbeddedEngine::open(database, &genesis, rules.clone(), limits.clone())
            }
        }
    };
    let mode = WorkerMode::Thread;
    let client = EmbeddedClient::new(config.engine.clone(), wiring.clock.clone(), mode, ENGINE, open);
    let threads = EngineThreads(client.clone());
    let start = move |feed| (EngineActor::default(), EngineArgs { feed, client: client.clone() });
    Ok(ChildSpec::new(&wiring.engine, start).keeps_threads(threads))
}

/// Members, keys, and the collecting of shares.
pub(crate) fn federation(
    wiring: &Wiring,
    parts: &Parts,
    keys: Option<MemberKeys>,
) -> Result<ChildSpec, NodeError> {
    let federation = Federation::new(&parts.spec, keys, &parts.config.federation)?;
    let limits = WorkerLimits { normal: FEDERATION.normal, control: FEDERATION.control };
    let args = FederationArgs::start(
        federation,
        parts.spec.slots(),
        wiring.clock.clone(),
        limits,
        WorkerMode::Thread,
    )
    .map_err(|error| NodeError::Setup(error.to_string()))?;
    Ok(ChildSpec::new(&wiring.federation, move |feed| (FederationActor, (feed, args.clone()))))
}

/// Agreement: asks storage, engine and federation.
pub(crate) fn chain(wiring: &Wiring, parts: &Parts) -> ChildSpec {
    let args = ChainArgs {
        spec: Arc::clone(&parts.spec),
        config: parts.config.chain,
        clock: wiring.clock.clone(),
        storage: wiring.storage.clone(),
        engine: wiring.engine.clone(),
        engine_health: Some(wiring.engine_health.reader()),
        federation: wiring.federation.clone(),
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
        execution: Execution::default(),
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
