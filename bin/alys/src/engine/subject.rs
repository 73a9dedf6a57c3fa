//! What is examined: the client at its port, and beside it embedded engines, which build what it must judge.
#![allow(
    clippy::panic,
    reason = "a sentence of the contract fails by panicking, and whoever examines it catches that"
)]

use std::{sync::Arc, time::Duration};

use alys_bus::{
    Address, Clock, Context, Latest, Limits, WorkerMode,
    protocol::engine::{EngineHealth, EngineMessage, Forkchoice, PayloadVerdict},
};
use alys_database::MemoryDisk;
use alys_engine::{
    EmbeddedClient, EmbeddedEngine, EngineConfig, ExecutionClient, GenesisBlock, RemoteClient, RemoteConfig,
    Rules,
};
use alys_engine_api::{Identity, JwtKey};
use alys_primitives::Block;
use alys_testkit::contract::{
    Subject,
    engine::{EngineSubject, spec},
};
use eyre::{WrapErr as _, ensure};

use super::{
    access,
    recording::{Blocks, Recording},
};
use crate::cli::EngineCheckArgs;

/// A client at its port.
pub(super) struct Target {
    config: RemoteConfig,
    blocks: Blocks,
}

const PATIENCE: Duration = Duration::from_secs(20);

impl Target {
    pub(super) fn new(args: &EngineCheckArgs) -> eyre::Result<Self> {
        let jwt = JwtKey::read(&args.jwt).wrap_err("--jwt")?;
        let spec = spec();
        let genesis = spec.genesis().block.header.payload_hash;
        let mut config = RemoteConfig::new(&args.url, jwt, spec.chain_id, genesis);
        config.public_url.clone_from(&args.http);
        Ok(Self { config, blocks: Blocks::default() })
    }

    fn client(&self) -> eyre::Result<RemoteClient> {
        let health = Latest::new(EngineHealth::default());
        let clock = Clock::system();
        Ok(RemoteClient::new(self.config.clone(), clock, Limits::default(), health, None)?)
    }

    /// Examines who is let in, and what is offered, as [`access::examine`] does.
    pub(super) async fn access(
        &self,
        tell: impl FnMut(&str, Result<(), &str>),
    ) -> eyre::Result<(usize, usize)> {
        access::examine(&self.config, self.client()?.api(), tell).await
    }

    /// Whether it is there, and this chain's at each port; its height.
    pub(super) async fn look(&self) -> eyre::Result<u64> {
        let client = self.client()?;
        let api = client.api();
        let identity = api.identity().await.wrap_err_with(|| format!("--url {}", self.config.url))?;
        self.is_ours("--url", &self.config.url, identity)?;
        let public = api.eth_port().url();
        if let Some(identity) = api.public_identity().await.wrap_err_with(|| format!("--http {public}"))? {
            self.is_ours("--http", public, identity)?;
        }
        Ok(api.head().await?.number)
    }

    fn is_ours(&self, flag: &str, url: &str, found: Identity) -> eyre::Result<()> {
        let (chain_id, genesis) = (self.config.chain_id, self.config.genesis);
        ensure!(
            found == Identity { chain_id, genesis },
            "{flag}: the client at {url} is of chain {} with genesis {}; examined is chain {chain_id} with genesis \
             {genesis}: start it with what `alys engine genesis` writes",
            found.chain_id,
            found.genesis
        );
        Ok(())
    }
}

/// One engine under the contract.
pub(super) struct Examined {
    address: Address<EngineMessage>,
    /// Ends the actor at once.
    kill: Kill,
    engine: Engine,
    blocks: Blocks,
}

/// Which engine it is.
#[derive(Clone)]
enum Engine {
    Client(Arc<RemoteConfig>),
    Embedded(MemoryDisk),
}

impl Examined {
    /// The client, where it stands now.
    pub(super) async fn client(target: &Target) -> Self {
        let engine = Engine::Client(Arc::new(target.config.clone()));
        Self::start(Address::new(Limits::default()), engine, target.blocks.clone()).await
    }

    async fn start(address: Address<EngineMessage>, engine: Engine, blocks: Blocks) -> Self {
        let kill = match &engine {
            Engine::Client(config) => {
                let health = Latest::new(EngineHealth::default());
                let config = config.as_ref().clone();
                let client = RemoteClient::new(config, Clock::system(), Limits::default(), health, None);
                let client = client.unwrap_or_else(|error| panic!("{error}"));
                spawn(&address, Recording { client, blocks: blocks.clone() }).await
            }
            Engine::Embedded(disk) => spawn(&address, embedded(disk)).await,
        };
        Self { address, kill, engine, blocks }
    }

    /// Judges and follows what leads to `head`.
    async fn bring_to(&self, blocks: &[Arc<Block>]) {
        for block in blocks {
            let (ctx, block) = (Context::root(PATIENCE), Arc::clone(block));
            let head = block.header.payload_hash;
            let verdict =
                self.address.ask(ctx, |reply| EngineMessage::ValidatePayload { block, reply }).await;
            if !matches!(verdict, Ok(PayloadVerdict::Valid(_))) {
                panic!("the embedded engine does not find {head} valid: {verdict:?}");
            }
            let choice = Forkchoice { head, ..Forkchoice::default() };
            let followed = self
                .address
                .ask(Context::root(PATIENCE), |reply| EngineMessage::ForkchoiceUpdate { choice, reply })
                .await;
            if let Err(error) = followed {
                panic!("the embedded engine does not follow {head}: {error}");
            }
        }
    }
}

type Kill = Box<dyn Fn() + Send + Sync>;

async fn spawn<C: ExecutionClient>(address: &Address<EngineMessage>, client: C) -> Kill {
    match alys_engine::spawn(address, None, client).await {
        Ok((actor, _)) => Box::new(move || actor.kill()),
        Err(error) => panic!("the engine does not start: {error}"),
    }
}

fn embedded(disk: &MemoryDisk) -> EmbeddedClient {
    let (config, disk) = (EngineConfig::default(), disk.clone());
    let limits = config.limits();
    EmbeddedClient::new(config, Clock::system(), WorkerMode::Thread, Limits::default(), move || {
        let rules = Rules::alys(spec().chain_id, spec().blocks.gas_limit);
        let genesis = GenesisBlock::new(&spec().execution_genesis_file(), &rules)?;
        EmbeddedEngine::open(disk.open()?, &genesis, rules, limits.clone())
    })
}

impl Subject<EngineMessage> for Examined {
    fn address(&self) -> Address<EngineMessage> {
        self.address.clone()
    }

    /// This side of it: the client's process is not in our hands.
    async fn restart(&mut self) {
        (self.kill)();
        self.address.unbind();
        let again = Self::start(self.address.clone(), self.engine.clone(), self.blocks.clone()).await;
        *self = again;
    }
}

impl EngineSubject for Examined {
    /// An embedded engine that stands where the client stands.
    async fn another(&self) -> Self {
        let head = self.address.ask(Context::root(PATIENCE), |reply| EngineMessage::Head { reply }).await;
        let blocks = head.map(|head| self.blocks.to(head.hash)).unwrap_or_default();
        let disk = Engine::Embedded(MemoryDisk::new());
        let another = Self::start(Address::new(Limits::default()), disk, Blocks::default()).await;
        another.bring_to(&blocks).await;
        another
    }
}

impl Drop for Examined {
    fn drop(&mut self) {
        (self.kill)();
    }
}
