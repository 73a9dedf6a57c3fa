//! Engine actors with real clients of their own: Geth, EthereumJS and Reth.

use alys_bus::protocol::engine::EngineHealth;
use alys_bus::{Address, Clock, Inbox, Latest, Limits};
use alys_engine::messages::{EngineMessage, EnginePrivate};
use alys_engine::{RemoteClient, RemoteConfig};
use alys_engine_api::JwtKey;
use alys_peers::launch::{Client, EthereumJs, Geth, Reth};
use alys_testkit::contract::{
    Subject,
    engine::{EngineSubject, spec},
};
use ractor::ActorRef;
use tokio::task::JoinHandle;

type Running = (ActorRef<Inbox<EngineMessage, EnginePrivate>>, JoinHandle<()>);

/// Which client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Geth,
    /// Killed by SIGKILL, and started again over the same data, where a sentence restarts the engine.
    GethKilled,
    EthereumJs,
    /// Which Alys does not install.
    Reth,
}

/// The engine actor with a client of its own.
pub(super) struct Real {
    pub(super) address: Address<EngineMessage>,
    pub(super) client: Client,
    pub(super) health: Latest<EngineHealth>,
    kind: Kind,
    running: Option<Running>,
    _folder: tempfile::TempDir,
}

/// How `client` is reached, and what it must be.
pub(super) fn config(client: &Client) -> RemoteConfig {
    let genesis = spec().genesis().block.header.payload_hash;
    let key = JwtKey::read(&client.jwt()).unwrap();
    RemoteConfig {
        public_url: Some(client.public_url()),
        // A client on a busy machine may take seconds for an answer.
        timeout_multiplier: 4.0,
        ..RemoteConfig::new(client.engine_url(), key, spec().chain_id, genesis)
    }
}

pub(super) fn remote(config: RemoteConfig, health: &Latest<EngineHealth>) -> RemoteClient {
    RemoteClient::new(config, Clock::system(), Limits::default(), health.clone(), None).unwrap()
}

impl Kind {
    /// Whether it is installed; where it must be, its absence is a failure.
    pub(super) fn is_here(self) -> bool {
        match self {
            Self::Geth | Self::GethKilled => alys_peers::required(alys_peers::geth()).is_some(),
            Self::EthereumJs => alys_peers::required(alys_peers::ethereumjs()).is_some(),
            // Nobody promises that there is one; what is named must be there.
            Self::Reth => match alys_peers::reth() {
                Ok(Some(_)) => true,
                Ok(None) => {
                    println!("skipped: {} names no Reth", alys_peers::RETH_VARIABLE);
                    false
                }
                Err(wrong) => panic!("{wrong}"),
            },
        }
    }

    pub(super) fn launch(self, folder: &std::path::Path) -> Client {
        let (genesis, spec) = (serde_json::to_string(&spec().execution_genesis_file()).unwrap(), spec());
        match self {
            Self::Geth | Self::GethKilled => {
                let program = alys_peers::geth().unwrap();
                Geth::new(program, folder, &genesis, spec.chain_id, spec.blocks.gas_limit).start().unwrap()
            }
            Self::EthereumJs => {
                EthereumJs::new(alys_peers::ethereumjs().unwrap(), folder, &genesis).start().unwrap()
            }
            Self::Reth => {
                let program = alys_peers::reth().unwrap().unwrap();
                Reth::new(program, folder, &genesis, spec.blocks.gas_limit).start().unwrap()
            }
        }
    }
}

impl Real {
    pub(super) async fn start(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let client = kind.launch(folder.path());
        let (address, health) = (Address::new(Limits::default()), Latest::new(EngineHealth::default()));
        let remote = remote(config(&client), &health);
        let running = Some(alys_engine::spawn(&address, None, remote).await.unwrap());
        Self { address, client, health, kind, running, _folder: folder }
    }
}

impl Subject<EngineMessage> for Real {
    fn address(&self) -> Address<EngineMessage> {
        self.address.clone()
    }

    async fn restart(&mut self) {
        if let Some((actor, ended)) = self.running.take() {
            actor.kill();
            ended.await.unwrap();
        }
        if self.kind == Kind::GethKilled {
            self.client.kill().unwrap();
            self.client.start().unwrap();
        }
        let remote = remote(config(&self.client), &self.health);
        self.running = Some(alys_engine::spawn(&self.address, None, remote).await.unwrap());
    }
}

impl EngineSubject for Real {
    async fn another(&self) -> Self {
        Self::start(self.kind).await
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        if let Some((actor, _)) = &self.running {
            actor.kill();
        }
    }
}
