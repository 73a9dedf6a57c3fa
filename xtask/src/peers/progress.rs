//! Runs commands that take minutes, and says meanwhile for how long, and what they do.
//!
//! On a terminal it is one line that changes; elsewhere (a log of CI) a plain line every some seconds. What a
//! command printed is shown as a whole only where it failed.

use std::{
    collections::VecDeque,
    io::{self, BufRead as _, BufReader, IsTerminal as _, Write},
    process::{Command, Stdio},
    sync::mpsc::{RecvTimeoutError, sync_channel},
    thread,
    time::{Duration, SystemTime},
};

use eyre::{WrapErr as _, ensure};

/// How much of a failed command's output is shown: `go install` prints a line for each of its 600 packages.
const KEPT: usize = 100;

/// A line that is to change may not be longer than the terminal is wide.
const WIDTH: usize = 79;

/// One installation, as it is shown.
pub(super) struct Progress<W = io::Stdout> {
    what: String,
    started: Duration,
    shown: Duration,
    every: Duration,
    terminal: bool,
    out: W,
}

impl Progress {
    /// Of `what`, from now on, to standard output.
    pub(super) fn start(what: String) -> Self {
        let out = io::stdout();
        let terminal = out.is_terminal();
        Self::new(
            what,
            if terminal { Duration::from_secs(1) } else { Duration::from_secs(10) },
            terminal,
            out,
        )
    }
}

impl<W: Write> Progress<W> {
    fn new(what: String, every: Duration, terminal: bool, out: W) -> Self {
        Self { what, started: now(), shown: now(), every, terminal, out }
    }

    /// A line of its own, which stays.
    pub(super) fn say(&mut self, text: &str) -> io::Result<()> {
        let clear = if self.terminal { "\r\x1b[K" } else { "" };
        writeln!(self.out, "{clear}{}: {text}", self.what)?;
        self.out.flush()
    }

    /// The last line: for how long it took.
    pub(super) fn done(&mut self) -> io::Result<()> {
        let took = elapsed(self.started);
        self.say(&format!("installed in {took}"))
    }

    /// What is being done, where it is time to say so again.
    fn tick(&mut self, doing: &str) -> io::Result<()> {
        if now().saturating_sub(self.shown) < self.every {
            return Ok(());
        }
        self.shown = now();
        let text = format!("{}, {doing}", elapsed(self.started));
        if !self.terminal {
            return self.say(&text);
        }
        let line: String = format!("{}: {text}", self.what).chars().take(WIDTH).collect();
        write!(self.out, "\r{line}\x1b[K")?;
        self.out.flush()
    }

    /// Runs a command to its end, and shows the last line that it printed, or `doing` before the first.
    ///
    /// # Errors
    /// Where it cannot be started or fails: with what it printed last, and what it `needs`.
    pub(super) fn run(&mut self, command: &mut Command, doing: &str, needs: &str) -> eyre::Result<()> {
        let name = format!("{command:?}");
        let (reader, writer) = io::pipe().wrap_err("cannot make a pipe for a command's output")?;
        let second = writer.try_clone().wrap_err("cannot use a pipe twice")?;
        let spawned = command.stdin(Stdio::null()).stdout(writer).stderr(second).spawn();
        // What it keeps of the pipe goes with it: else the pipe would have no end.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = spawned.wrap_err_with(|| format!("cannot start {name}; {needs}"))?;
        let mut said = VecDeque::new();
        thread::scope(|scope| -> io::Result<()> {
            let (lines, printed) = sync_channel(64);
            scope.spawn(move || {
                let lines_of = BufReader::new(reader).split(b'\n').map_while(Result::ok);
                // Whoever shows them has gone where it could not print.
                lines_of.map(|line| lines.send(line)).take_while(Result::is_ok).for_each(drop);
            });
            loop {
                match printed.recv_timeout(self.every) {
                    Ok(line) => {
                        said.push_back(String::from_utf8_lossy(&line).trim_end().to_owned());
                        said.drain(..said.len().saturating_sub(KEPT));
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                }
                let last = said.back().filter(|line| !line.is_empty());
                self.tick(last.map_or(doing, String::as_str))?;
            }
        })
        .wrap_err("cannot print what is done")?;
        let status = child.wait().wrap_err_with(|| format!("cannot wait for {name}"))?;
        let said = said.make_contiguous().join("\n");
        ensure!(status.success(), "{name} failed ({status}); {needs}\n{said}");
        Ok(())
    }
}

/// Time for what is printed. No node runs here, whose clock it would have to be.
fn now() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}

fn elapsed(since: Duration) -> String {
    let seconds = now().saturating_sub(since).as_secs();
    if seconds < 60 { format!("{seconds} s") } else { format!("{} min {:02} s", seconds / 60, seconds % 60) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, terminal: bool) -> (eyre::Result<()>, String) {
        let mut out = Vec::new();
        let mut progress = Progress::new("geth 1".to_owned(), Duration::from_millis(20), terminal, &mut out);
        let mut command = Command::new("sh");
        let outcome = progress.run(command.args(["-c", script]), "go install", "it needs a shell");
        progress.done().unwrap();
        (outcome, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_command_that_takes_long_is_said_to_be_at_work_by_plain_lines_with_its_last_word() {
        let (outcome, shown) = shell("sleep 0.2; echo compiling core/vm; sleep 0.2", false);
        outcome.unwrap();
        assert!(shown.contains("geth 1: 0 s, go install\n"), "{shown}");
        assert!(shown.contains("geth 1: 0 s, compiling core/vm\n"), "{shown}");
        assert!(shown.ends_with("geth 1: installed in 0 s\n"), "{shown}");
        assert!(!shown.contains('\x1b') && !shown.contains('\r'), "{shown}");
    }

    #[test]
    fn on_a_terminal_it_is_one_line_of_bounded_width() {
        let (outcome, shown) = shell(&format!("echo {}; sleep 0.2", "x".repeat(300)), true);
        outcome.unwrap();
        assert_eq!(shown.matches('\n').count(), 1, "{shown}");
        let lines = shown.split('\r').map(|line| line.trim_end_matches("\x1b[K").chars().count());
        assert!(lines.into_iter().all(|width| width <= WIDTH), "{shown}");
    }

    #[test]
    fn what_a_failed_command_said_last_on_both_streams_is_in_the_error() {
        let (outcome, _) =
            shell("for i in $(seq 300); do echo line $i; done; echo broken >&2; exit 3", false);
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("it needs a shell") && error.contains("line 300"), "{error}");
        assert!(error.contains("broken") && !error.contains("line 100\n"), "{error}");
        let mut nothing = Progress::new(String::new(), Duration::from_secs(1), false, Vec::new());
        let absent = nothing.run(&mut Command::new("/nowhere/go"), "go", "it needs Go").unwrap_err();
        assert!(absent.to_string().contains("it needs Go"), "{absent}");
    }
}
