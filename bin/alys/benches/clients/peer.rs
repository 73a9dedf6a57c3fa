//! The nodes that are measured, as child processes.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The gas limit of every block: a second's work of the fastest.
const GAS_LIMIT: &str = "600000000";
const CHAIN_ID: &str = "212121";
/// How many accounts have coins.
pub(crate) const ACCOUNTS: u8 = 40;

/// One node.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
    child: Child,
    _folder: TempDir,
}

/// `alys dev` with the embedded engine, durable.
pub(crate) fn embedded() -> Result<Peer, String> {
    let folder = TempDir::new().unwrap();
    let mut command = alys(&["dev"]);
    command.args(new_chain()).arg("--data-dir").arg(folder.path().join("node")).args(SERVES);
    node("alys dev, embedded", command, folder)
}

/// A validator's way, `alys init` and `alys run`, with a Geth that the node manages.
pub(crate) fn geth() -> Result<Peer, String> {
    alys_peers::geth().map_err(|error| error.to_string())?;
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("node");
    let mut init = alys(&["init", "--light-kdf"]);
    let made = init.args(new_chain()).arg("--data-dir").arg(&data).output();
    let made = made.map_err(|error| format!("{init:?}: {error}"))?;
    if !made.status.success() {
        return Err(format!("{init:?}: {}", String::from_utf8_lossy(&made.stderr)));
    }
    let mut command = alys(&["run", "--config"]);
    command.arg(data.join("alys.toml")).args(SERVES).env("ALYS_EXECUTION__CLIENT", "geth");
    node("alys run, Geth", command, folder)
}

/// On a free port, and quietly.
const SERVES: [&str; 4] = ["--http", "127.0.0.1:0", "--log", "warn"];

/// The chain of both: `alys dev` and `alys init` fund the same accounts.
fn new_chain() -> [String; 6] {
    ["--slot-seconds", "1", "--gas-limit", GAS_LIMIT, "--accounts", &ACCOUNTS.to_string()].map(str::to_owned)
}

fn alys(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alys"));
    command.args(arguments);
    command
}

fn node(name: &'static str, command: Command, folder: TempDir) -> Result<Peer, String> {
    let (child, address) = started(command, "Listening on ")?;
    Ok(Peer {
        name,
        url: format!("http://{address}"),
        client: reqwest::Client::new(),
        child,
        _folder: folder,
    })
}

/// anvil, in memory.
pub(crate) fn anvil() -> Result<Peer, String> {
    let program = alys_peers::anvil().map_err(|error| error.to_string())?;
    let folder = TempDir::new().unwrap();
    let port = alys_peers::free_port().unwrap().local_addr().unwrap().port();
    let mut command = Command::new(Path::new(&program));
    command.args(["--port", &port.to_string(), "--block-time", "1", "--gas-limit", GAS_LIMIT]);
    command.args(["--chain-id", CHAIN_ID, "--accounts", &ACCOUNTS.to_string()]).current_dir(folder.path());
    let (child, address) = started(command, "Listening on ")?;
    Ok(Peer {
        name: "anvil",
        url: format!("http://{address}"),
        client: reqwest::Client::new(),
        child,
        _folder: folder,
    })
}

/// Starts it, and waits until it says where it listens.
fn started(mut command: Command, before: &str) -> Result<(Child, String), String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    loop {
        line.clear();
        if output.read_line(&mut line).unwrap_or(0) == 0 {
            return Err(format!("{command:?} ended: {}", child.wait().unwrap()));
        }
        if let Some(address) = line.trim().strip_prefix(before) {
            let address = address.to_owned();
            // What it prints later is of no interest, but must not block it.
            std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
            return Ok((child, address));
        }
    }
}

impl Peer {
    /// Waits until it makes blocks.
    pub(crate) async fn is_up(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        while self.height().await < 1 {
            assert!(Instant::now() < until, "{} makes no block", self.name);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// One JSON-RPC request.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let sent = self.client.post(&self.url).json(&request).send().await.unwrap();
        let mut answer: Value = sent.json().await.unwrap();
        assert!(answer.get("error").is_none(), "{} {method}: {answer}", self.name);
        answer["result"].take()
    }

    /// The head's height; 0 while it does not answer.
    pub(crate) async fn height(&self) -> u64 {
        number(&self.call("eth_blockNumber", json!([])).await)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // In order, so that what it manages ends with it.
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let until = Instant::now() + Duration::from_secs(15);
        while Instant::now() < until {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A hex quantity.
pub(crate) fn number(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap_or("0x0").trim_start_matches("0x"), 16).unwrap()
}
