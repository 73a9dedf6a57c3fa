//! `alys engine check`: a Geth keeps every sentence, and a server that lies is found out.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use alys_peers::launch::{Client, Geth, TEST_SECRET};
use alys_primitives::B256;
use alys_testkit::contract::engine::spec;
use serde_json::{Value, json};

use crate::{
    process::output,
    server::{Reaction, Server},
};

/// Runs the check to its end: whether it succeeded, and what it printed.
async fn check(arguments: Vec<String>) -> (Option<i32>, String) {
    let ended = tokio::task::spawn_blocking(move || {
        let arguments: Vec<_> =
            ["engine", "check"].into_iter().chain(arguments.iter().map(String::as_str)).collect();
        output(&arguments)
    });
    let Output { status, stdout, stderr } = ended.await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (status.code(), format!("{}{}", text(&stdout), text(&stderr)))
}

fn arguments<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

/// The last line: how many sentences hold, and of how many.
fn counted(printed: &str) -> (usize, usize) {
    let line = printed.lines().find(|line| line.ends_with(" sentences hold"));
    let mut words = line.unwrap_or_else(|| panic!("it does not come to its end: {printed}")).split(' ');
    let held = words.next().unwrap().parse().unwrap();
    (held, words.nth(1).unwrap().parse().unwrap())
}

/// A Geth that was started with what `alys engine genesis` writes.
fn geth(program: std::path::PathBuf, folder: &Path) -> Client {
    let file = folder.join("genesis.json");
    let made = output(&["engine", "genesis", "--out", file.to_str().unwrap()]);
    assert!(made.status.success());
    let genesis = fs::read_to_string(&file).unwrap();
    let read: Value = serde_json::from_str(&genesis).unwrap();
    let gas_limit = read["gasLimit"].as_str().unwrap();
    let gas_limit = u64::from_str_radix(gas_limit.trim_start_matches("0x"), 16).unwrap();
    let chain_id = read["config"]["chainId"].as_u64().unwrap();
    Geth::new(program, &folder.join("geth"), &genesis, chain_id, gas_limit).start().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_geth_is_found_to_keep_every_sentence() {
    let Some(program) = alys_peers::required(alys_peers::geth()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let geth = geth(program, folder.path());
    let jwt = geth.jwt();
    let (engine, public) = (geth.engine_url(), geth.public_url());
    let asked = ["--url", &engine, "--jwt", jwt.to_str().unwrap(), "--http", &public];
    let (code, printed) = check(arguments(asked)).await;
    let (held, examined) = counted(&printed);
    assert!(code == Some(0) && held == examined && examined > 24, "{printed}");
    assert!(!printed.contains("FAILED"), "{printed}");
    for sentence in ACCESS {
        assert!(printed.contains(&format!("ok      {sentence}")), "{sentence}: {printed}");
    }
    // It has blocks now, and is not examined twice.
    let (code, printed) = check(arguments(asked)).await;
    assert!(code != Some(0) && printed.contains("start one with an empty data folder"), "{printed}");
}

/// What is examined before the contract.
const ACCESS: [&str; 4] = [
    "a request without a token is refused with 401",
    "a token of another secret is refused with 401",
    "a stale token is refused with 401",
    "the methods that a node needs are offered",
];

/// Finds everything valid, promises every payload, says of every block that it is the head, and never leaves genesis.
fn liar(offers: &'static [&'static str]) -> impl Fn(&str, &Value) -> Reaction {
    let genesis = spec().genesis().block.header.payload_hash;
    let block = json!({
        "hash": genesis, "number": "0x0", "parentHash": B256::ZERO, "receiptsRoot": B256::ZERO, "timestamp": "0x3e8",
        "logsBloom": format!("0x{}", "00".repeat(256)),
    });
    move |method, params| {
        let valid =
            |hash: &Value| json!({ "status": "VALID", "latestValidHash": hash, "validationError": null });
        Reaction::Result(match method {
            "eth_chainId" => json!(format!("{:#x}", spec().chain_id)),
            "engine_exchangeCapabilities" => json!(offers),
            "eth_getBlockByNumber" | "eth_getBlockByHash" => block.clone(),
            "eth_getTransactionCount" | "eth_getBalance" => json!("0x0"),
            "eth_getCode" => json!("0x"),
            "engine_newPayloadV4" => valid(&params[0]["blockHash"]),
            "engine_forkchoiceUpdatedV3" => {
                json!({ "payloadStatus": valid(&params[0]["headBlockHash"]), "payloadId": "0x0101010101010101" })
            }
            _ => return Reaction::Error(-32601, "the method does not exist/is not available"),
        })
    }
}

/// A file with a secret, as clients demand it.
fn secret_in(folder: &Path) -> PathBuf {
    let file = folder.join("jwt.hex");
    fs::write(&file, TEST_SECRET).unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    file
}

/// What is printed of a liar that asks for no token.
async fn examined(offers: &'static [&'static str]) -> String {
    let server = Server::start(liar(offers)).await;
    server.set_key(None);
    let folder = tempfile::tempdir().unwrap();
    let jwt = secret_in(folder.path());
    let (code, printed) = check(arguments(["--url", &server.url(), "--jwt", jwt.to_str().unwrap()])).await;
    assert_eq!(code, Some(1), "{printed}");
    let (held, examined) = counted(&printed);
    assert_eq!(printed.matches("FAILED  ").count(), examined - held, "{printed}");
    printed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lies_is_found_out_by_the_sentences_that_it_breaks() {
    let printed =
        examined(&["engine_newPayloadV4", "engine_forkchoiceUpdatedV3", "engine_getPayloadV4"]).await;
    for broken in [
        ACCESS[0],
        ACCESS[1],
        ACCESS[2],
        "the same rules give the same id and others another",
        "a seal repeats every rule and hashes to what it says",
        "a rival becomes the head when it is chosen",
    ] {
        assert!(printed.contains(&format!("FAILED  {broken}\n")), "{broken}: {printed}");
    }
    for kept in [ACCESS[3], "an engine stands at genesis first"] {
        assert!(printed.contains(&format!("ok      {kept}\n")), "{kept}: {printed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_port_of_another_client_is_said_before_anything_is_examined() {
    let offers = &["engine_newPayloadV4", "engine_forkchoiceUpdatedV3", "engine_getPayloadV4"];
    let (engine, public) = (Server::start(liar(offers)).await, Server::start(liar(offers)).await);
    engine.set_key(None);
    public.set_key(None);
    public.set("eth_chainId", Reaction::Result(json!("0x1")));
    let folder = tempfile::tempdir().unwrap();
    let jwt = secret_in(folder.path());
    let asked = ["--url", &engine.url(), "--jwt", jwt.to_str().unwrap(), "--http", &public.url()];
    let (code, printed) = check(arguments(asked)).await;
    let named = format!("--http: the client at {} is of chain 1 ", public.url());
    assert!(code != Some(0) && printed.contains(&named), "{printed}");
    assert_eq!(engine.count("engine_newPayloadV4"), 0);
    // Nobody there is told as that.
    public.set("eth_chainId", Reaction::HangUp);
    let (code, printed) = check(arguments(asked)).await;
    assert!(code != Some(0) && printed.contains(&format!("--http {}", public.url())), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_offer_a_method_is_said_which() {
    let printed = examined(&["engine_newPayloadV4", "engine_forkchoiceUpdatedV3"]).await;
    let said = format!("FAILED  {}\n        it does not offer engine_getPayloadV4\n", ACCESS[3]);
    assert!(printed.contains(&said), "{printed}");
}
