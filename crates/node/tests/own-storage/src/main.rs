//! A node with a storage actor that is not Alys' own: it passes the public contract, and then runs a chain.

mod memory;
mod storage;

use std::{collections::BTreeMap, error::Error, time::Duration};

use alys_bus::{
    Address, Clock, Context, Event, Limits, Serving,
    protocol::{StorageMessage, chain::ChainEvent},
    spawn_actor,
};
use alys_federation::DevelopmentDealer;
use alys_node::{Node, NodeConfig};
use alys_primitives::{U256, spec::DevelopmentChain};
use alys_supervisor::ChildSpec;
use alys_testkit::{contract, wallet};
use storage::Disk;

/// Blocks that must become final before the program is content.
const BLOCKS: u64 = 3;

/// How long they may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The actor under the contract suite.
struct Examined {
    address: Address<StorageMessage>,
    disk: Disk,
}

impl Examined {
    async fn start() -> Self {
        let mut examined = Self { address: Address::new(Limits::default()), disk: Disk::default() };
        contract::Subject::restart(&mut examined).await;
        examined
    }
}

impl contract::Subject<StorageMessage> for Examined {
    fn address(&self) -> Address<StorageMessage> {
        self.address.clone()
    }

    async fn restart(&mut self) {
        let storage = storage::over(self.disk.clone());
        // The incarnation before ends with its feed, when nothing leads to it any more.
        self.address.unbind();
        let started = spawn_actor(&self.address, None, Serving::new(), |feed| (feed, storage)).await;
        started.expect("the actor starts");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sentences = contract::storage::run(Examined::start).await;
    println!("contract: {sentences} sentences hold");

    let dealt = DevelopmentDealer::from_entropy()?.deal(1)?;
    let members = dealt.spec_members(|_| wallet::payer())?;
    let spec = DevelopmentChain {
        name: "own-storage".to_owned(),
        chain_id: 77,
        genesis_ms: Clock::system().now_ms(),
        slot_seconds: 1,
        gas_limit: 30_000_000,
        members,
        commitment: dealt.keys.commitments().to_vec(),
        funded: BTreeMap::from([(wallet::payer(), U256::from(10).pow(U256::from(18)))]),
    }
    .spec();
    let keys = dealt.members.into_iter().next().ok_or("the dealer made no keys")?;
    let mut config = NodeConfig::in_memory();
    config.rpc.listen = ([127, 0, 0, 1], 0).into();

    let disk = Disk::default();
    let ours = disk.clone();
    let node = Node::builder(config, spec)
        .keys(keys)
        .without_signals()
        .storage(move |wiring| {
            ChildSpec::new(&wiring.storage, move |feed| (Serving::new(), (feed, storage::over(ours.clone()))))
        })
        .start()
        .await?;
    let (supervisor, engine, mut events) = (node.supervisor(), node.wiring().engine.clone(), node.events());
    if !supervisor.until_running(PATIENCE).await {
        return Err(node.stopped().await.to_string().into());
    }
    let raw = wallet::Unsigned::transfer(77, 0, wallet::payer(), 1).sign();
    let ask = |reply| alys_bus::protocol::EngineMessage::SubmitTransaction { raw, reply };
    let sent = engine.ask(Context::root(PATIENCE), ask).await?;
    let mined = tokio::time::timeout(PATIENCE, async {
        let mut transactions = 0;
        while let Some(event) = events.next().await {
            match event {
                Event::Event(ChainEvent::HeadMoved { transactions: more, .. }) => transactions += more,
                Event::Event(ChainEvent::Finalized { block }) if block.height >= BLOCKS => break,
                _ => {}
            }
        }
        transactions
    })
    .await?;
    supervisor.stop("seen enough");
    let report = node.stopped().await;

    let disk = disk.lock().map_err(|_| "the actor panicked")?;
    let found = disk.retrieve(alys_bus::protocol::storage::BlockQuery::Transaction(sent));
    let statistics = disk.statistics();
    println!(
        "chain: {} final, {mined} transactions, {} blocks hold {sent}",
        statistics.finalized,
        found.len()
    );
    println!("{report}");
    if statistics.finalized < BLOCKS || mined != 1 || found.len() != 1 || !report.is_success() {
        return Err("the chain did not go as it must".into());
    }
    Ok(())
}
