//! Ends Geth where the node cannot: after `kill -9` of the node.
//!
//! A shell waits for the end of a pipe that this process alone can write to. The system closes the pipe when
//! the node is gone, however it went; the shell then stops Geth in order, and kills it if that takes too long.
//! (Linux could send a signal at a parent's death, but only if asked for by code that is not safe Rust, and
//! at the death of a thread at that.) Should the guard be killed as well, the next node that takes the folder
//! ends what was left over.

use std::process::Stdio;

use tokio::process::{Child, Command};

/// `$1` is Geth's process. Blocks until the pipe ends; 300 looks of 0.1 s are the 30 s that Geth has.
const SCRIPT: &str = "read -r _; kill -INT \"$1\" 2>/dev/null || exit 0; n=0; \
    while kill -0 \"$1\" 2>/dev/null; do n=$((n+1)); [ $n -gt 300 ] && kill -KILL \"$1\"; sleep 0.1; done";

/// Ends Geth when this process ends. Dropping it does nothing to Geth.
#[derive(Debug)]
pub(super) struct Guard {
    shell: Option<Child>,
}

impl Guard {
    /// Watches over that Geth.
    pub(super) fn over(pid: u32) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "alys-geth-guard", &pid.to_string()]);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // A Ctrl-C in a terminal goes to the node, which ends Geth when it is its turn.
        shell.process_group(0).kill_on_drop(true);
        let shell = shell.spawn();
        if let Err(error) = &shell {
            tracing::warn!(%error, "no shell to end Geth should this node be killed; the next start would end it");
        }
        Self { shell: shell.ok() }
    }

    /// Ends the watch, before Geth's process id can be another's.
    pub(super) async fn dismiss(&mut self) {
        if let Some(mut shell) = self.shell.take() {
            // It may have ended by itself.
            let _ = shell.kill().await;
        }
    }
}
