//! A whole node in under sixty lines, whose storage actor is of this program's making: it prints each block
//! that it is given, and keeps it by the library's rules over a database in memory.

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alys_bus::protocol::{StorageMessage, storage::Promises};
use alys_bus::{Clock, Context, Serving, ractor::ActorProcessingErr, unsupported};
use alys_node::{Node, NodeConfig};
use alys_primitives::{Address, spec::DevelopmentChain as Chain};
use alys_storage::{BlockCache, Store};

type Disk = (alys_database::MemoryDisk, Arc<Mutex<Promises>>);
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn open(disk: Disk) -> Outcome<impl FnMut(StorageMessage, Context) -> Result<(), ActorProcessingErr> + Send> {
    let mut store = Store::open(Arc::new(disk.0.open()?), BlockCache::new(1 << 20))?;
    Ok(move |message, _: Context| {
        let mut promised = disk.1.lock().map_err(|_| "an earlier incarnation panicked")?;
        match message {
            StorageMessage::PersistBlock { block, reply } => {
                println!("given: block {}", block.block.header.height);
                reply.send(store.persist(&[block]).remove(0));
            }
            StorageMessage::ApplyHead { update, reply } => reply.send(store.apply_head(&update)),
            StorageMessage::RetrieveBlock { query, reply } => reply.send(store.retrieve(query)),
            StorageMessage::LoadChain { reply } => reply.send(store.load_chain().map(|c| c.map(Box::new))),
            StorageMessage::PersistPromises { promises, reply } => reply.send(Ok(*promised = *promises)),
            StorageMessage::LoadPromises { reply } => reply.send(Ok(Box::new(promised.clone()))),
            other => unsupported(other),
        }
        Ok(())
    })
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut dealt = alys_federation::DevelopmentDealer::from_entropy()?.deal(1)?;
    let (members, commitment) = (dealt.spec_members(|_| Address::ZERO)?, dealt.keys.commitments().to_vec());
    let (name, genesis_ms, funded) = ("small".to_owned(), Clock::system().now_ms(), Default::default());
    let (chain_id, slot_seconds, gas_limit) = (77, 1, 30_000_000);
    let spec = Chain { name, chain_id, genesis_ms, slot_seconds, gas_limit, members, commitment, funded };
    let mut config = NodeConfig::in_memory();
    config.rpc.listen = ([127, 0, 0, 1], 0).into();
    let disk = Disk::default();
    let node = Node::builder(config, spec.spec()).keys(dealt.members.remove(0)).storage(move |wiring| {
        alys_supervisor::ChildSpec::with_setup(&wiring.storage, move |feed| {
            let opened = open(disk.clone());
            async move { opened.map(|storage| (Serving::new(), (feed, storage))) }
        })
    });
    let node = node.start().await?;
    let mut status = node.wiring().status.reader();
    tokio::time::timeout(Duration::from_secs(60), status.wait_for(|now| now.finalized.height > 2)).await?;
    node.supervisor().stop("seen enough");
    println!("{}", node.stopped().await);
    Ok(())
}
