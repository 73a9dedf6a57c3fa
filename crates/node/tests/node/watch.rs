//! What an onlooker sees of a node: its final blocks, its storage, its RPC.

use std::{sync::Arc, time::Duration};

use alys_bus::{
    Context, Event, Subscription,
    protocol::{
        StorageMessage,
        chain::ChainEvent,
        storage::{BlockQuery, BlockRef, StoredBlock},
    },
};
use alys_node::{Node, Wiring};
use reqwest::{Client, header::CONTENT_TYPE};
use tokio::time::timeout;

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn ctx() -> Context {
    Context::root(PATIENCE)
}

/// A running node, and every final block that it told of.
pub(crate) struct Watch {
    pub(crate) node: Node,
    events: Subscription<ChainEvent>,
    pub(crate) finals: Vec<BlockRef>,
}

impl Watch {
    /// Waits until all actors run.
    pub(crate) async fn over(node: Node) -> Self {
        let events = node.events();
        assert!(node.supervisor().until_running(PATIENCE).await, "{:?}", node.supervisor().health());
        Self { node, events, finals: Vec::new() }
    }

    /// Waits for one more final block, above all before.
    pub(crate) async fn next_final(&mut self) -> BlockRef {
        let next = async {
            loop {
                match self.events.next().await {
                    Some(Event::Event(ChainEvent::Finalized { block })) => return block,
                    Some(_) => {}
                    None => panic!("the node ended"),
                }
            }
        };
        let block = timeout(PATIENCE, next).await.expect("the chain goes on");
        if let Some(last) = self.finals.last() {
            assert!(block.height > last.height, "{block:?} after {last:?}");
        }
        self.finals.push(block);
        block
    }

    /// Every block that was told to be final is in storage, at its height and final.
    pub(crate) async fn nothing_is_lost(&self) {
        still_there(self.node.wiring(), &self.finals).await;
    }
}

pub(crate) async fn still_there(wiring: &Wiring, finals: &[BlockRef]) {
    for block in finals {
        let found = stored(wiring, BlockQuery::Height(block.height)).await;
        let hashes: Vec<_> = found.iter().map(|found| found.block.block.hash()).collect();
        assert_eq!(hashes, [block.hash], "height {}", block.height);
    }
}

pub(crate) async fn stored(wiring: &Wiring, query: BlockQuery) -> Vec<Arc<StoredBlock>> {
    wiring.storage.ask(ctx(), |reply| StorageMessage::RetrieveBlock { query, reply }).await.unwrap()
}

/// What one JSON-RPC request without parameters led to: the body, or nobody was there to answer.
pub(crate) async fn rpc(client: &Client, node: &Node, method: &str) -> Option<String> {
    let address = node.rpc_address().get()?;
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":[]}}"#);
    let sent = client.post(format!("http://{address}")).header(CONTENT_TYPE, "application/json").body(body);
    timeout(PATIENCE, async { sent.send().await.ok()?.text().await.ok() }).await.expect("an answer in time")
}
