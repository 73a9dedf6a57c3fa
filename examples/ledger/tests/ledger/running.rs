//! The program as its user runs it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

pub(crate) fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_ledger"))
}

/// A running ledger whose input is endless: the pages it is given are numbered.
pub(crate) struct Running {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    given: u64,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output, given: 0 }
    }

    pub(crate) fn on(folder: &Path, backend: &str) -> Self {
        let mut command = Command::new(program());
        command.arg("run").arg(folder).arg(backend);
        Self::start(command)
    }

    /// Gives pages, without waiting for them. An error means that the program has ended.
    pub(crate) fn give(&mut self, pages: u64, length: usize) -> std::io::Result<()> {
        for _ in 0..pages {
            self.given += 1;
            writeln!(self.input, "entry {} {}", self.given, "x".repeat(length))?;
        }
        self.input.flush()
    }

    /// The next line it prints; `None` when it has ended. A line that was cut is none.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.strip_suffix('\n').map(ToOwned::to_owned)
    }

    pub(crate) fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        // What it had printed before it died.
        std::iter::from_fn(|| self.line()).collect()
    }

    /// Closes the input and waits for the end.
    pub(crate) fn end(self) -> (Vec<String>, Output) {
        let Self { child, input, mut output, .. } = self;
        drop(input);
        let mut lines = Vec::new();
        let mut line = String::new();
        while output.read_line(&mut line).unwrap() > 0 {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
        }
        (lines, child.wait_with_output().unwrap())
    }
}

/// Height and hash of a page that was acknowledged.
pub(crate) fn acknowledged(line: &str) -> Option<(u64, String)> {
    let (height, hash) = line.strip_prefix("kept ")?.split_once(' ')?;
    Some((height.parse().ok()?, hash.to_owned()))
}

/// Every page of the ledger, after reading everything.
pub(crate) fn verify(folder: &Path, backend: &str) -> BTreeMap<u64, String> {
    let output = Command::new(program()).arg("verify").arg(folder).arg(backend).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let page = |line: &str| {
        let mut words = line.strip_prefix("page ")?.split(' ');
        Some((words.next()?.parse().ok()?, words.next()?.to_owned()))
    };
    text.lines().filter_map(page).collect()
}

#[test]
fn each_line_becomes_a_page_and_the_program_ends_with_its_input() {
    for backend in ["sled", "redb"] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("ledger");
        for round in 0..3 {
            let mut ledger = Running::on(&folder, backend);
            ledger.give(20, 10).unwrap();
            let (lines, output) = ledger.end();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(
                lines.iter().filter_map(|line| acknowledged(line)).count(),
                20 + usize::from(round == 0)
            );
            let pages = verify(&folder, backend);
            assert_eq!(pages.len(), 21 + 20 * round);
        }
    }
}

#[test]
fn a_second_process_on_the_same_folder_is_told_to_stop_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("ledger");
    let mut first = Running::on(&folder, "redb");
    first.give(1, 10).unwrap();
    while acknowledged(&first.line().unwrap()).is_none() {}
    let (_, second) = Running::on(&folder, "redb").end();
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(
        said.trim_end().ends_with("stop it") || said.contains("in use by another process; stop it"),
        "{said}"
    );
    first.end();
}
