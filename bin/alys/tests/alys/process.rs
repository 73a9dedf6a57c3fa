//! A node as a child process, and questions to it.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The program, with none of the caller's own configuration in its environment.
pub(crate) fn alys() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alys"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ALYS_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn output(arguments: &[&str]) -> Output {
    alys().args(arguments).output().unwrap()
}

/// A running node.
pub(crate) struct Node {
    child: Child,
    /// Where it answers.
    pub(crate) url: String,
    /// What it printed before it listened.
    pub(crate) banner: Vec<String>,
    client: reqwest::Client,
}

impl Node {
    /// Starts `alys` with `arguments`, and waits until it listens.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        Self::start_in(arguments, &[]).await
    }

    /// The same, with these variables in its environment.
    pub(crate) async fn start_in(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = alys();
        command.args(arguments).envs(variables.iter().copied());
        Self::listening(command).await
    }

    /// The same, with its log in the file `log`.
    pub(crate) async fn start_logged(arguments: &[&str], log: &Path) -> Self {
        let mut command = alys();
        command.args(arguments).stderr(File::create(log).unwrap());
        Self::listening(command).await
    }

    async fn listening(mut command: Command) -> Self {
        command.stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = child.stdout.take().unwrap();
        let read = tokio::task::spawn_blocking(move || {
            let mut banner = Vec::new();
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("Listening on ") {
                    return (Some(address.to_owned()), banner);
                }
                banner.push(line);
            }
            (None, banner)
        });
        let (address, banner) =
            timeout(PATIENCE, read).await.expect("the node says where it listens").unwrap();
        let Some(address) = address else {
            panic!("the node ended before it listened: {}", child.wait().unwrap());
        };
        Self { child, url: format!("http://{address}"), banner, client: reqwest::Client::new() }
    }

    /// A development chain kept in `folder`, with slots of one second.
    pub(crate) async fn dev(folder: &Path) -> Self {
        Self::start(&dev_arguments(folder)).await
    }

    /// A node to whose output and log nobody listens, and which serves `address`.
    pub(crate) fn unheard(arguments: &[&str], address: SocketAddr) -> Self {
        let mut command = alys();
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        Self { child, url: format!("http://{address}"), banner: Vec::new(), client: reqwest::Client::new() }
    }

    /// One JSON-RPC request; an answer with an error is an `Err`.
    pub(crate) async fn try_call(&self, method: &str, params: Value) -> Result<Value, String> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let sent = self.client.post(&self.url).json(&request).send().await.map_err(|e| e.to_string())?;
        let mut answer: Value = sent.json().await.map_err(|e| e.to_string())?;
        match answer.get("error") {
            Some(error) => Err(error.to_string()),
            None => Ok(answer["result"].take()),
        }
    }

    /// One JSON-RPC request that must succeed.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        self.try_call(method, params.clone()).await.unwrap_or_else(|e| panic!("{method} {params}: {e}"))
    }

    /// The chain's status, once it is loaded: blocks are there to be read before.
    pub(crate) async fn status(&self) -> Value {
        let wait = async {
            loop {
                match self.try_call("alys_status", json!([])).await {
                    Ok(status) => return status,
                    Err(_) => sleep(Duration::from_millis(20)).await,
                }
            }
        };
        timeout(PATIENCE, wait).await.expect("the chain is loaded in time")
    }

    /// The head's height.
    pub(crate) async fn height(&self) -> u64 {
        number(&self.call("eth_blockNumber", json!([])).await)
    }

    /// Waits until the head is at least at `height`; the chain has no event over HTTP, so it is asked.
    pub(crate) async fn reaches(&self, height: u64) {
        let wait = async {
            while self.try_call("eth_blockNumber", json!([])).await.map(|n| number(&n)).unwrap_or(0) < height
            {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("the chain does not reach {height}"));
    }

    /// Waits until the engine's safe block is at least at `height`: the status tells what is final as soon as storage has
    /// it, and the engine follows a moment later.
    pub(crate) async fn reaches_safe(&self, height: u64) {
        let safe = async || self.try_call("eth_getBlockByNumber", json!(["safe", false])).await;
        let wait = async {
            while safe().await.map(|block| number(&block["number"])).unwrap_or(0) < height {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("block {height} does not become safe"));
    }

    /// `kill -9`: no handler runs.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal and waits for the end.
    pub(crate) async fn stop(&mut self, signal: &str) -> ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let ended = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, ended).await.expect("the node stops in time")
    }
}

/// How a development chain in `folder` is started, with slots of one second.
pub(crate) fn dev_arguments(folder: &Path) -> Vec<&str> {
    let mut arguments = vec!["dev", "--http", "127.0.0.1:0", "--log", "warn", "--data-dir"];
    arguments.push(folder.to_str().unwrap());
    if !folder.join("chain.json").exists() {
        arguments.extend(["--slot-seconds", "1"]);
    }
    arguments
}

/// Starts `alys`, and kills it after `moment`; whether it had said by then that it listens.
pub(crate) async fn killed_while_starting(arguments: &[&str], moment: Duration) -> bool {
    let mut child = alys().args(arguments).stdout(Stdio::piped()).spawn().unwrap();
    // Not a wait for anything: the moment of the kill.
    sleep(moment).await;
    child.kill().unwrap();
    let said = child.wait_with_output().unwrap().stdout;
    String::from_utf8_lossy(&said).contains("Listening on ")
}

impl Drop for Node {
    fn drop(&mut self) {
        // After `kill` or `stop` it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A hex quantity.
pub(crate) fn number(value: &Value) -> u64 {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no quantity"));
    u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap()
}
