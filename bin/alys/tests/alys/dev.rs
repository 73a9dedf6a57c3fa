//! `alys dev`: a block every slot, a wallet's first transfer, an ordered stop, a chain that goes on.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::{
    process::{Node, PATIENCE, number},
    wallet::{SINK, Wallet},
};

const IN_MEMORY: &[&str] = &["dev", "--http", "127.0.0.1:0", "--slot-seconds", "1", "--log", "warn"];

#[tokio::test(flavor = "multi_thread")]
async fn a_development_chain_makes_a_block_every_slot() {
    let node = Node::start(IN_MEMORY).await;
    node.reaches(2).await;
    // A busy machine may miss a slot or be late for one; a chain that does so by itself never has five without.
    let five_in_a_row = async {
        loop {
            let first = node.status().await;
            node.reaches(number_of(&first, "head") + 5).await;
            let second = node.call("alys_status", json!([])).await;
            let slots = second["head"]["slot"].as_u64().unwrap() - first["head"]["slot"].as_u64().unwrap();
            let (blocks, head) =
                (number_of(&second, "head") - number_of(&first, "head"), number_of(&second, "head"));
            if blocks == slots && second["sync"] == "synced" && number_of(&second, "finalized") + 1 >= head {
                break;
            }
            println!("not every slot: {first}, then {second}");
        }
    };
    timeout(PATIENCE, five_in_a_row).await.expect("five blocks in five slots");
}

fn number_of(status: &serde_json::Value, block: &str) -> u64 {
    status[block]["height"].as_u64().unwrap_or_else(|| panic!("{status}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_is_final_within_two_slots() {
    let node = Node::start(IN_MEMORY).await;
    node.reaches(1).await;
    let chain_id = number(&node.call("eth_chainId", json!([])).await);
    let mut wallet = Wallet::new(0);
    for sent in 1.. {
        let hash = wallet.send(&node, chain_id).await.unwrap();
        let receipt = async {
            loop {
                let receipt = node.call("eth_getTransactionReceipt", json!([hash])).await;
                if !receipt.is_null() {
                    return receipt;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let started = Instant::now();
        let receipt = timeout(PATIENCE, receipt).await.unwrap();
        println!("send to receipt: {:?}", started.elapsed());
        assert_eq!(receipt["status"], "0x1");
        let balance = node.call("eth_getBalance", json!([SINK, "latest"])).await;
        assert_eq!(number(&balance), sent);
        let block = number(&receipt["blockNumber"]);
        node.reaches(block + 1).await;
        let safe = node.call("eth_getBlockByNumber", json!(["safe", false])).await;
        if number(&safe["number"]) >= block {
            break;
        }
        // A busy machine may be late with the votes of a slot, but not with those of each.
        assert!(sent < 10, "no block is final when the next one is there");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_banner_lists_ten_accounts_and_says_that_nothing_backs_them() {
    let node = Node::start(IN_MEMORY).await;
    let banner = node.banner.join("\n");
    assert!(banner.contains("(0) 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 (10000 coins)"), "{banner}");
    assert!(banner.contains("(9) 0xa0Ee7A142d267C1f36714E4a8F75612F20a79720"), "{banner}");
    assert!(banner.contains("backed by nothing"), "{banner}");
    let params = json!(["0xa0Ee7A142d267C1f36714E4a8F75612F20a79720", "latest"]);
    assert_eq!(node.call("eth_getBalance", params).await, "0x21e19e0c9bab2400000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_stops_the_node_in_order_and_the_chain_goes_on_next_time() {
    let folder = tempfile::tempdir().unwrap();
    for signal in ["-TERM", "-INT"] {
        let mut node = Node::dev(folder.path()).await;
        let height = node.height().await;
        node.reaches(height + 2).await;
        let genesis = node.status().await["genesis"].clone();
        let status = node.stop(signal).await;
        assert!(status.success(), "{signal}: {status}");
        let again = Node::dev(folder.path()).await;
        again.reaches(height + 2).await;
        assert_eq!(again.status().await["genesis"], genesis);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn web_pages_of_this_machine_may_use_a_development_node() {
    let node = Node::start(IN_MEMORY).await;
    let preflight = reqwest::Client::new()
        .request(reqwest::Method::OPTIONS, &node.url)
        .header("Origin", "http://localhost:3000")
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "content-type")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");
}
