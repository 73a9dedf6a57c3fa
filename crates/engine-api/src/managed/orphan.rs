//! A Geth that outlived the node that owned it: found by its command line, and ended.
//!
//! Asked for only by who holds the folder's lock: then no node that runs owns what is found. Found by its
//! arguments in `/proc` rather than by a file with a process id, which is late by an instant and may name
//! another process after a reboot. Where there is no `/proc`, Geth's own lock on its data refuses a second one.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt as _, path::Path, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{sleep, timeout};

use super::ManagedError;

const POLL: Duration = Duration::from_millis(20);
/// From SIGKILL until the system has taken the process away.
const GONE: Duration = Duration::from_secs(5);

/// Ends every Geth that uses `folder`: in order, or after `patience` by force.
pub(super) async fn end(folder: &Path, patience: Duration) -> Result<(), ManagedError> {
    for pid in using(folder) {
        tracing::warn!(pid = pid.as_raw_nonzero().get(), folder = %folder.display(), "ending a Geth that a killed node left over");
        let failed = |why: String| ManagedError::Orphan {
            pid: pid.as_raw_nonzero().get().unsigned_abs(),
            folder: folder.to_owned(),
            why,
        };
        for (signal, patience) in [(Signal::INT, patience), (Signal::KILL, GONE)] {
            match kill_process(pid, signal) {
                // It has ended by itself.
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => return Err(failed(error.to_string())),
            }
            if timeout(patience, gone(folder, pid)).await.is_ok() {
                break;
            }
        }
        if using(folder).contains(&pid) {
            return Err(failed("it does not end".to_owned()));
        }
    }
    Ok(())
}

async fn gone(folder: &Path, pid: Pid) {
    while is(folder, pid) {
        sleep(POLL).await;
    }
}

/// All processes with `--datadir folder` among their arguments.
fn using(folder: &Path) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(Pid::from_raw).filter(|pid| is(folder, *pid)).collect()
}

/// Whether that process runs with `--datadir folder`. One that has ended has no arguments.
fn is(folder: &Path, pid: Pid) -> bool {
    let arguments = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
    names(&arguments, folder)
}

fn names(arguments: &[u8], folder: &Path) -> bool {
    let arguments: Vec<_> = arguments.split(|byte| *byte == 0).collect();
    arguments.windows(2).any(|pair| pair[0] == b"--datadir" && OsStr::from_bytes(pair[1]) == folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_command_line_with_this_very_folder_is_an_orphan_of_it() {
        let line = b"/x/geth\0--config\0/a/geth.toml\0--datadir\0/a\0--networkid\x001\0";
        assert!(names(line, Path::new("/a")));
        assert!(!names(line, Path::new("/a/geth.toml")));
        assert!(!names(b"/x/geth\0--datadir\0/a/b\0", Path::new("/a")));
        assert!(!names(b"ls\0/a\0", Path::new("/a")));
        assert!(!names(b"", Path::new("/a")));
    }
}
