//! The public contract of the protocol.

use std::{convert::Infallible, sync::Arc};

use alys_bus::{Address, Clock, Inbox, Limits, protocol::federation::FederationMessage};
use alys_federation::{FederationArgs, FederationConfig, FederationSetup, spawn};
use alys_testkit::contract::{Subject, federation::FederationSubject};
use ractor::ActorRef;
use tokio::task::JoinHandle;

use crate::common::{CHAIN_ID, Federation, GENESIS_MS};

/// The slot at which the clock starts; it moves on with real time.
const NOW: u64 = 50;

type Running = (ActorRef<Inbox<FederationMessage, Infallible>>, JoinHandle<()>);

/// The actor of the one member; its thread outlives it, as under the supervisor.
struct Ours {
    address: Address<FederationMessage>,
    args: FederationArgs,
    running: Option<Running>,
}

impl Ours {
    async fn start() -> Self {
        let federation = Federation::of(1);
        let spec = federation.spec();
        let keys = Federation::of(1).dealt.members.remove(0);
        let clock = Clock::at(GENESIS_MS + NOW * 2_000);
        let setup =
            FederationSetup::new(Arc::new(spec), Some(keys), FederationConfig::default(), clock).unwrap();
        let args = setup.args(setup.open().unwrap());
        let address = Address::new(Limits::default());
        let running = Some(spawn(&address, None, args.clone()).await.unwrap());
        Self { address, args, running }
    }
}

impl Subject<FederationMessage> for Ours {
    fn address(&self) -> Address<FederationMessage> {
        self.address.clone()
    }

    async fn restart(&mut self) {
        if let Some((actor, ended)) = self.running.take() {
            actor.kill();
            ended.await.unwrap();
        }
        self.running = Some(spawn(&self.address, None, self.args.clone()).await.unwrap());
    }
}

impl FederationSubject for Ours {
    fn chain_id(&self) -> u64 {
        CHAIN_ID
    }

    fn slot(&self) -> u64 {
        NOW
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        if let Some((actor, _)) = &self.running {
            actor.kill();
        }
    }
}

alys_testkit::federation_contract!(Ours::start);
