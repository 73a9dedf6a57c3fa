//! Development tasks, one command each: what CI runs, and its parts.
//!
//! `cargo xtask ci` is what has to pass before anything lands. Each part can be run alone.

use std::{
    env, panic,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    thread,
};

use clap::{Parser, Subcommand};
use eyre::{OptionExt as _, WrapErr as _, ensure};

mod compiler;
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
    /// The README's command: all tests but those of the wallets and the outages.
    Test,
    /// viem, ethers and web3.py against `alys dev`, embedded and with Geth. Needs node and npm.
    Wallets,
    /// A node whose Geth is killed, stopped and wiped under load, 81 times: some six minutes.
    Outages,
}

fn main() -> ExitCode {
    let done = if compiler::is_called() {
        compiler::run()
    } else {
        run(Cli::parse().task, &[]).map(|()| ExitCode::SUCCESS)
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Where a peer is absent, a test that needs it fails.
const PEERS_REQUIRED: Variables<'_> = &[("ALYS_PEERS", "required")];

type Variables<'a> = &'a [(&'a str, &'a str)];

fn ci() -> eyre::Result<()> {
    run(Task::Fmt, &[])?;
    run(Task::Contracts { check: true }, &[])?;
    let compiler = compiler::install()?;
    let variables = [PEERS_REQUIRED, &[("RUSTC_WORKSPACE_WRAPPER", &compiler)]].concat();
    // What waits runs beside what computes.
    both(
        || run(Task::Peers { names: Vec::new(), list: false }, &[]),
        || cargo(&["test", "--workspace", "--all-targets", "--no-run", "--locked"], &variables),
    )?;
    both(|| run(Task::Test, &variables), || run(Task::Wallets, &variables))?;
    // By themselves: they are held to seconds.
    run(Task::Outages, &variables)
}

/// Does both at the same time, to their ends; the first's error before the second's.
fn both(
    first: impl FnOnce() -> eyre::Result<()> + Send,
    second: impl FnOnce() -> eyre::Result<()>,
) -> eyre::Result<()> {
    thread::scope(|scope| {
        let first = scope.spawn(first);
        let second = second();
        first.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked)).and(second)
    })
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
            cargo(&["test", "--workspace", "--no-run", "--locked"], variables)?;
            wallets::run(&root()?, variables)
        }
        Task::Outages => {
            let tests = ["test", "--workspace", "--tests", "--locked", "--"];
            let required = [PEERS_REQUIRED, variables].concat();
            cargo(&[&tests[..], &["--ignored", "--nocapture", "all_outages"]].concat(), &required)
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
