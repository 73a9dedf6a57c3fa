//! Web pages reach the server only if they were named.

use reqwest::Method;
use serde_json::json;

use crate::{
    answers,
    node::{Node, Setup, node},
};

const REQUEST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;

async fn with_origins(origins: &[&str]) -> Node {
    let origins: Vec<String> = origins.iter().map(|&origin| origin.to_owned()).collect();
    Setup::default().config(|config| config.cors_origins = origins).start(answers::engine).await
}

async fn preflight(node: &Node, origin: &str) -> reqwest::Response {
    node.client()
        .request(Method::OPTIONS, node.url())
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type")
        .header("access-control-request-private-network", "true")
        .send()
        .await
        .unwrap()
}

fn allowed(response: &reqwest::Response) -> Option<&str> {
    response.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn without_cors_no_page_is_let_in() {
    let node = node().await;
    assert_eq!(allowed(&preflight(&node, "https://wallet.example").await), None);
    let answer = node.post(REQUEST).header("origin", "https://wallet.example").send().await.unwrap();
    assert_eq!(allowed(&answer), None);
}

#[tokio::test]
async fn open_cors_lets_any_page_in_and_shows_it_the_errors_too() {
    let node = with_origins(&["*"]).await;
    let leave = preflight(&node, "https://wallet.example").await;
    assert_eq!(allowed(&leave), Some("*"));
    assert_eq!(leave.headers()["access-control-allow-private-network"], "true");
    assert!(leave.headers()["access-control-allow-headers"].to_str().unwrap().contains("content-type"));
    for body in [REQUEST, "broken"] {
        let answer = node.post(body).header("origin", "https://wallet.example").send().await.unwrap();
        assert_eq!(allowed(&answer), Some("*"), "{body}");
    }
}

#[tokio::test]
async fn a_named_origin_is_let_in_alone() {
    let node = with_origins(&["https://wallet.example"]).await;
    assert_eq!(allowed(&preflight(&node, "https://wallet.example").await), Some("https://wallet.example"));
    assert_eq!(allowed(&preflight(&node, "https://other.example").await), None);
}

#[tokio::test]
async fn cors_for_everyone_is_refused_where_others_can_reach_the_server() {
    let setup = Setup::default().config(|config| {
        config.cors_origins = vec!["*".to_owned()];
        config.listen = "0.0.0.0:0".parse().unwrap();
    });
    let error = setup.try_start(answers::engine).await.err().unwrap();
    assert!(error.contains("rpc.cors_origins"), "{error}");
}

#[tokio::test]
async fn a_host_that_is_not_ours_is_refused() {
    let node = node().await;
    for (host, status) in [
        ("localhost:8545", 200),
        ("127.0.0.1", 200),
        ("[::1]:8545", 200),
        ("attacker.example", 403),
        ("attacker.example:8545", 403),
    ] {
        let answer = node.post(REQUEST).header("host", host).send().await.unwrap();
        assert_eq!(answer.status(), status, "{host}");
    }
    let named = Setup::default()
        .config(|config| config.allowed_hosts = vec!["node.example".to_owned()])
        .start(answers::engine)
        .await;
    let answer = named.post(REQUEST).header("host", "node.example").send().await.unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(answer["result"], json!("0x1092"));
}
