//! The EVM of this process.

use std::sync::Arc;

use alys_bus::{WorkerError, WorkerMode, WorkerStats};
use alys_database::{Backend, DatabaseConfig, MemoryDisk, Snapshots, open_with_snapshots, set_aside};
use alys_engine::{EmbeddedClient, EmbeddedEngine, EngineActor, EngineArgs, GenesisBlock, Rules, StateError};
use alys_supervisor::{ChildSpec, HealthLimits, KeptThreads};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{
    builder::NodeError,
    slots::{OPENING, Parts},
    wiring::{ENGINE, Wiring},
};

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

pub(super) fn engine(wiring: &Wiring, parts: &Parts) -> Result<ChildSpec, NodeError> {
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
    let memory = config.is_in_memory().then(|| Arc::new(Mutex::new(MemoryDisk::new())));
    let database = DatabaseConfig::new(Backend::Redb, config.engine_path());
    let (others, path) = (memory.clone(), database.clone());
    let aside = move || {
        match &others {
            Some(memory) => *memory.lock() = MemoryDisk::new(),
            None => {
                if let Some(path) = set_aside(&path).map_err(StateError::from)? {
                    let path = path.display();
                    tracing::warn!(%path, "here is what the engine's database was; it may be removed");
                }
            }
        }
        Ok(())
    };
    let limits = config.engine.limits();
    let open = move || {
        let opened: Result<Arc<dyn Snapshots>, _> = match &memory {
            Some(memory) => memory.lock().open().map(|database| Arc::new(database) as _),
            None => open_with_snapshots(&database),
        };
        EmbeddedEngine::open(opened.map_err(StateError::from)?, &genesis, rules.clone(), limits.clone())
    };
    let mode = WorkerMode::Thread;
    let client = EmbeddedClient::new(config.engine.clone(), wiring.clock.clone(), mode, ENGINE, open)
        .begins_anew_by(aside);
    let threads = EngineThreads(client.clone());
    let start = move |feed| (EngineActor::default(), EngineArgs { feed, client: client.clone() });
    let health = HealthLimits { thread: OPENING, ..HealthLimits::default() };
    Ok(ChildSpec::new(&wiring.engine, start).keeps_threads(threads).start_within(OPENING).health(health))
}
