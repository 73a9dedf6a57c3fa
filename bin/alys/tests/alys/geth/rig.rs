//! A node by `alys run` and the external Geth that it works with, under a load of transfers.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use alys_peers::launch::{Client, Geth, LaunchError};
use alys_primitives::ChainSpec;
use parking_lot::Mutex;
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};

use super::outage::{How, Outage, Report, Row};
use crate::{
    kills::{Acknowledged, heads_agree},
    process::{Node, PATIENCE, number, output},
    wallet::Wallet,
};

/// How often the node is asked whether it goes on.
const LOOK: Duration = Duration::from_millis(50);
/// What took longer than this is told with both logs: a slot of two seconds, and what comes on top.
const SLOW: Duration = Duration::from_millis(2500);
/// One client comes back at a time, and the others wait: what is measured is a node with its client, not a
/// machine on which several start at once. After a kill Geth reads its log index anew, which takes a core seconds, and
/// meanwhile takes no more than five blocks.
static RETURNS: Semaphore = Semaphore::const_new(1);
/// What the node logs when its client comes back with another head than storage's.
const REPLAYED: &str = "the execution client is not where storage is: payloads are replayed";
/// Between two transfers of a node's load.
const LOAD: Duration = Duration::from_millis(80);
/// Between two tries of a wallet while the client is away.
const WITHOUT_CLIENT: Duration = Duration::from_millis(250);

/// A node and its client.
pub(crate) struct Rig {
    node: Node,
    /// What the node logs.
    log: PathBuf,
    geth: Arc<Mutex<Client>>,
    chain_id: u64,
    /// Removed at the end.
    _folder: TempDir,
}

impl Rig {
    /// Makes a chain, starts a Geth with its genesis and a node with that Geth.
    pub(crate) async fn start(program: PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let chain = folder.path().join("node");
        let made = output(&["init", "--data-dir", chain.to_str().unwrap(), "--light-kdf"]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let spec = ChainSpec::from_json(&fs::read_to_string(chain.join("chain.json")).unwrap()).unwrap();
        let genesis = serde_json::to_string(&spec.execution_genesis_file()).unwrap();
        let data = folder.path().join("geth");
        let geth = Geth::new(program, &data, &genesis, spec.chain_id, spec.blocks.gas_limit);
        let geth = tokio::task::spawn_blocking(|| geth.start()).await.unwrap().unwrap();
        let config = chain.join("alys.toml");
        point(&config, &geth);
        let arguments =
            ["run", "--config", config.to_str().unwrap(), "--http", "127.0.0.1:0", "--log", "info"];
        let log = folder.path().join("node.log");
        let node = Node::start_logged(&arguments, &log).await;
        let geth = Arc::new(Mutex::new(geth));
        let rig = Self { node, log, geth, chain_id: spec.chain_id, _folder: folder };
        rig.reaches_final(1, PATIENCE).await;
        rig
    }

    /// Lets the client go through these outages, one after the other, under load. Checks after each and at
    /// the end that everything acknowledged is there.
    pub(crate) async fn suffer(self, outages: &[Outage]) -> Report {
        let mut rows = Vec::new();
        let mut acknowledged = Acknowledged::default();
        let mut wallet = Wallet::new(3);
        for outage in outages {
            // Some blocks before the next one.
            let until = self.final_height().await.unwrap() + 3;
            self.load(&mut wallet, &mut acknowledged, self.reaches_final(until, PATIENCE)).await;
            let row = self.load(&mut wallet, &mut acknowledged, self.go_through(*outage)).await;
            // What was acknowledged is in Geth, not only in the node.
            let settled = self.final_height().await.unwrap() + 1;
            self.reaches_final(settled, PATIENCE).await;
            acknowledged.check(&self.node, 0).await;
            // A transaction is acknowledged by its receipt; what a killed Geth has forgotten gets none.
            acknowledged.sent.clear();
            rows.push(row);
        }
        heads_agree(&self.node).await;
        let (blocks, receipts) = (acknowledged.blocks.len(), acknowledged.receipts.len());
        Report { rows, blocks, receipts }
    }

    /// One outage: from its return to the first final block after it.
    async fn go_through(&self, outage: Outage) -> Row {
        self.with_geth(move |geth| match outage.how {
            How::Killed => geth.kill(),
            How::Stopped => geth.interrupt(),
            How::Wiped => geth.wipe(),
        })
        .await;
        sleep(Duration::from_secs(outage.seconds)).await;
        let _alone = RETURNS.acquire().await.unwrap();
        let before = self.final_height().await.unwrap();
        let logs = [self.log.clone(), self.geth.lock().output()].map(|file| (length(&file), file));
        let from = logs[0].0;
        let started = Instant::now();
        self.with_geth(Client::start).await;
        let returned = Instant::now();
        self.reaches_final(before + 1, PATIENCE).await;
        let resumed = returned.elapsed();
        if resumed > SLOW {
            let start = returned - started;
            println!("after {outage:?} Geth took {start:?} to return, and the node {resumed:?} to go on:");
            for (from, file) in logs {
                println!("{}:\n{}", file.display(), since(from, &file));
            }
        }
        Row { outage, resumed, forgotten: forgotten(&since(from, &self.log)) }
    }

    async fn with_geth(&self, what: impl FnOnce(&mut Client) -> Result<(), LaunchError> + Send + 'static) {
        let geth = Arc::clone(&self.geth);
        tokio::task::spawn_blocking(move || what(&mut geth.lock())).await.unwrap().unwrap();
    }

    /// Sends transfers and notes what the node says of them, until `work` is done.
    async fn load<T>(
        &self,
        wallet: &mut Wallet,
        acknowledged: &mut Acknowledged,
        work: impl Future<Output = T>,
    ) -> T {
        let load = async {
            let mut knows_nonce = false;
            loop {
                // Without its client the node answers errors, and a killed Geth has forgotten transactions:
                // what is sent with a nonce above theirs would wait for ever.
                if knows_nonce {
                    match wallet.send(&self.node, self.chain_id).await {
                        Ok(hash) => acknowledged.sent.push(hash),
                        Err(_) => knows_nonce = false,
                    }
                } else {
                    knows_nonce = wallet.try_resume(&self.node).await.is_ok();
                }
                // What cannot be asked now is asked next time.
                let _ = acknowledged.note(&self.node).await;
                sleep(if knows_nonce { LOAD } else { WITHOUT_CLIENT }).await;
            }
        };
        tokio::select! {
            () = load => unreachable!("it has no end"),
            done = work => done,
        }
    }

    /// The height of the last final block, from the node's own storage: it knows without its client.
    async fn final_height(&self) -> Result<u64, String> {
        let status = self.node.try_call("alys_status", json!([])).await?;
        Ok(status["finalized"]["height"].as_u64().unwrap())
    }

    async fn reaches_final(&self, height: u64, patience: Duration) {
        let wait = async {
            while self.final_height().await.unwrap_or(0) < height {
                sleep(LOOK).await;
            }
        };
        if timeout(patience, wait).await.is_err() {
            let status = self.node.call("alys_status", json!([])).await;
            let head = self.node.try_call("eth_blockNumber", json!([])).await.map(|head| number(&head));
            panic!("block {height} does not become final: {status}; the client's head is {head:?}");
        }
    }
}

fn length(file: &Path) -> usize {
    fs::metadata(file).map_or(0, |found| usize::try_from(found.len()).unwrap())
}

/// What was written to a file since it had this length.
fn since(length: usize, file: &Path) -> String {
    let bytes = fs::read(file).unwrap_or_default();
    String::from_utf8_lossy(bytes.get(length..).unwrap_or_default()).into_owned()
}

/// How many blocks the client lacked that the node found elsewhere, by the node's log: its line says where storage and
/// the client stand.
fn forgotten(log: &str) -> u64 {
    let number = |line: &str, name: &str| -> Option<u64> {
        line.split_whitespace().find_map(|word| word.strip_prefix(name)?.parse().ok())
    };
    let lines = log.lines().filter(|line| line.contains(REPLAYED));
    let lacks = |line| Some(number(line, "storage=")?.saturating_sub(number(line, "engine=")?));
    lines
        .map(|line| lacks(line).unwrap_or_else(|| panic!("it does not say where they stand: {line}")))
        .max()
        .unwrap_or(0)
}

/// Writes the client into the node's configuration.
fn point(config: &Path, geth: &Client) {
    let mut text = fs::read_to_string(config).unwrap();
    let jwt = geth.jwt();
    for (line, value) in [
        ("client = \"embedded\"", "client = \"external\"".to_owned()),
        ("url = \"http://127.0.0.1:8551\"", format!("url = {:?}", geth.engine_url())),
        ("jwt_file = \"\"", format!("jwt_file = {:?}", jwt.to_str().unwrap())),
        ("http_url = \"\"", format!("http_url = {:?}", geth.public_url())),
    ] {
        assert_eq!(text.matches(line).count(), 1, "{line}");
        text = text.replace(line, &value);
    }
    fs::write(config, text).unwrap();
}
