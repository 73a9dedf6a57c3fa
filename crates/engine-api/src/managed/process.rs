//! One life of a Geth: from its start to its end.

use std::{
    path::Path,
    pin::Pin,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use alys_peers::GethFlags;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::{Instant, Sleep, interval, sleep, timeout},
};

use super::{ManagedError, error::tried, guard::Guard, log::Log, ports::Port};

/// From its first answer until it listens to SIGINT, at least: it opens its ports first, and computes KZG's tables meanwhile,
/// some seconds of a core. A signal that comes earlier ends it like SIGKILL, and what it holds in memory is lost. On a busy
/// machine it takes longer, as did the start before: it is given as much time again as it took to answer.
const SETTLES: Duration = Duration::from_secs(4);

/// After its end, for what it printed last: a process that it started may hold the pipe open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A Geth that runs. Dropping it kills the process.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pid: u32,
    started: Instant,
    guard: Guard,
    log: Log,
    /// Ends when it listens to SIGINT; none before it was ready: then it has done nothing worth keeping.
    settled: Option<Pin<Box<Sleep>>>,
}

impl Process {
    /// Starts it. It is ready later.
    pub(super) fn start(program: &Path, flags: &GethFlags) -> Result<Self, ManagedError> {
        let mut command = Command::new(program);
        command.args(flags.run()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        // A Ctrl-C in a terminal goes to the node, which ends Geth when it is its turn.
        command.process_group(0).kill_on_drop(true);
        let mut child = tried(|| format!("cannot start {}", program.display()), command.spawn())?;
        let (Some(pid), Some(output)) = (child.id(), child.stderr.take()) else {
            let source = std::io::Error::other("it has neither an id nor an output");
            return Err(ManagedError::Io { what: format!("cannot watch {}", program.display()), source });
        };
        let started = moment();
        Ok(Self { child, pid, started, guard: Guard::over(pid), log: Log::new(output), settled: None })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// The last lines it printed.
    pub(super) fn said(&self) -> String {
        self.log.last()
    }

    /// Waits until it has ended by itself, telling what it prints. Safe to be dropped and called again.
    pub(super) async fn ended(&mut self) -> Result<ExitStatus, ManagedError> {
        let mut second = interval(Duration::from_secs(1));
        let status = loop {
            tokio::select! {
                status = self.child.wait() => break status,
                () = self.log.forward(), if !self.log.is_over() => {}
                _ = second.tick() => self.log.second(),
            }
        };
        self.guard.dismiss().await;
        // What it said last is told even where the pipe does not end.
        let _ = timeout(LAST_WORDS, self.log.forward()).await;
        tried(|| "cannot wait for Geth".to_owned(), status)
    }

    /// Waits until both ports answer.
    pub(super) async fn ready(&mut self, ports: [&Port; 2], patience: Duration) -> Result<(), ManagedError> {
        let answer = async {
            for port in ports {
                port.answers().await;
            }
        };
        tokio::select! {
            status = self.ended() => Err(ManagedError::Ended { status: status?, said: self.said() }),
            answered = timeout(patience, answer) => match answered {
                Ok(()) => {
                    let took = moment().saturating_duration_since(self.started);
                    self.settled = Some(Box::pin(sleep(took.max(SETTLES))));
                    Ok(())
                }
                Err(_) => {
                    self.stop(Duration::ZERO).await?;
                    let seconds = patience.as_secs();
                    Err(ManagedError::Late { what: "answer", seconds, said: self.said() })
                }
            }
        }
    }

    /// Stops it: SIGINT, and SIGKILL where it has not ended after `patience`. Whether it ended in order.
    pub(super) async fn stop(&mut self, patience: Duration) -> Result<bool, ManagedError> {
        if let Some(settled) = self.settled.take().filter(|_| !patience.is_zero()) {
            tokio::select! {
                status = self.ended() => return Ok(status?.success()),
                () = settled => {}
            }
        }
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            // It is not reaped yet, so the id is its own; that it has ended meanwhile is no failure.
            let _ = kill_process(pid, Signal::INT);
        }
        if let Ok(status) = timeout(patience, self.ended()).await {
            return Ok(status?.success());
        }
        tried(|| "cannot kill Geth".to_owned(), self.child.start_kill())?;
        self.ended().await?;
        Ok(false)
    }
}

/// This moment by the clock of the timers here.
fn moment() -> Instant {
    sleep(Duration::ZERO).deadline()
}
