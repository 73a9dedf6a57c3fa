//! A chain, a folder, a Geth, and a few questions to it.

use std::{
    collections::BTreeMap,
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use alys_primitives::{ChainSpec, spec::DevelopmentChain};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::{
    JwtKey, Transport, TransportConfig,
    managed::{GethConfig, ManagedError, ManagedGeth},
};

/// How long anything may take on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
const GAS_LIMIT: u64 = 29_000_000;

/// The test's chain; another for each second of genesis.
pub(super) fn spec(genesis_second: u64) -> ChainSpec {
    DevelopmentChain {
        name: "managed".to_owned(),
        chain_id: 4243,
        genesis_ms: genesis_second * 1000,
        slot_seconds: 2,
        gas_limit: GAS_LIMIT,
        members: Vec::new(),
        commitment: Vec::new(),
        funded: BTreeMap::new(),
    }
    .spec()
}

/// What a Geth of that chain is run with.
pub(super) fn config(program: PathBuf, folder: &Path, spec: &ChainSpec) -> GethConfig {
    let genesis = serde_json::to_string(&spec.execution_genesis_file()).unwrap();
    let mut config =
        GethConfig::new(program, folder.to_owned(), genesis, spec.chain_id, spec.blocks.gas_limit);
    config.cache_mb = 64;
    config
}

/// A folder and the program, or none with the reason printed.
pub(super) fn given() -> Option<(PathBuf, TempDir)> {
    Some((alys_peers::required(alys_peers::geth())?, tempfile::tempdir().unwrap()))
}

/// Does something while Geth runs; how the run ended if it did.
pub(super) async fn while_running<T>(geth: &ManagedGeth, test: impl Future<Output = T>) -> T {
    tokio::select! {
        ended = geth.run() => panic!("the run ended: {ended:?}"),
        out = test => out,
    }
}

/// Runs Geth in an order: `test` must end it by `stop`.
pub(super) async fn until_stopped(geth: &ManagedGeth, test: impl Future<Output = ()>) {
    let (ended, ()) = tokio::join!(geth.run(), test);
    ended.unwrap();
}

/// How the run fails.
pub(super) async fn failure(geth: &ManagedGeth) -> ManagedError {
    timeout(PATIENCE, geth.run()).await.unwrap().unwrap_err()
}

/// The engine port, with the secret of the file.
pub(super) fn engine(geth: &ManagedGeth) -> Transport {
    let key = JwtKey::read(&geth.jwt()).unwrap();
    let now = Arc::new(|| SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs());
    Transport::new(TransportConfig::engine(geth.engine_url(), key, now)).unwrap()
}

/// A question to the public port.
pub(super) async fn ask(geth: &ManagedGeth, method: &str, params: Value) -> Value {
    let public = Transport::new(TransportConfig::public(geth.public_url())).unwrap();
    public.call(method, &params, PATIENCE).await.unwrap()
}

/// A block by its tag.
pub(super) async fn block(geth: &ManagedGeth, tag: &str) -> Value {
    ask(geth, "eth_getBlockByNumber", json!([tag, false])).await
}

/// Has Geth build a block on its head, and makes that its head. The block's hash.
pub(super) async fn grow(geth: &ManagedGeth) -> String {
    let (engine, head) = (engine(geth), block(geth, "latest").await);
    let second =
        u64::from_str_radix(head["timestamp"].as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
    let zero = format!("0x{:064x}", 0);
    let choice =
        |hash: &Value| json!({ "headBlockHash": hash, "safeBlockHash": zero, "finalizedBlockHash": zero });
    let attributes = json!({
        "timestamp": format!("{:#x}", second + 2),
        "prevRandao": zero,
        "suggestedFeeRecipient": format!("0x{:040x}", 0xfee),
        "withdrawals": [],
        "parentBeaconBlockRoot": zero,
    });
    let call =
        async |method: &str, params: Value| engine.call::<Value>(method, &params, PATIENCE).await.unwrap();
    let begun = call("engine_forkchoiceUpdatedV3", json!([choice(&head["hash"]), attributes])).await;
    let built = call("engine_getPayloadV4", json!([begun["payloadId"]])).await;
    let payload = &built["executionPayload"];
    let judged = call("engine_newPayloadV4", json!([payload, [], zero, []])).await;
    assert_eq!(judged["status"], "VALID", "{judged}");
    let set = call("engine_forkchoiceUpdatedV3", json!([choice(&payload["blockHash"]), null])).await;
    assert_eq!(set["payloadStatus"]["status"], "VALID", "{set}");
    assert_eq!(payload["gasLimit"], format!("{GAS_LIMIT:#x}"), "it keeps the spec's gas limit");
    payload["blockHash"].as_str().unwrap().to_owned()
}

fn process(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
}

/// `kill -9`.
pub(super) fn kill(pid: u32) {
    kill_process(process(pid), Signal::KILL).unwrap();
}

/// Whether there is such a process, one that ended and was not waited for included.
pub(super) fn lives(pid: u32) -> bool {
    test_kill_process(process(pid)).is_ok()
}

/// Waits until there is no such process.
pub(super) async fn gone(pid: u32) {
    let wait = async {
        while lives(pid) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("process {pid} lives on"));
}
