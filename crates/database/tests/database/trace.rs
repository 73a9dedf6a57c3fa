//! What a program asked the kernel to write, in order, from the output of `strace -f -y -xx`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A system call that concerns files, with the lines of the trace on which it began and ended.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) started: usize,
    pub(crate) finished: usize,
    pub(crate) call: Call,
}

#[derive(Debug)]
pub(crate) enum Call {
    /// Opened with `O_CREAT`.
    Create(PathBuf),
    Write {
        path: PathBuf,
        offset: u64,
        data: Vec<u8>,
    },
    SetLen {
        path: PathBuf,
        length: u64,
    },
    /// `fsync` or `fdatasync` that succeeded.
    Sync(PathBuf),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    /// A line that the program wrote to standard output after the word `MARK`.
    Mark(String),
}

const CALLS: &str = "openat,write,pwrite64,writev,pwritev,pwritev2,ftruncate,fallocate,fsync,\
    fdatasync,rename,renameat,renameat2,unlink,unlinkat,mmap,copy_file_range,sendfile";

/// Whether strace is there. Where it must be (in CI) and is not, that is a failure.
pub(crate) fn strace_is_here() -> bool {
    let here = Command::new("strace").arg("-V").output().is_ok_and(|out| out.status.success());
    if !here {
        assert!(std::env::var_os("CI").is_none(), "strace is needed here: apt-get install strace");
        println!("skipped: strace is not installed");
    }
    here
}

/// Runs `test` of this very binary under strace, with `env`, and returns what it wrote below `folder`.
pub(crate) fn run(test: &str, env: &[(&str, &str)], folder: &Path) -> Vec<Event> {
    let output = folder.with_extension("strace");
    let status = Command::new("strace")
        .args(["-f", "-y", "-xx", "-s", "4000000", "-e"])
        .arg(format!("trace={CALLS}"))
        .arg("-o")
        .arg(&output)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .envs(env.iter().copied())
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "the traced program failed: {status}");
    parse(&std::fs::read_to_string(&output).unwrap(), folder)
}

/// Files that may be behind after a power cut: see the sled backend's `acknowledged.rs`.
fn is_a_hint(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "acknowledged")
}

/// Acknowledgements that came before a sync of a file (or of the name of a file) written for them.
pub(crate) fn unsynced(events: &[Event]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut lengths: BTreeMap<&Path, u64> = BTreeMap::new();
    let mut wanted: Vec<(&Path, usize)> = Vec::new();
    for event in events {
        match &event.call {
            Call::Write { path, offset, data } if !is_a_hint(path) => {
                let length = lengths.entry(path).or_default();
                *length = (*length).max(offset + data.len() as u64);
                wanted.push((path, event.finished));
            }
            Call::SetLen { path, length } => {
                let before = lengths.insert(path, *length).unwrap_or_default();
                // redb gives back free space at its file's end after a commit is synced: a longer
                // file after a power cut loses nothing. That it opens is shown by the power cuts.
                if *length > before {
                    wanted.push((path, event.finished));
                }
            }
            Call::Create(path) if seen.insert(path.clone()) => {
                wanted.push((path.parent().unwrap(), event.finished));
            }
            Call::Rename(_, to) => wanted.push((to.parent().unwrap(), event.finished)),
            _ => {}
        }
    }
    let mut faults = Vec::new();
    for ack in events {
        let Call::Mark(text) = &ack.call else { continue };
        if !text.starts_with("done") {
            continue;
        }
        for (path, written) in &wanted {
            let synced = events.iter().any(|event| {
                matches!(&event.call, Call::Sync(synced) if synced == path)
                    && event.started > *written
                    && event.finished < ack.started
            });
            if *written < ack.started && !synced {
                faults.push(format!("{text}: {} (line {written})", path.display()));
            }
        }
    }
    faults
}

fn parse(trace: &str, folder: &Path) -> Vec<Event> {
    let mut begun: BTreeMap<&str, (usize, String)> = BTreeMap::new();
    let mut positions: BTreeMap<String, u64> = BTreeMap::new();
    let mut events = Vec::new();
    for (number, line) in trace.lines().enumerate() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        let (started, text) = if let Some(head) = rest.strip_suffix(" <unfinished ...>") {
            begun.insert(pid, (number, head.to_owned()));
            continue;
        } else if rest.starts_with("<... ") {
            let (started, head) = begun.remove(pid).expect("a call resumed that had not begun");
            let tail = rest.split_once("resumed>").expect("an end without resumed").1;
            (started, head + tail)
        } else {
            (number, rest.to_owned())
        };
        if let Some(call) = understand(&text, folder, &mut positions) {
            events.push(Event { started, finished: number, call });
        }
    }
    events
}

/// One finished call; `None` where it is none, failed, or concerns other files.
fn understand(text: &str, folder: &Path, positions: &mut BTreeMap<String, u64>) -> Option<Call> {
    let (name, rest) = text.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    let arguments = arguments.trim_end().strip_suffix(')')?;
    let arguments: Vec<&str> = arguments.split(", ").collect();
    if result.starts_with('-') {
        return None;
    }
    let inside = |path: PathBuf| path.starts_with(folder).then_some(path);
    let descriptor = || arguments.first().copied().unwrap_or_default();
    let file = || inside(path_of(descriptor())?);
    let number = |index: usize| -> u64 { arguments[index].parse().expect("a number") };
    match name {
        "openat" if arguments[2].contains("O_CREAT") => {
            positions.insert(result.to_owned(), 0);
            inside(path_of(result)?).map(Call::Create)
        }
        "openat" => {
            positions.insert(result.to_owned(), 0);
            None
        }
        "write" => {
            let data = bytes_of(arguments[1]);
            if descriptor().starts_with("1<") {
                let line = String::from_utf8_lossy(&data).into_owned();
                return line.split_once("MARK ").map(|(_, mark)| Call::Mark(mark.trim().to_owned()));
            }
            let path = file()?;
            let at = positions.entry(descriptor().to_owned()).or_default();
            let offset = *at;
            *at += data.len() as u64;
            Some(Call::Write { path, offset, data })
        }
        "pwrite64" => {
            let (path, data) = (file()?, bytes_of(arguments[1]));
            assert_eq!(result.parse(), Ok(data.len()), "a short write is not modelled");
            Some(Call::Write { path, offset: number(3), data })
        }
        "ftruncate" => Some(Call::SetLen { path: file()?, length: number(1) }),
        "fsync" | "fdatasync" => file().map(Call::Sync),
        "rename" => Some(Call::Rename(inside(quoted(arguments[0]))?, inside(quoted(arguments[1]))?)),
        "unlink" => inside(quoted(arguments[0])).map(Call::Remove),
        "mmap" => {
            let shared = arguments[3].contains("MAP_SHARED") && arguments[2].contains("WRITE");
            assert!(
                !shared || path_of(arguments[4]).and_then(inside).is_none(),
                "a file is written through memory, which strace cannot see: {text}"
            );
            None
        }
        // Calls that write, and that no backend makes today.
        _ => {
            assert!(file().is_none(), "a call that is not understood: {text}");
            None
        }
    }
}

/// The path in `3<\x2f\x74…>`.
fn path_of(descriptor: &str) -> Option<PathBuf> {
    let (_, rest) = descriptor.split_once('<')?;
    Some(text(&unescape(rest.trim_end_matches('>'))))
}

fn quoted(argument: &str) -> PathBuf {
    text(&bytes_of(argument))
}

fn text(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8(bytes.to_vec()).expect("paths of tests are UTF-8"))
}

fn bytes_of(argument: &str) -> Vec<u8> {
    let inner = argument.strip_prefix('"').and_then(|a| a.strip_suffix('"'));
    unescape(inner.expect("a whole string: raise -s"))
}

fn unescape(text: &str) -> Vec<u8> {
    let mut digits = text.split("\\x");
    assert_eq!(digits.next(), Some(""), "all bytes are in hex");
    digits.map(|hex| u8::from_str_radix(hex, 16).expect("a byte in hex")).collect()
}
