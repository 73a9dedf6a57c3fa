//! viem, ethers and web3.py against real nodes: the scenarios and the recorder of `tests/wallets`.
//!
//! Three runs at the same time, for they mostly wait for blocks, each on a chain of its own:
//! 1. the scenarios against `alys dev`, whose execution client is embedded;
//! 2. the same against `alys dev --engine geth`, where the node forwards to Geth;
//! 3. the recorder: a Geth follows an embedded chain block by block, and both are asked the same.

use std::{
    env, fs,
    io::{self, BufRead as _, BufReader},
    panic,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use alys_peers::{NotFound, launch::Geth};
use eyre::{OptionExt as _, WrapErr as _, bail, ensure};

use crate::{Variables, status};

/// Of the recorded chain, so that its Geth can be told.
const CHAIN_ID: u64 = 212_121;
const GAS_LIMIT: u64 = 30_000_000;

/// A child process that does not outlive this one's interest in it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder of this run's, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> eyre::Result<Self> {
        let folder = env::temp_dir().join(format!("alys-wallets-{}", std::process::id()));
        fs::create_dir_all(&folder).wrap_err_with(|| format!("cannot make {}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left lies among other temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Installs the clients by their lock file, and does all three runs. Without Geth or web3.py the parts that need them
/// are skipped with the reason; an error where `ALYS_PEERS=required`, here or in `variables`.
pub(crate) fn run(root: &Path, variables: Variables<'_>) -> eyre::Result<()> {
    let clients = root.join("tests/wallets");
    status(
        Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&clients),
    )
    .wrap_err("the wallet scripts need Node.js 20 or later, and npm")?;
    let required = variables.contains(&("ALYS_PEERS", "required"))
        || env::var_os("ALYS_PEERS").is_some_and(|value| value == "required");
    let python = present("web3.py", alys_peers::python(), required)?;
    let geth = present("Geth", alys_peers::geth(), required)?;
    let wallets = Wallets { clients, node: root.join("target/debug/alys"), python };
    thread::scope(|scope| {
        let mut runs = vec![scope.spawn(|| wallets.scenarios("embedded", &[]))];
        if let Some(geth) = geth {
            runs.push(scope.spawn(|| wallets.scenarios("geth", &["--engine", "geth"])));
            runs.push(scope.spawn(|| wallets.record(geth)));
        }
        // All are heard to their end, before the first that failed is returned.
        let ends: Vec<_> = runs.into_iter().map(thread::ScopedJoinHandle::join).collect();
        ends.into_iter().try_for_each(|end| end.unwrap_or_else(|panicked| panic::resume_unwind(panicked)))
    })
}

/// Runs a command to its end; anything but success is an error. Every line that it prints comes after `name`, as soon
/// as it is there.
fn heard(name: &str, command: &mut Command) -> eyre::Result<()> {
    let (reader, writer) = io::pipe()?;
    let described = format!("{command:?}");
    let child = command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).spawn();
    let mut child = Running(child.wrap_err_with(|| format!("cannot start {described}"))?);
    // The command holds the pipe's other end: it would never be closed.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    for line in BufReader::new(reader).lines() {
        println!("{name:<8}  {}", line?);
    }
    let status = child.0.wait()?;
    ensure!(status.success(), "{described} failed: {status}");
    Ok(())
}

/// What is there, or none with the reason.
fn present<T>(name: &str, found: Result<T, NotFound>, required: bool) -> eyre::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(reason) if required => bail!("{name} is required here: {reason}"),
        Err(reason) => {
            println!("skipped {name}: {reason}");
            Ok(None)
        }
    }
}

struct Wallets {
    clients: PathBuf,
    node: PathBuf,
    /// Can import web3.py.
    python: Option<PathBuf>,
}

impl Wallets {
    /// All libraries' scenarios against an `alys dev` in memory, over this engine.
    fn scenarios(&self, engine: &str, flags: &[&str]) -> eyre::Result<()> {
        let (_running, url) = self.dev(&[&["--slot-seconds", "1"], flags].concat())?;
        let mut scripts = Command::new("node");
        scripts.args(["run.mjs", &url]).current_dir(&self.clients);
        if let Some(python) = &self.python {
            scripts.env("ALYS_PYTHON", python);
        }
        heard(engine, &mut scripts).wrap_err_with(|| format!("scenarios over the engine {engine}"))
    }

    /// The recorder, over an embedded chain and a Geth that follows it.
    fn record(&self, geth: PathBuf) -> eyre::Result<()> {
        let folder = Folder::new()?;
        let chain = folder.0.join("chain");
        let data_dir = chain.display().to_string();
        let (id, limit) = (CHAIN_ID.to_string(), GAS_LIMIT.to_string());
        let made = [
            "init",
            "--data-dir",
            &data_dir,
            "--slot-seconds",
            "2",
            "--chain-id",
            &id,
            "--gas-limit",
            &limit,
            "--light-kdf",
        ];
        status(Command::new(&self.node).args(made).stdout(Stdio::null()))?;
        let spec = chain.join("chain.json");
        let genesis = Command::new("node").arg("genesis.mjs").arg(spec).current_dir(&self.clients).output();
        let genesis = genesis.wrap_err("cannot start node")?;
        ensure!(genesis.status.success(), "{}", String::from_utf8_lossy(&genesis.stderr));
        let genesis = String::from_utf8(genesis.stdout)?;
        let (_running, url) = self.dev(&["--data-dir", &data_dir])?;
        let geth = Geth::new(geth, &folder.0.join("geth"), &genesis, CHAIN_ID, GAS_LIMIT).start()?;
        let mut recorder = Command::new("node");
        recorder.arg("record.mjs").arg(url).args([geth.public_url(), geth.engine_url()]).arg(geth.jwt());
        heard("recorder", recorder.current_dir(&self.clients)).wrap_err("the recorder")
    }

    /// Starts `alys dev` on a free port; the process, and where it listens.
    fn dev(&self, flags: &[&str]) -> eyre::Result<(Running, String)> {
        let child = Command::new(&self.node)
            .args(["dev", "--http", "127.0.0.1:0", "--log", "warn"])
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .wrap_err_with(|| format!("cannot start {}", self.node.display()))?;
        let mut running = Running(child);
        let output = running.0.stdout.take().ok_or_eyre("the node's output is a pipe")?;
        // The node says where it listens, or ends, which ends its output.
        let address = BufReader::new(output)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("Listening on ").map(str::to_owned));
        let Some(address) = address else { bail!("`alys dev` ended before it listened") };
        Ok((running, format!("http://{address}")))
    }
}
