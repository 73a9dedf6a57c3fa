//! What a development node is told: file, environment and flags in their order, whom it lets in, which accounts it shows.

use std::fs;

use serde_json::json;

use crate::process::{Node, alys, output};

/// The port on which a node listens.
fn port(node: &Node) -> u16 {
    node.url.rsplit_once(':').unwrap().1.parse().unwrap()
}

/// How a node answers a request that is addressed to the name `host`.
async fn addressed_to(node: &Node, host: &str) -> u16 {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": [] });
    let sent = reqwest::Client::new().post(&node.url).header("Host", host).json(&request).send().await;
    sent.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_overrides_the_file_and_flags_override_both_for_dev_too() {
    const LISTEN: &str = "ALYS_RPC__LISTEN";
    // In memory there is no file; the profile would listen on 8545.
    let node = Node::start_in(&["dev", "--log", "warn"], &[(LISTEN, "127.0.0.1:0")]).await;
    assert_ne!(port(&node), 8545);
    drop(node);
    let node = Node::start_in(&["dev", "--http", "127.0.0.1:0"], &[(LISTEN, "127.0.0.1:1")]).await;
    assert_ne!(port(&node), 1);
    drop(node);

    let folder = tempfile::tempdir().unwrap();
    let in_folder = ["dev", "--data-dir", folder.path().to_str().unwrap()];
    drop(Node::start_in(&in_folder, &[(LISTEN, "127.0.0.1:0")]).await);
    let file = folder.path().join("alys.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("listen = \"127.0.0.1:8545\"", "listen = \"127.0.0.1:0\"")).unwrap();
    let node = Node::start(&in_folder).await;
    assert_ne!(port(&node), 8545);
    drop(node);

    let refused = |variable: (&str, &str), flag: &[&str]| {
        let mut command = alys();
        command.args(["dev", "--http", "127.0.0.1:0"]).args(flag).env(variable.0, variable.1);
        let ended = command.output().unwrap();
        assert!(!ended.status.success());
        String::from_utf8(ended.stderr).unwrap()
    };
    let said = refused(("ALYS_LOG__FILTER", "=nonsense="), &[]);
    assert!(said.contains("log filter"), "{said}");
    let said = refused(("ALYS_LOG__FILTER", "info"), &["--log", "=nonsense="]);
    assert!(said.contains("log filter"), "{said}");
    let said = refused(("ALYS_RPC__LISTN", "1"), &[]);
    assert!(said.contains("did you mean `listen`"), "{said}");
    let said = refused(("ALYS_STORAGE__BACKEND", "redb"), &[]);
    assert!(said.contains("--data-dir"), "{said}");
}

#[test]
fn a_command_that_cannot_work_makes_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let chain = folder.path().join("chain");
    let ended = output(&["dev", "--data-dir", chain.to_str().unwrap(), "--log", "=nonsense="]);
    assert!(!ended.status.success() && !chain.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_addressed_by_the_names_it_was_given_and_beyond_this_machine_by_any() {
    const NAMES: &str = "ALYS_RPC__ALLOWED_HOSTS";
    let loopback = ["dev", "--http", "127.0.0.1:0", "--log", "warn"];
    let node = Node::start(&loopback).await;
    assert_eq!(addressed_to(&node, "localhost").await, 200);
    assert_eq!(addressed_to(&node, "host.docker.internal").await, 403);
    drop(node);
    let node = Node::start_in(&loopback, &[(NAMES, "localhost,alys")]).await;
    assert_eq!(addressed_to(&node, "alys:8545").await, 200);
    assert_eq!(addressed_to(&node, "other").await, 403);
    drop(node);
    let flag = [&loopback[..], &["--allowed-hosts", "one,two"]].concat();
    let node = Node::start_in(&flag, &[(NAMES, "three")]).await;
    assert_eq!(addressed_to(&node, "two").await, 200);
    assert_eq!(addressed_to(&node, "three").await, 403);
    drop(node);

    let everywhere = ["dev", "--http", "0.0.0.0:0", "--log", "warn"];
    let node = Node::start(&everywhere).await;
    assert_eq!(addressed_to(&node, "host.docker.internal:8545").await, 200);
    drop(node);
    let node = Node::start_in(&everywhere, &[(NAMES, "alys")]).await;
    assert_eq!(addressed_to(&node, "alys").await, 200);
    assert_eq!(addressed_to(&node, "host.docker.internal").await, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_is_there_shows_its_own_accounts_and_refuses_to_be_asked_for_others() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_str().unwrap();
    let made = output(&["init", "--data-dir", at, "--accounts", "3", "--balance", "5", "--light-kdf"]);
    assert!(made.status.success());
    let node = Node::start(&["dev", "--data-dir", at, "--http", "127.0.0.1:0", "--log", "warn"]).await;
    let banner = node.banner.join("\n");
    assert!(banner.contains("(2) 0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC (5 coins)"), "{banner}");
    assert!(!banner.contains("(3) 0x"), "{banner}");
    drop(node);
    // Saying again what is so is no contradiction.
    let same = ["dev", "--data-dir", at, "--http", "127.0.0.1:0", "--accounts", "3", "--balance", "5"];
    drop(Node::start(&same).await);

    let words = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    let cases: [(&[&str], &str); 3] = [
        (&["--accounts", "10"], "--accounts cannot be changed: 3 accounts"),
        (
            &["--balance", "10000"],
            "--balance cannot be changed: 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 has 5 coins",
        ),
        (&["--mnemonic", words], "--mnemonic cannot be changed"),
    ];
    for (flags, expected) in cases {
        let ended = output(&[&["dev", "--data-dir", at, "--http", "127.0.0.1:0"], flags].concat());
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success() && said.contains(expected), "{said}");
        assert!(ended.stdout.is_empty(), "no account is shown that does not exist");
    }
}
