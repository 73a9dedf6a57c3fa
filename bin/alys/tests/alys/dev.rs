//! `alys dev`: what it prints, an ordered stop, a chain that goes on. Its slots and its first transfers are
//! looked at where nothing runs beside them, in `tests/punctual`.

use serde_json::json;

use crate::process::Node;

const IN_MEMORY: &[&str] = &["dev", "--http", "127.0.0.1:0", "--slot-seconds", "1", "--log", "warn"];

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
