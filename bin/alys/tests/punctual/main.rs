//! What a development chain keeps to in time: a block in every slot, a transfer final when the next block is there.
//!
//! A program of its own, so that no other test runs beside it: between them they would take the slots from each
//! other. A machine that stands still for a second may still cost a slot; a chain that loses slots by itself
//! loses some in each of the attempts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "real processes are waited for by the machine's own time")]
#![allow(dead_code, reason = "the other tests' ways with a node, of which these use some")]

#[path = "../alys/process.rs"]
mod process;
#[path = "../alys/wallet.rs"]
mod wallet;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use process::{Node, PATIENCE, number};
use wallet::{SINK, Wallet};

const ARGUMENTS: &[&str] = &["dev", "--http", "127.0.0.1:0", "--slot-seconds", "1", "--log", "warn"];
const ATTEMPTS: usize = 3;
/// Slots of one attempt.
const SLOTS: u64 = 15;
/// Transfers of one attempt, one after the other.
const TRANSFERS: u64 = 5;

/// One test, for tests of one program run beside each other.
#[tokio::test(flavor = "multi_thread")]
async fn every_slot_has_a_block_and_every_transfer_is_final_when_the_next_block_is_there() {
    let node = Node::start(ARGUMENTS).await;
    node.reaches(2).await;
    let mut wallet = Wallet::new(0);
    let mut why = Vec::new();
    for _ in 0..ATTEMPTS {
        let every_slot = slots(&node).await;
        let every_transfer = transfers(&node, &mut wallet).await;
        match every_slot.and(every_transfer) {
            Ok(()) => return,
            Err(late) => why.push(late),
        }
    }
    panic!("late in each attempt:\n{}", why.join("\n"));
}

/// A block in each slot, the last but one final, at the latest.
async fn slots(node: &Node) -> Result<(), String> {
    let first = node.status().await;
    node.reaches(place(&first, "head", "height") + SLOTS).await;
    let last = node.status().await;
    let moved = |what| place(&last, "head", what) - place(&first, "head", what);
    let behind = place(&last, "head", "height") - place(&last, "finalized", "height");
    if moved("height") == moved("slot") && behind <= 1 && last["sync"] == "synced" {
        return Ok(());
    }
    Err(format!("{} blocks in {} slots: {last}", moved("height"), moved("slot")))
}

fn place(status: &Value, block: &str, what: &str) -> u64 {
    status[block][what].as_u64().unwrap_or_else(|| panic!("{status}"))
}

/// Each has its receipt, reaches its receiver, and is safe when the block above it is there.
async fn transfers(node: &Node, wallet: &mut Wallet) -> Result<(), String> {
    let chain_id = number(&node.call("eth_chainId", json!([])).await);
    let mut late = Ok(());
    for _ in 0..TRANSFERS {
        let before = number(&node.call("eth_getBalance", json!([SINK, "latest"])).await);
        let hash = wallet.send(node, chain_id).await.unwrap();
        let receipt = timeout(PATIENCE, receipt(node, &hash)).await.expect("a receipt");
        assert_eq!(receipt["status"], "0x1");
        assert_eq!(number(&node.call("eth_getBalance", json!([SINK, "latest"])).await), before + 1);
        let block = number(&receipt["blockNumber"]);
        node.reaches(block + 1).await;
        let safe = node.call("eth_getBlockByNumber", json!(["safe", false])).await;
        if number(&safe["number"]) < block {
            late = Err(format!("block {block} is not safe when {} is there", block + 1));
        }
    }
    late
}

async fn receipt(node: &Node, hash: &str) -> Value {
    loop {
        let receipt = node.call("eth_getTransactionReceipt", json!([hash])).await;
        if !receipt.is_null() {
            return receipt;
        }
        sleep(Duration::from_millis(20)).await;
    }
}
