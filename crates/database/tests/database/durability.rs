//! What is on the disk when a commit returns, seen from the kernel's side.
//!
//! A child (this test binary again) commits batches and writes a line to standard output after each.
//! strace records what it asked the kernel to write and to sync. From the record: no line precedes
//! the sync of a file written before it; and the files as a power cut at any write would leave them,
//! with everything, nothing or a part of what was not synced, are opened and read.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use alys_database::{Backend, Batch, DatabaseConfig, Order, open};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::trace::{Call, Event, run, strace_is_here, unsynced};

const CHILD: &str = "durability::a_child_commits_when_a_parent_asks_for_it";
const COMMITS: u64 = 14;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// The n-th batch: a few keys over and over, small and large values, deletions.
fn batch(number: u64) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let mut rng = StdRng::seed_from_u64(number);
    let mut writes = vec![(b"number".to_vec(), Some(number.to_be_bytes().to_vec()))];
    if number.is_multiple_of(4) {
        // Nearly everything goes, so that files become shorter too.
        writes.extend((0..24).map(|key| (vec![b'k', key], None)));
        return writes;
    }
    for _ in 0..8 {
        let key = vec![b'k', rng.random_range(0..24)];
        let length = match rng.random_range(0..8) {
            0 => 0,
            1 => 150_000,
            2 => 9_000,
            _ => rng.random_range(1..900),
        };
        let value = (0..length).map(|_| rng.random()).collect();
        writes.push((key, rng.random_bool(0.8).then_some(value)));
    }
    writes
}

/// What the database holds after `commits` batches.
fn model(commits: u64) -> Model {
    let mut model = Model::new();
    for number in 1..=commits {
        for (key, value) in batch(number) {
            match value {
                Some(value) => model.insert(key, value),
                None => model.remove(&key),
            };
        }
    }
    model
}

fn mark(text: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "MARK {text}").unwrap();
    out.flush().unwrap();
}

#[test]
fn a_child_commits_when_a_parent_asks_for_it() {
    let Ok(backend) = std::env::var("ALYS_TRACED_BACKEND") else { return };
    let folder = PathBuf::from(std::env::var_os("ALYS_TRACED_FOLDER").unwrap());
    if backend == "sled-flush" {
        return commit_with_flush_alone(&folder);
    }
    let backend = if backend == "sled" { Backend::Sled } else { Backend::Redb };
    let database = open(&DatabaseConfig::new(backend, folder)).unwrap();
    mark("ready");
    for number in 1..=COMMITS {
        let mut writes = Batch::new();
        for (key, value) in batch(number) {
            match value {
                Some(value) => writes.put(key, value),
                None => writes.delete(key),
            }
        }
        mark(&format!("begin {number}"));
        database.commit(writes).unwrap();
        mark(&format!("done {number}"));
    }
}

/// sled as its documentation says, to show that the test below would notice.
fn commit_with_flush_alone(folder: &Path) {
    let db = sled::open(folder.join("sled")).unwrap();
    mark("ready");
    for number in 1..=COMMITS {
        db.insert(number.to_be_bytes(), vec![1; 300]).unwrap();
        mark(&format!("begin {number}"));
        db.flush().unwrap();
        mark(&format!("done {number}"));
    }
}

fn traced(backend: &str) -> (tempfile::TempDir, PathBuf, Vec<Event>) {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().canonicalize().unwrap().join("database");
    fs::create_dir(&folder).unwrap();
    let env = [("ALYS_TRACED_BACKEND", backend), ("ALYS_TRACED_FOLDER", folder.to_str().unwrap())];
    let events = run(CHILD, &env, &folder);
    (scratch, folder, events)
}

fn acknowledgements(events: &[Event]) -> u64 {
    let done = |e: &&Event| matches!(&e.call, Call::Mark(text) if text.starts_with("done"));
    events.iter().filter(done).count() as u64
}

#[test]
fn sled_acknowledges_no_commit_before_an_fsync_of_every_file_written_for_it() {
    if strace_is_here() {
        let (_scratch, _, events) = traced("sled");
        assert_eq!(acknowledgements(&events), COMMITS);
        assert_eq!(unsynced(&events), Vec::<String>::new());
        let blob =
            |e: &&Event| matches!(&e.call, Call::Create(path) if path.parent().unwrap().ends_with("blobs"));
        assert_eq!(events.iter().filter(blob).count(), 0, "values went to files of their own");
    }
}

#[test]
fn redb_acknowledges_no_commit_before_an_fsync_of_every_file_written_for_it() {
    if strace_is_here() {
        let (_scratch, _, events) = traced("redb");
        assert_eq!(acknowledgements(&events), COMMITS);
        assert_eq!(unsynced(&events), Vec::<String>::new());
    }
}

#[test]
fn the_flush_of_sled_alone_would_be_found_out() {
    if strace_is_here() {
        let (_scratch, _, events) = traced("sled-flush");
        assert_eq!(acknowledgements(&events), COMMITS);
        assert!(!unsynced(&events).is_empty(), "sled's flush has become an fsync?");
    }
}

#[test]
fn a_power_cut_at_every_write_of_sled_leaves_old_or_new() {
    power_cuts(Backend::Sled, "sled");
}

#[test]
fn a_power_cut_at_every_write_of_redb_leaves_old_or_new() {
    power_cuts(Backend::Redb, "redb");
}

/// A file with what the disk certainly has, and what was written since the last sync.
#[derive(Debug, Default, Clone)]
struct Medium {
    synced: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write(u64, Vec<u8>),
    SetLen(u64),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(offset, data) => {
                let offset = usize::try_from(*offset).unwrap();
                bytes.resize(bytes.len().max(offset + data.len()), 0);
                bytes[offset..offset + data.len()].copy_from_slice(data);
            }
            Self::SetLen(length) => bytes.resize(usize::try_from(*length).unwrap(), 0),
        }
    }
}

/// Which unsynced changes of a file survive.
#[derive(Debug, Clone, Copy)]
enum Cut {
    None,
    All,
    /// All but the last, of which the first half survives.
    Torn,
    /// Each with even chance; a drive may reorder.
    Some(u64),
}

fn after_cut(medium: &Medium, cut: Cut) -> Vec<u8> {
    let mut bytes = medium.synced.clone();
    let last = medium.pending.len().saturating_sub(1);
    for (index, change) in medium.pending.iter().enumerate() {
        let survives = match cut {
            Cut::None => false,
            Cut::All | Cut::Torn => true,
            Cut::Some(seed) => StdRng::seed_from_u64(seed ^ index as u64).random_bool(0.5),
        };
        match (cut, change) {
            (Cut::Torn, Change::Write(offset, data)) if index == last => {
                Change::Write(*offset, data[..data.len() / 2].to_vec()).apply(&mut bytes);
            }
            _ if survives => change.apply(&mut bytes),
            _ => {}
        }
    }
    bytes
}

fn power_cuts(backend: Backend, name: &str) {
    if !strace_is_here() {
        return;
    }
    let (scratch, folder, events) = traced(name);
    let mut disk: BTreeMap<PathBuf, Medium> = BTreeMap::new();
    let (mut ready, mut begun, mut done, mut cuts, mut shrunk) = (false, 0, 0, 0u64, 0);
    for event in &events {
        let changed = match &event.call {
            Call::Create(path) => {
                disk.entry(path.clone()).or_default();
                false
            }
            Call::Write { path, offset, data } => {
                let change = Change::Write(*offset, data.clone());
                disk.entry(path.clone()).or_default().pending.push(change);
                true
            }
            Call::SetLen { path, length } => {
                let medium = disk.entry(path.clone()).or_default();
                shrunk += u32::from(after_cut(medium, Cut::All).len() as u64 > *length);
                medium.pending.push(Change::SetLen(*length));
                true
            }
            Call::Sync(path) => {
                if let Some(medium) = disk.get_mut(path) {
                    let (synced, pending) = (&mut medium.synced, &mut medium.pending);
                    pending.drain(..).for_each(|change| change.apply(synced));
                }
                false
            }
            Call::Rename(from, to) => {
                let medium = disk.remove(from).unwrap_or_default();
                disk.insert(to.clone(), medium);
                false
            }
            Call::Remove(path) => {
                disk.remove(path);
                false
            }
            Call::Mark(text) => {
                match text.split_once(' ') {
                    None => ready = true,
                    Some(("begin", n)) => begun = n.parse().unwrap(),
                    Some((_, n)) => done = n.parse().unwrap(),
                }
                false
            }
        };
        // Before the first opening has returned, nobody was promised anything.
        if !(ready && changed) {
            continue;
        }
        for cut in [Cut::None, Cut::All, Cut::Torn, Cut::Some(cuts)] {
            let copy = scratch.path().join("cut");
            for (path, medium) in &disk {
                let path = copy.join(path.strip_prefix(&folder).unwrap());
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, after_cut(medium, cut)).unwrap();
            }
            let mut config = DatabaseConfig::new(backend, &copy);
            config.cache_bytes = 4 << 20;
            let found: Model = open(&config)
                .unwrap_or_else(|e| panic!("{cut:?} at line {}: {e}", event.finished))
                .scan((Bound::Unbounded, Bound::Unbounded), Order::Ascending, usize::MAX)
                .unwrap()
                .into_iter()
                .collect();
            assert!(
                found == model(done) || found == model(begun),
                "{cut:?} at line {}: neither commit {done} nor {begun}",
                event.finished
            );
            fs::remove_dir_all(&copy).unwrap();
            cuts += 1;
        }
    }
    assert!(done == COMMITS && cuts >= 4 * COMMITS, "{cuts} cuts");
    if backend == Backend::Redb {
        assert!(shrunk > 0, "the file was never given back");
    }
    println!("{cuts} power cuts");
}
