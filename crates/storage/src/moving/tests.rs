//! A move there and back, a move cut at each step, and what keeps one from beginning.
#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

use std::fs;
use std::path::Path;

use super::*;
use crate::promises::PromiseRecord;

/// A storage of `backend` with entries of many sizes.
fn filled(folder: &Path, backend: Backend) -> StorageConfig {
    let mut config = StorageConfig::new(backend, folder.join("storage"));
    config.database_cache_bytes = alys_database::MIN_CACHE_BYTES;
    fs::create_dir_all(&config.path).unwrap();
    PromiseRecord::create_file(&config.promises_path()).unwrap();
    let database = open(&config.database()).unwrap();
    drop(Store::open(Arc::clone(&database), BlockCache::new(0)).unwrap());
    let mut batch = Batch::new();
    for number in 0..150u32 {
        let length = if number % 50 == 0 { 300_000 } else { number as usize };
        batch.put([[5].as_slice(), &number.to_be_bytes()].concat(), vec![number as u8; length]);
    }
    database.commit(batch).unwrap();
    config
}

fn contents(config: &StorageConfig) -> Vec<Entry> {
    let database = open(&config.database()).unwrap();
    database.scan((Bound::Unbounded, Bound::Unbounded), Order::Ascending, 1000).unwrap()
}

fn to_the_end(mut work: Move) -> MoveReport {
    loop {
        if let Step::Done(report) = work.step().unwrap() {
            return report;
        }
    }
}

#[test]
fn a_move_there_and_back_keeps_every_entry_and_leaves_the_promise_record_alone() {
    let folder = tempfile::tempdir().unwrap();
    let sled = filled(folder.path(), Backend::Sled);
    let redb = StorageConfig { backend: Backend::Redb, ..sled.clone() };
    let (before, promises) = (contents(&sled), fs::read(sled.promises_path()).unwrap());
    let report = to_the_end(Move::new(&sled, Backend::Redb).unwrap());
    assert_eq!(report.entries, before.len() as u64);
    assert!(matches!(open(&sled.database()), Err(DatabaseError::OtherBackend { .. })));
    assert!(contents(&redb) == before);
    to_the_end(Move::new(&redb, Backend::Sled).unwrap());
    assert!(contents(&sled) == before);
    assert_eq!(fs::read(sled.promises_path()).unwrap(), promises);
    let mut names: Vec<_> =
        fs::read_dir(&sled.path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["database", "promises"], "nothing else is left");
}

#[test]
fn a_move_that_is_cut_at_any_step_leaves_the_old_database_the_new_one_or_says_what_to_rename() {
    let mut between = 0;
    for cut in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let sled = filled(folder.path(), Backend::Sled);
        let redb = StorageConfig { backend: Backend::Redb, ..sled.clone() };
        let before = contents(&sled);
        let mut work = Move::new(&sled, Backend::Redb).unwrap();
        let done = (0..cut).any(|_| matches!(work.step().unwrap(), Step::Done(_)));
        drop(work);
        if done {
            assert!(contents(&redb) == before);
            break;
        }
        if let Some(said) = unfinished(&sled) {
            between += 1;
            let Places { database, old, .. } = Places::of(&sled);
            assert!(said.contains(&format!("Rename {} to {}", old.display(), database.display())), "{said}");
            assert!(Move::new(&sled, Backend::Redb).unwrap_err().to_string().contains("Rename"));
            fs::rename(old, database).unwrap();
        }
        assert!(contents(&sled) == before, "cut {cut}");
        to_the_end(Move::new(&sled, Backend::Redb).unwrap());
        assert!(contents(&redb) == before, "cut {cut}");
    }
    assert_eq!(between, 1, "one moment between the two renames");
}

#[test]
fn what_a_node_uses_or_what_is_not_there_is_not_moved() {
    let folder = tempfile::tempdir().unwrap();
    let config = filled(folder.path(), Backend::Redb);
    let said = |config: &StorageConfig, to| Move::new(config, to).unwrap_err().to_string();
    let record = PromiseRecord::open_file(&config.promises_path()).unwrap();
    assert!(said(&config, Backend::Sled).contains("in use by another process"));
    drop(record);
    let database = open(&config.database()).unwrap();
    assert!(said(&config, Backend::Sled).contains("in use by another process"));
    drop(database);
    assert!(said(&config, Backend::Redb).contains("redb database already"));
    assert!(said(&config, Backend::Memory).contains("in memory"));
    let nowhere = StorageConfig { path: folder.path().join("nowhere"), ..config };
    assert!(said(&nowhere, Backend::Sled).contains("nothing to move"));
    assert!(!nowhere.path.exists());
}

#[test]
fn a_copy_that_differs_never_takes_the_place_of_the_original() {
    let folder = tempfile::tempdir().unwrap();
    let sled = filled(folder.path(), Backend::Sled);
    let before = contents(&sled);
    let mut work = Move::new(&sled, Backend::Redb).unwrap();
    while !matches!(work.phase, Phase::Compare(..)) {
        work.step().unwrap();
    }
    if let Phase::Compare((_, copy), _) = &work.phase {
        let mut batch = Batch::new();
        batch.delete([5, 0, 0, 0, 7]);
        copy.commit(batch).unwrap();
    }
    let failed = loop {
        match work.step() {
            Ok(Step::More) => {}
            Ok(Step::Done(_)) => panic!("it was moved"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(failed.contains("key 0500000007") && failed.contains("the original is untouched"), "{failed}");
    drop(work);
    assert!(contents(&sled) == before);
}
