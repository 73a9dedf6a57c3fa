//! The public contract of the protocol, for Geth behind the Engine API: a fresh Geth for each sentence.

use std::fmt::Write as _;

use alys_bus::protocol::engine::EngineHealth;
use alys_bus::{Address, Clock, Inbox, Latest, Limits};
use alys_engine::messages::{EngineMessage, EnginePrivate};
use alys_engine::{RemoteClient, RemoteConfig};
use alys_engine_api::JwtKey;
use alys_peers::launch::{Client, Geth};
use alys_testkit::contract::{
    Subject,
    engine::{self, EngineSubject, spec},
};
use ractor::ActorRef;
use tokio::task::JoinHandle;

type Running = (ActorRef<Inbox<EngineMessage, EnginePrivate>>, JoinHandle<()>);

/// What is done to Geth where a sentence restarts the engine.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Restart {
    /// Nothing: only the actor is killed.
    Actor,
    /// It is killed by SIGKILL, and started again over the same data.
    Kill,
}

/// The engine actor with a Geth of its own.
struct Ours {
    address: Address<EngineMessage>,
    geth: Client,
    restart: Restart,
    running: Option<Running>,
    _folder: tempfile::TempDir,
}

fn remote(geth: &Client) -> RemoteClient {
    let genesis = spec().genesis().block.header.payload_hash;
    let key = JwtKey::read(&geth.jwt()).unwrap();
    let config = RemoteConfig {
        public_url: Some(geth.public_url()),
        ..RemoteConfig::new(geth.engine_url(), key, spec().chain_id, genesis)
    };
    let health = Latest::new(EngineHealth::default());
    RemoteClient::new(config, Clock::system(), Limits::default(), health, None).unwrap()
}

impl Ours {
    async fn start(restart: Restart) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let genesis = serde_json::to_string(&spec().execution_genesis_file()).unwrap();
        let (program, spec) = (alys_peers::geth().unwrap(), spec());
        let geth = Geth::new(program, folder.path(), &genesis, spec.chain_id, spec.blocks.gas_limit);
        let geth = geth.start().unwrap();
        let address = Address::new(Limits::default());
        let running = Some(alys_engine::spawn(&address, None, remote(&geth)).await.unwrap());
        Self { address, geth, restart, running, _folder: folder }
    }
}

impl Subject<EngineMessage> for Ours {
    fn address(&self) -> Address<EngineMessage> {
        self.address.clone()
    }

    async fn restart(&mut self) {
        if let Some((actor, ended)) = self.running.take() {
            actor.kill();
            ended.await.unwrap();
        }
        if self.restart == Restart::Kill {
            self.geth.kill().unwrap();
            self.geth.start().unwrap();
        }
        self.running = Some(alys_engine::spawn(&self.address, None, remote(&self.geth)).await.unwrap());
    }
}

impl EngineSubject for Ours {
    async fn another(&self) -> Self {
        Self::start(self.restart).await
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        if let Some((actor, _)) = &self.running {
            actor.kill();
        }
    }
}

async fn every_sentence_holds(restart: Restart) {
    if alys_peers::required(alys_peers::geth()).is_none() {
        return;
    }
    let mut failures = String::new();
    let tell = |sentence: &str, outcome: Result<(), &str>| match outcome {
        Ok(()) => println!("holds: {sentence}"),
        Err(why) => {
            println!("does not hold: {sentence}: {why}");
            writeln!(failures, "{sentence}: {why}").unwrap();
        }
    };
    let (examined, failed) = engine::examine(async || Ours::start(restart).await, tell).await;
    assert_eq!(failed, 0, "of {examined} sentences:\n{failures}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn geth_keeps_the_contract_of_engines() {
    every_sentence_holds(Restart::Actor).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payloads_are_replayed_to_a_geth_that_was_killed() {
    if alys_peers::required(alys_peers::geth()).is_none() {
        return;
    }
    engine::payloads_can_be_replayed_after_a_restart(Ours::start(Restart::Kill).await).await;
    engine::sealing_what_nobody_builds_is_an_unknown_payload(Ours::start(Restart::Kill).await).await;
}
