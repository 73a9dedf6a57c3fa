//! `kill -9` at random moments, under load: what was acknowledged is there, and the chain goes on (C9).

use std::{collections::BTreeMap, path::Path, time::Duration};

use futures::future;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use crate::{
    process::{Node, dev_arguments, killed_while_starting, number, output},
    wallet::{SINK, Wallet},
};

const KILLS: u64 = 100;
/// So many chains share the kills, and run at the same time: a node mostly waits for its slot.
const CHAINS: u64 = 2;

/// Three kills in ten come while the node opens its files and executes what its engine lacks.
const EARLY: (u32, u32) = (3, 10);

/// What the node has said before it was killed, and must never take back.
#[derive(Default)]
pub(crate) struct Acknowledged {
    /// Block hash by height, of final blocks.
    pub(crate) blocks: BTreeMap<u64, String>,
    /// Block height by transaction hash, from receipts in final blocks.
    pub(crate) receipts: BTreeMap<String, u64>,
    /// Transactions sent whose receipts have not been seen.
    pub(crate) sent: Vec<String>,
}

impl Acknowledged {
    /// Notes every block up to the last final one, and receipts in them.
    pub(crate) async fn note(&mut self, node: &Node) -> Result<(), String> {
        let last = node.try_call("eth_getBlockByNumber", json!(["safe", false])).await?;
        let height = number(&last["number"]);
        let from = self.blocks.last_key_value().map_or(0, |(height, _)| height + 1);
        for height in from..=height {
            let block = node.try_call("eth_getBlockByNumber", json!([format!("{height:#x}"), false])).await?;
            self.blocks.insert(height, block["hash"].as_str().unwrap().to_owned());
        }
        // Where an answer is an error, the rest is asked for next time.
        let mut at = 0;
        while let Some(hash) = self.sent.get(at) {
            let receipt = node.try_call("eth_getTransactionReceipt", json!([hash])).await?;
            match receipt.get("blockNumber").map(number) {
                Some(mined) if mined <= height => drop(self.receipts.insert(self.sent.remove(at), mined)),
                _ => at += 1,
            }
        }
        Ok(())
    }

    /// Everything noted is still there.
    pub(crate) async fn check(&self, node: &Node, seed: u64) {
        for (height, hash) in &self.blocks {
            let block = node.call("eth_getBlockByNumber", json!([format!("{height:#x}"), false])).await;
            assert_eq!(block["hash"].as_str(), Some(hash.as_str()), "block {height}, seed {seed}");
        }
        for (hash, height) in &self.receipts {
            let receipt = node.call("eth_getTransactionReceipt", json!([hash])).await;
            assert_eq!(number(&receipt["blockNumber"]), *height, "receipt of {hash}, seed {seed}");
        }
    }
}

/// The engine stands where chain says that it is final, and the state is that of the block: each transfer moved one wei.
pub(crate) async fn heads_agree(node: &Node) {
    let status = node.status().await;
    let head = status["head"]["height"].as_u64().unwrap();
    let final_height = status["finalized"]["height"].as_u64().unwrap();
    assert!(final_height <= head);
    node.reaches_safe(final_height).await;
    let at = format!("{final_height:#x}");
    let balance = node.call("eth_getBalance", json!([SINK, at])).await;
    let mut transfers = 0;
    for height in 1..=final_height {
        let params = json!([format!("{height:#x}")]);
        transfers += number(&node.call("eth_getBlockTransactionCountByNumber", params).await);
    }
    assert_eq!(number(&balance), transfers, "the balance is the sum of the transfers");
}

/// Storage's own record is whole, and has every block: the wallets' questions above are answered by the engine.
fn stored(folder: &Path, acknowledged: &Acknowledged) {
    let ask = |command: &str| -> Value {
        let done = output(&["db", command, "--json", "--data-dir", folder.to_str().unwrap()]);
        assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
        serde_json::from_slice(&done.stdout).unwrap()
    };
    assert_eq!(ask("check")["damage"], json!([]));
    let (stats, last) = (ask("stats"), acknowledged.blocks.last_key_value());
    assert_eq!(stats["oldest"], 0);
    assert!(stats["finalized"].as_u64().unwrap() >= *last.unwrap().0, "{stats}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_block_survives_100_kills_at_random_moments_under_load() {
    let tallies = future::join_all((0..CHAINS).map(|_| killed_again_and_again(KILLS / CHAINS))).await;
    let sum = |of: fn(&Tally) -> usize| tallies.iter().map(of).sum::<usize>();
    let [early, silent] = [sum(|tally| tally.early), sum(|tally| tally.silent)];
    let [blocks, receipts] = [sum(|tally| tally.blocks), sum(|tally| tally.receipts)];
    println!(
        "{KILLS} kills on {CHAINS} chains, {early} of them at the start ({silent} before it listened): {blocks} blocks and \
         {receipts} receipts acknowledged, all there"
    );
    assert!(blocks > 50 && receipts > 50, "there was no load");
    let loaded = |tally: &Tally| tally.blocks > 10 && tally.receipts > 10;
    assert!(tallies.iter().all(loaded), "a chain had no load");
    assert!(silent > 0, "no kill came before the node listened");
}

/// What became of a chain that was killed again and again.
struct Tally {
    /// Kills at the start.
    early: usize,
    /// Those before the node listened.
    silent: usize,
    /// Acknowledged, and there at the end.
    blocks: usize,
    receipts: usize,
}

async fn killed_again_and_again(kills: u64) -> Tally {
    let seed: u64 = rand::rng().random();
    println!("seed {seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Acknowledged::default();
    let mut wallet = Wallet::new(3);
    let mut before = 0;
    let (mut early, mut silent) = (0, 0);
    for round in 0..kills {
        if round > 0 && random.random_ratio(EARLY.0, EARLY.1) {
            let moment = Duration::from_millis(random.random_range(0..500));
            early += 1;
            silent += usize::from(!killed_while_starting(&dev_arguments(folder.path()), moment).await);
            continue;
        }
        let node = Node::dev(folder.path()).await;
        // It goes on: a block above all that were there.
        node.reaches(before + 1).await;
        if round % 10 == 0 {
            acknowledged.check(&node, seed).await;
            heads_agree(&node).await;
        } else if let Some((height, hash)) = acknowledged.blocks.last_key_value() {
            let block = node.call("eth_getBlockByNumber", json!([format!("{height:#x}"), false])).await;
            assert_eq!(block["hash"].as_str(), Some(hash.as_str()), "seed {seed}");
        }
        let chain_id = number(&node.call("eth_chainId", json!([])).await);
        wallet.resume(&node).await;
        let end = Instant::now() + Duration::from_millis(random.random_range(0..1500));
        let load = async {
            loop {
                if let Ok(hash) = wallet.send(&node, chain_id).await {
                    acknowledged.sent.push(hash);
                }
                if acknowledged.note(&node).await.is_err() {
                    break;
                }
            }
        };
        // The kill comes at its moment, whatever the load is doing then.
        let _ = timeout_at(end, load).await;
        before = acknowledged.blocks.last_key_value().map_or(0, |(height, _)| *height);
        node.kill();
    }
    let mut node = Node::dev(folder.path()).await;
    node.reaches(before + 1).await;
    acknowledged.check(&node, seed).await;
    heads_agree(&node).await;
    assert!(node.stop("-TERM").await.success());
    stored(folder.path(), &acknowledged);
    Tally { early, silent, blocks: acknowledged.blocks.len(), receipts: acknowledged.receipts.len() }
}
