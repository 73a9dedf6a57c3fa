//! The last steps of a process.

use std::{
    fmt::Display,
    future::Future,
    process::{ExitCode, Termination},
    time::Duration,
};

use crate::ExitReport;

/// How long the runtime may take to drop what still runs, once every actor has stopped.
const RUNTIME_WITHIN: Duration = Duration::from_secs(1);

/// Runs a node on a runtime of its own, and makes its end the process': the exit code, and the reason as the last line of stderr.
///
/// For `main`. Unlike `#[tokio::main]` it does not wait for what cannot end: a handler that holds a thread of the runtime would keep
/// the process for ever.
pub fn run_until_exit<E: Display>(node: impl Future<Output = Result<ExitReport, E>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("stopped: the runtime did not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(node);
    runtime.shutdown_timeout(RUNTIME_WITHIN);
    match outcome {
        Ok(report) => report.report(),
        Err(error) => {
            eprintln!("stopped: {error}");
            ExitCode::FAILURE
        }
    }
}
