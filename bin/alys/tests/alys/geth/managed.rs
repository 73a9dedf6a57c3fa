//! `alys dev --engine geth`: a Geth that the node starts, watches and stops.

use std::{fs, path::Path, process::Command, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::RESUMES;
use crate::{
    process::{Node, PATIENCE, number},
    wallet::{SINK, Wallet},
};

/// A development chain in `folder` with a Geth of its own.
async fn dev(folder: &Path) -> Node {
    let mut arguments = vec!["dev", "--engine", "geth", "--http", "127.0.0.1:0", "--log", "error"];
    arguments.extend(["--data-dir", folder.to_str().unwrap()]);
    if !folder.join("chain.json").exists() {
        arguments.extend(["--slot-seconds", "1"]);
    }
    let node = Node::start(&arguments).await;
    // It listens before its chain knows where it stands.
    node.reaches(1).await;
    reaches_final(&node, 1).await;
    node
}

/// The process of the Geth whose data is in `folder`.
fn geth_of(folder: &Path) -> Option<u32> {
    let folder = folder.canonicalize().unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.into_iter().find(|pid: &u32| {
        value_of(*pid, "--datadir").is_some_and(|data| Path::new(&data).starts_with(&folder))
    })
}

/// What stands after `flag` on a process's command line.
fn value_of(pid: u32, flag: &str) -> Option<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut arguments = line.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    arguments.find(|argument| argument == flag)?;
    arguments.next().map(|value| value.into_owned())
}

/// Waits until another Geth than `old` answers at both of its ports: a request without a token is answered, too.
async fn returns(folder: &Path, old: u32) {
    let client = reqwest::Client::new();
    let answers = async || {
        let pid = geth_of(folder).filter(|pid| *pid != old)?;
        for flag in ["--authrpc.port", "--http.port"] {
            let url = format!("http://127.0.0.1:{}", value_of(pid, flag)?);
            client.post(url).json(&json!({})).send().await.ok()?;
        }
        Some(())
    };
    let wait = async {
        while answers().await.is_none() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("Geth is started again");
}

async fn final_height(node: &Node) -> u64 {
    finalized(&node.call("alys_status", json!([])).await)
}

fn finalized(status: &Value) -> u64 {
    status["finalized"]["height"].as_u64().unwrap()
}

async fn reaches_final(node: &Node, height: u64) {
    let wait = async {
        let height_now =
            async || node.try_call("alys_status", json!([])).await.map(|status| finalized(&status));
        while height_now().await.unwrap_or(0) < height {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("block {height} does not become final"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_development_chain_with_its_own_geth_makes_final_blocks_with_transfers() {
    if alys_peers::required(alys_peers::geth()).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut node = dev(folder.path()).await;
    let chain_id = number(&node.call("eth_chainId", json!([])).await);
    let mut wallet = Wallet::new(0);
    wallet.resume(&node).await;
    for _ in 0..3 {
        wallet.send(&node, chain_id).await.unwrap();
        reaches_final(&node, final_height(&node).await + 2).await;
    }
    // The last one may have come too late for the block that was made meanwhile.
    let all_safe = async {
        while number(&node.call("eth_getBalance", json!([SINK, "safe"])).await) < 3 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, all_safe).await.expect("three transfers become safe");
    let geth = geth_of(folder.path()).expect("it runs");
    assert!(node.stop("-INT").await.success());
    assert_eq!(geth_of(folder.path()), None, "Geth ({geth}) ends with its node");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nodes_own_geth_is_killed_five_times_and_the_chain_goes_on_within_five_seconds_of_its_return() {
    if alys_peers::required(alys_peers::geth()).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let node = dev(folder.path()).await;
    for _ in 0..5 {
        let pid = geth_of(folder.path()).expect("it runs");
        assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
        returns(folder.path(), pid).await;
        let returned = Instant::now();
        // What was on its way before the kill is final by now: the next block is made with the new process.
        reaches_final(&node, final_height(&node).await + 1).await;
        let resumed = returned.elapsed();
        println!("Geth killed: a new final block {:.1} s after its return", resumed.as_secs_f64());
        assert!(resumed < RESUMES, "it resumes too late");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_node_takes_its_geth_with_it_and_goes_on_with_the_same_chain() {
    if alys_peers::required(alys_peers::geth()).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let node = dev(folder.path()).await;
        let height = final_height(&node).await;
        reaches_final(&node, height + 2).await;
        let hash =
            node.call("eth_getBlockByNumber", json!([format!("{height:#x}"), false])).await["hash"].clone();
        let first = geth_of(folder.path()).expect("it runs");
        node.kill();
        let node = dev(folder.path()).await;
        reaches_final(&node, height + 3).await;
        let again = node.call("eth_getBlockByNumber", json!([format!("{height:#x}"), false])).await;
        assert_eq!(again["hash"], hash);
        assert_ne!(geth_of(folder.path()), Some(first));
    }
}
