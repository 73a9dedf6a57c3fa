//! SIGINT and SIGTERM, sent to a process of its own: this test binary, started again.
#![cfg(unix)]

use std::{
    process::{Child, Command, ExitCode, Stdio},
    time::Duration,
};

use alys_bus::Context;
use alys_supervisor::{BuildError, ExitReport, HealthLimits, run_until_exit};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::timeout,
};

use crate::actors::{Order, PATIENCE, Stage, Stop, node, puppet};

/// Set in the process that is sent signals: which node it runs.
const ROLE: &str = "ALYS_SUPERVISOR_TEST_NODE";

/// Not a test: what the process runs that the tests below start.
#[test]
#[ignore = "runs only in a process of its own"]
#[allow(clippy::disallowed_methods, reason = "the exit code is what is tested")]
fn the_other_process() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = runtime.block_on(other_process(&role));
    for child in &report.children {
        println!("{} {}", child.actor, child.outcome);
    }
    println!("{report}");
    std::process::exit(report.exit_code().into());
}

/// Not a test either: a node with a handler that never gives its thread back, run as a program's `main` would.
#[test]
#[ignore = "runs only in a process of its own"]
#[allow(clippy::disallowed_methods, reason = "the exit code is what is tested")]
fn the_other_process_with_a_stuck_thread() {
    if std::env::var(ROLE).is_err() {
        return;
    }
    // Never used, and dropped by nobody: the handler waits for ever.
    let (keep, until) = std::sync::mpsc::sync_channel::<()>(0);
    std::mem::forget(keep);
    let code = run_until_exit(async {
        let stage = Stage::default();
        let (address, spec) = puppet(&stage, "a");
        let spec = spec.health(HealthLimits { work: Duration::from_millis(50), ..HealthLimits::default() });
        let builder = node([spec]).grace(Duration::from_millis(100));
        let node = builder.start().await?;
        assert!(node.handle().until_running(PATIENCE).await);
        let order = Order::Block { until };
        address.try_tell(Context::root(PATIENCE), order).unwrap();
        Ok::<_, BuildError>(node.wait().await)
    });
    let success = format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS);
    println!("success: {success}");
    std::process::exit(if success { 0 } else { 1 });
}

async fn other_process(role: &str) -> ExitReport {
    let stage = Stage::default();
    let (_, base) = puppet(&stage, "base");
    let (_, above) = puppet(&stage, "above");
    if role == "stubborn" {
        stage.stops_by("above", Stop::Hang);
    }
    let builder = node([base, above.depends_on("base").stop_within(PATIENCE)]);
    let node = builder.stop_on_signals().start().await.unwrap();
    assert!(node.handle().until_running(PATIENCE).await);
    let mut events = node.handle().events();
    println!("ready");
    crate::actors::event(&mut events, |event| {
        matches!(event, alys_supervisor::Lifecycle::NodeStopping { .. })
    })
    .await;
    println!("stopping");
    node.wait().await
}

/// A process that ends with its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, where the test has not failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    fn signal(&self, signal: &str) {
        let id = self.0.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success());
    }
}

/// Sends the signals to a node of its own process, each when the node says the word before; what it says after, and its exit code.
async fn signalled(role: &str, steps: &[(&str, &str)]) -> (Vec<String>, Option<i32>) {
    let mut child = this_binary("signals::the_other_process")
        .env(ROLE, role)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = tokio::process::ChildStdout::from_std(child.stdout.take().unwrap()).unwrap();
    let mut process = Process(child);
    let mut lines = BufReader::new(stdout).lines();
    for (word, signal) in steps {
        let wait = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line == *word {
                    return true;
                }
            }
            false
        };
        assert!(timeout(PATIENCE, wait).await.unwrap(), "it never said {word}");
        process.signal(signal);
    }
    let mut said = Vec::new();
    let rest = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            said.push(line);
        }
    };
    timeout(PATIENCE + Duration::from_secs(5), rest).await.expect("it did not end");
    let code = process.0.wait().unwrap().code();
    (said, code)
}

#[tokio::test]
async fn sigterm_stops_the_node_in_order_and_the_exit_code_is_0() {
    let (said, code) = signalled("willing", &[("ready", "-TERM")]).await;
    assert_eq!(said, ["stopping", "above stopped", "base stopped", "stopped by SIGTERM"]);
    assert_eq!(code, Some(0));
}

#[tokio::test]
async fn sigint_stops_the_node_in_order_and_the_exit_code_is_0() {
    let (said, code) = signalled("willing", &[("ready", "-INT")]).await;
    assert_eq!(said.last().map(String::as_str), Some("stopped by SIGINT"));
    assert_eq!(code, Some(0));
}

#[tokio::test]
async fn a_second_signal_forces() {
    let steps = [("ready", "-TERM"), ("stopping", "-INT")];
    let (said, code) = signalled("stubborn", &steps).await;
    assert_eq!(
        said,
        [
            "above killed: it did not stop in time",
            "base killed: it did not stop in time",
            "above: killed: it did not stop in time",
            "base: killed: it did not stop in time",
            "a second signal cut the shutdown short",
            "stopped by SIGTERM",
        ]
    );
    assert_eq!(code, Some(1));
}

#[test]
fn a_program_with_a_stuck_thread_ends_and_says_why() {
    let output =
        this_binary("signals::the_other_process_with_a_stuck_thread").env(ROLE, "stuck").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("stopped: a is stuck: hung: Block has run for"), "{last}");
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.lines().any(|line| line.ends_with("success: false")), "{out}");
}

/// This test binary, to be started again for one of its ignored functions.
fn this_binary(function: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", function, "--nocapture"]);
    command
}
