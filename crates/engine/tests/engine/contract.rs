//! The public contract of the protocol, for the embedded engine.

use alys_bus::{Address, Clock, Inbox, Limits, WorkerMode};
use alys_database::MemoryDisk;
use alys_engine::messages::{EngineMessage, EnginePrivate};
use alys_engine::{EmbeddedClient, EmbeddedEngine, EngineConfig, GenesisBlock, Rules};
use alys_testkit::contract::{
    Subject,
    engine::{EngineSubject, spec},
};
use ractor::ActorRef;
use tokio::task::JoinHandle;

type Running = (ActorRef<Inbox<EngineMessage, EnginePrivate>>, JoinHandle<()>);

/// The engine actor over a database in memory, which outlives it as a disk would.
struct Ours {
    address: Address<EngineMessage>,
    disk: MemoryDisk,
    client: EmbeddedClient,
    running: Option<Running>,
}

fn client(disk: &MemoryDisk) -> EmbeddedClient {
    let (config, disk) = (EngineConfig::default(), disk.clone());
    let limits = config.limits();
    let clock = Clock::at(spec().blocks.genesis_ms);
    EmbeddedClient::new(config, clock, WorkerMode::Thread, Limits::default(), move || {
        let rules = Rules::alys(spec().chain_id, spec().blocks.gas_limit);
        let genesis = GenesisBlock::new(&spec().execution_genesis_file(), &rules)?;
        EmbeddedEngine::open(disk.open()?, &genesis, rules, limits.clone())
    })
}

impl Ours {
    async fn start() -> Self {
        let disk = MemoryDisk::new();
        let client = client(&disk);
        let address = Address::new(Limits::default());
        let running = Some(alys_engine::spawn(&address, None, client.clone()).await.unwrap());
        Self { address, disk, client, running }
    }

    /// The actor by a kill, its threads in order: they hold the database.
    async fn end(&mut self) {
        if let Some((actor, ended)) = self.running.take() {
            actor.kill();
            ended.await.unwrap();
        }
        let deadline = alys_bus::Context::root(alys_testkit::PATIENCE).deadline;
        self.client.stop(deadline).await.unwrap();
    }
}

impl Subject<EngineMessage> for Ours {
    fn address(&self) -> Address<EngineMessage> {
        self.address.clone()
    }

    async fn restart(&mut self) {
        self.end().await;
        self.client = client(&self.disk);
        self.running = Some(alys_engine::spawn(&self.address, None, self.client.clone()).await.unwrap());
    }
}

impl EngineSubject for Ours {
    async fn another(&self) -> Self {
        Self::start().await
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        if let Some((actor, _)) = &self.running {
            actor.kill();
        }
    }
}

alys_testkit::engine_contract!(Ours::start);
