//! Development tasks, one command each: what CI runs, and its parts.
//!
//! `cargo xtask ci` is what has to pass before anything lands. Each part can be run alone.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use clap::{Parser, Subcommand};
use eyre::{OptionExt as _, WrapErr as _, ensure};

mod contracts;
mod peers;
mod wallets;

/// Development tasks of Alys.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
enum Task {
    /// Everything that CI runs, in its order.
    Ci,
    /// Formatting.
    Fmt,
    /// Clippy over all targets, warnings denied.
    Clippy,
    /// The documentation, warnings denied.
    Docs,
    /// Install the programs of others that tests run against: Geth, EthereumJS, t8n, anvil, solc, web3.py.
    Peers {
        /// Which; without names, all.
        names: Vec<String>,
        /// Only show what is there.
        #[arg(long)]
        list: bool,
    },
    /// Compile the bridge predeploy into its artifacts. Needs node and npm.
    Contracts {
        /// Only compare: fail where the tree's artifacts are not what the source compiles to.
        #[arg(long)]
        check: bool,
    },
    /// All tests: the README's command.
    Test,
    /// viem, ethers and web3.py against `alys dev`, embedded and with Geth. Needs node and npm.
    Wallets,
    /// A node whose Geth is killed, stopped and wiped under load, 81 times: about eight minutes.
    Outages,
}

fn main() -> ExitCode {
    match run(Cli::parse().task, &[]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Where a peer is absent, a test that needs it fails.
const PEERS_REQUIRED: Variables<'_> = &[("ALYS_PEERS", "required")];

type Variables<'a> = &'a [(&'a str, &'a str)];

fn ci() -> eyre::Result<()> {
    [Task::Fmt, Task::Contracts { check: true }, Task::Clippy, Task::Docs]
        .into_iter()
        .try_for_each(|task| run(task, &[]))?;
    run(Task::Peers { names: Vec::new(), list: false }, &[])?;
    [Task::Test, Task::Wallets, Task::Outages].into_iter().try_for_each(|task| run(task, PEERS_REQUIRED))
}

/// Does one task, its tests with `variables`.
fn run(task: Task, variables: Variables<'_>) -> eyre::Result<()> {
    match task {
        Task::Ci => ci(),
        Task::Fmt => cargo(&["fmt", "--all", "--check"], &[]),
        Task::Clippy => {
            cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"], &[])
        }
        Task::Docs => {
            cargo(&["doc", "--workspace", "--no-deps", "--locked"], &[("RUSTDOCFLAGS", "-D warnings")])
        }
        Task::Peers { list: true, .. } => peers::list(&root()?),
        Task::Peers { names, .. } => peers::install(&root()?, &names),
        Task::Test => cargo(&["test", "--workspace", "--locked"], variables),
        Task::Contracts { check } => contracts::run(&root()?, check),
        Task::Wallets => {
            // The program as the workspace's tests have it, all of them: what one test alone needs has other
            // features, and would be compiled a second time.
            cargo(&["test", "--workspace", "--no-run", "--locked"], &[])?;
            wallets::run(&root()?, variables)
        }
        Task::Outages => {
            let tests = ["test", "--workspace", "--tests", "--locked", "--"];
            cargo(&[&tests[..], &["--ignored", "--nocapture", "all_outages"]].concat(), PEERS_REQUIRED)
        }
    }
}

/// The workspace's folder: where cargo runs this from, for a checkout may have moved since it was compiled.
fn root() -> eyre::Result<PathBuf> {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Ok(Path::new(&manifest).parent().ok_or_eyre("xtask stands in the workspace")?.to_path_buf())
}

fn cargo(arguments: &[&str], variables: Variables<'_>) -> eyre::Result<()> {
    println!("$ cargo {}", arguments.join(" "));
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root()?).stdin(Stdio::null());
    // What cargo told this program of its own package: build scripts (ring's) look at it, so that all would be
    // compiled anew, and once more when cargo is called by hand.
    let of_package = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(of_package)) {
        command.env_remove(name);
    }
    status(command.envs(variables.iter().copied()))
}

/// Runs a command to its end; anything but success is an error.
pub(crate) fn status(command: &mut Command) -> eyre::Result<()> {
    let name = format!("{command:?}");
    let status = command.status().wrap_err_with(|| format!("cannot start {name}"))?;
    ensure!(status.success(), "{name} failed: {status}");
    Ok(())
}
