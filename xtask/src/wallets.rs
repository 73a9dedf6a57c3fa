//! viem and ethers against a real `alys dev`: the scenarios of `tests/wallets`.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use eyre::{OptionExt as _, WrapErr as _, bail};

use crate::status;

/// A child process that does not outlive this one's interest in it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Installs the clients by their lock file, starts the node on a free port, and runs the scenarios.
pub(crate) fn run(root: &Path) -> eyre::Result<()> {
    let clients = root.join("tests/wallets");
    status(
        Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&clients),
    )
    .wrap_err("the wallet scripts need Node.js 20 or later, and npm")?;
    let node = root.join("target/debug/alys");
    let child = Command::new(&node)
        .args(["dev", "--http", "127.0.0.1:0", "--slot-seconds", "1", "--log", "warn"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .wrap_err_with(|| format!("cannot start {}", node.display()))?;
    let mut running = Running(child);
    let output = running.0.stdout.take().ok_or_eyre("the node's output is a pipe")?;
    // The node says where it listens, or ends, which ends its output.
    let address = BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("Listening on ").map(str::to_owned));
    let Some(address) = address else { bail!("`alys dev` ended before it listened") };
    status(Command::new("node").args(["run.mjs", &format!("http://{address}")]).current_dir(&clients))
}
