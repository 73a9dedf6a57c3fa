//! The suite that every backend passes, for tests here and for backends made elsewhere.
//!
//! Each function proves the sentence that is its name, and panics where it does not hold.
//! [`database_suite!`](crate::database_suite) and
//! [`snapshots_suite!`](crate::snapshots_suite) make a `#[test]` of each:
//!
//! ```text
//! alys_database::database_suite!(redb, || Box::new(Folder::new(Backend::Redb)));
//! ```
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod model;

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use proptest::prelude::*;

use crate::{
    Backend, Batch, Database, DatabaseConfig, DatabaseError, MAX_KEY_BYTES, MemoryDisk, Order, Reader,
    Snapshots, Verifying, open, open_with_snapshots, prefix_range,
};
use model::{
    Model, Step, all_of, apply, as_slices, batch_of, counted, filled, key, runner, scan_model, step, value,
};

/// A place that holds one database, and opens it again and again.
pub trait Place: Send + Sync {
    /// Opens it; at first it is empty.
    ///
    /// # Errors
    /// Those of the backend.
    fn open(&self) -> Result<Arc<dyn Database>, DatabaseError>;

    /// Opens it for a caller that needs snapshots; called only where the backend has them.
    ///
    /// # Errors
    /// Those of the backend.
    fn open_with_snapshots(&self) -> Result<Arc<dyn Snapshots>, DatabaseError>;
}

/// A fresh, empty folder for a backend on the disk.
pub struct Folder {
    config: DatabaseConfig,
    /// Removed when dropped.
    _folder: tempfile::TempDir,
}

impl Folder {
    /// A new folder in the system's place for temporary files.
    #[must_use]
    pub fn new(backend: Backend) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = DatabaseConfig::new(backend, folder.path().join("database"));
        config.cache_bytes = 16 << 20;
        Self { config, _folder: folder }
    }

    /// How the database in it is opened.
    #[must_use]
    pub fn config(&self) -> &DatabaseConfig {
        &self.config
    }
}

impl Place for Folder {
    fn open(&self) -> Result<Arc<dyn Database>, DatabaseError> {
        open(&self.config)
    }

    fn open_with_snapshots(&self) -> Result<Arc<dyn Snapshots>, DatabaseError> {
        open_with_snapshots(&self.config)
    }
}

impl Place for MemoryDisk {
    fn open(&self) -> Result<Arc<dyn Database>, DatabaseError> {
        Ok(Arc::new(MemoryDisk::open(self)?))
    }

    fn open_with_snapshots(&self) -> Result<Arc<dyn Snapshots>, DatabaseError> {
        Ok(Arc::new(MemoryDisk::open(self)?))
    }
}

/// Makes a fresh, empty place.
pub type Make<'a> = &'a dyn Fn() -> Box<dyn Place>;

/// A test of each function for one backend, in a module of the given name.
#[macro_export]
macro_rules! database_suite {
    ($name:ident, $make:expr) => {
        $crate::database_suite!(@each $name, $make;
            a_random_history_reads_like_a_sorted_map
            a_verification_in_steps_goes_on_while_commits_are_made
            values_of_all_sizes_come_back_also_after_reopening
            a_shorter_value_leaves_nothing_of_a_longer_one
            the_last_write_of_a_key_in_a_batch_wins
            readers_see_a_batch_whole_or_not_at_all
            a_second_handle_is_refused_and_the_first_goes_on
            a_key_that_is_too_long_is_refused_and_harms_nothing
            an_inverted_range_is_empty
            the_size_on_disk_follows_what_is_stored
        );
    };
    (@each $name:ident, $make:expr; $($test:ident)*) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            $(#[test] fn $test() { $crate::suite::$test(&$make); })*
        }
    };
}

/// As [`database_suite!`](crate::database_suite), for what only backends with snapshots do.
#[macro_export]
macro_rules! snapshots_suite {
    ($name:ident, $make:expr) => {
        $crate::database_suite!(@each $name, $make;
            a_snapshot_does_not_see_later_commits
        );
    };
}

/// Commits, reads, scans and reopening in any order.
pub fn a_random_history_reads_like_a_sorted_map(make: Make<'_>) {
    let histories = proptest::collection::vec(step(), 1..40);
    let run = |steps: Vec<Step>| {
        let place = make();
        let mut database = place.open().unwrap();
        let mut model = Model::new();
        for step in steps {
            match step {
                Step::Commit(writes) => {
                    database.commit(batch_of(&writes)).unwrap();
                    apply(&mut model, &writes);
                }
                Step::Get(key) => {
                    prop_assert_eq!(database.get(&key).unwrap(), model.get(&key).cloned());
                }
                Step::Scan(low, high, order, limit) => {
                    let range = (low, high);
                    let found = database.scan(as_slices(&range), order, limit).unwrap();
                    prop_assert_eq!(found, scan_model(&model, as_slices(&range), order, limit));
                }
                Step::Prefix(prefix) => {
                    let range = prefix_range(&prefix);
                    let found = database.scan(as_slices(&range), Order::Ascending, usize::MAX).unwrap();
                    let expected: Vec<_> = model
                        .iter()
                        .filter(|(key, _)| key.starts_with(&prefix))
                        .map(|(k, v)| (k.clone(), v.clone()))
                        .collect();
                    prop_assert_eq!(found, expected);
                }
                Step::Reopen => {
                    drop(database);
                    database = place.open().unwrap();
                }
            }
        }
        prop_assert_eq!(&all_of(database.as_ref()), &model);
        prop_assert_eq!(database.verify().unwrap(), counted(&model));
        drop(database);
        database = place.open().unwrap();
        prop_assert_eq!(&all_of(database.as_ref()), &model);
        prop_assert_eq!(database.verify().unwrap(), counted(&model));
        Ok(())
    };
    runner(32).run(&histories, run).unwrap_or_else(|failure| panic!("{failure}"));
}

/// A verification takes steps while commits are made before, at and behind where it stands: it never finds damage, and a
/// second one at the same time does not either.
pub fn a_verification_in_steps_goes_on_while_commits_are_made(make: Make<'_>) {
    let histories = (proptest::collection::vec(step(), 1..60), 1..7usize);
    let run = |(steps, limit): (Vec<Step>, usize)| {
        let place = make();
        let database = place.open().unwrap();
        let mut under_way = [Verifying::new(), Verifying::new()];
        let mut model = Model::new();
        for (at, step) in steps.into_iter().enumerate() {
            if let Step::Commit(writes) = step {
                database.commit(batch_of(&writes)).unwrap();
                apply(&mut model, &writes);
            }
            let verifying = &mut under_way[at % 3 % 2];
            if database.verify_some(verifying, limit).unwrap().is_some() {
                *verifying = Verifying::new();
            }
        }
        for verifying in &mut under_way {
            while database.verify_some(verifying, limit).unwrap().is_none() {}
        }
        prop_assert_eq!(database.verify().unwrap(), counted(&model));
        Ok(())
    };
    runner(32).run(&histories, run).unwrap_or_else(|failure| panic!("{failure}"));
}

/// From empty to a mebibyte and beyond, across every boundary of parts and pages.
pub fn values_of_all_sizes_come_back_also_after_reopening(make: Make<'_>) {
    let place = make();
    let sizes = [0, 1, 4090, 4091, 4092, 4096, 8183, 8184, 65_536, 131_072, 1 << 20, (1 << 20) + 1];
    let expected: Model = sizes.iter().map(|n| (n.to_string().into_bytes(), filled(*n, 3))).collect();
    let database = place.open().unwrap();
    let mut batch = Batch::new();
    for (key, value) in &expected {
        batch.put(key.clone(), value.clone());
    }
    database.commit(batch).unwrap();
    assert_eq!(all_of(database.as_ref()), expected);
    drop(database);
    let database = place.open().unwrap();
    assert_eq!(all_of(database.as_ref()), expected);
    for (key, value) in &expected {
        assert_eq!(database.get(key).unwrap().as_ref(), Some(value));
    }
}

/// Long, then short, then absent, then long again.
pub fn a_shorter_value_leaves_nothing_of_a_longer_one(make: Make<'_>) {
    let place = make();
    let database = place.open().unwrap();
    for length in [100_000, 5_000, 10, 0, 50_000] {
        for write in [Some(filled(length, 9)), None, Some(filled(length, 1))] {
            database.commit(batch_of(&[(b"key".to_vec(), write.clone())])).unwrap();
            assert_eq!(database.get(b"key").unwrap(), write);
        }
    }
}

/// Put and delete of one key in one batch, both ways.
pub fn the_last_write_of_a_key_in_a_batch_wins(make: Make<'_>) {
    let place = make();
    let database = place.open().unwrap();
    let (a, b) = (b"a".to_vec(), b"b".to_vec());
    let writes = [
        (a.clone(), Some(filled(9_000, 1))),
        (a.clone(), Some(b"last".to_vec())),
        (b.clone(), Some(b"never seen".to_vec())),
        (b, None),
    ];
    database.commit(batch_of(&writes)).unwrap();
    assert_eq!(all_of(database.as_ref()), Model::from([(a, b"last".to_vec())]));
}

/// Large and small values of one batch carry its number; readers never see two numbers.
pub fn readers_see_a_batch_whole_or_not_at_all(make: Make<'_>) {
    let place = make();
    let database = place.open().unwrap();
    let stop = AtomicBool::new(false);
    let whole = |value: &[u8]| value.windows(2).all(|pair| pair[0] == pair[1]);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0u32;
            while !stop.load(Ordering::Acquire) || reads == 0 {
                if let Some(value) = database.get(b"large").unwrap() {
                    assert!(whole(&value), "a value of two commits");
                }
                let all: Vec<u8> = all_of(database.as_ref()).into_values().flatten().collect();
                assert!(whole(&all), "a scan of two commits");
                reads += 1;
            }
        });
        for number in 0..60u8 {
            // The length changes too, so that parts come and go.
            let length = 40_000 - 600 * usize::from(number);
            let mut batch = Batch::new();
            batch.put(b"a small one", vec![number; 3]);
            batch.put(b"large", vec![number; length]);
            batch.put(b"z", vec![number; 10]);
            database.commit(batch).unwrap();
        }
        stop.store(true, Ordering::Release);
        reader.join().unwrap();
    });
}

/// And opening works again, at once, when the first is gone.
pub fn a_second_handle_is_refused_and_the_first_goes_on(make: Make<'_>) {
    let place = make();
    for round in 0..10u8 {
        let first = place.open().unwrap();
        let refusal = place.open().err().unwrap();
        assert!(matches!(refusal, DatabaseError::InUse { .. }), "{refusal}");
        assert!(refusal.to_string().contains("in use by another process; stop it"));
        first.commit(batch_of(&[(vec![round], Some(vec![round]))])).unwrap();
        assert_eq!(first.get(&[round]).unwrap(), Some(vec![round]));
    }
    assert_eq!(all_of(place.open().unwrap().as_ref()).len(), 10);
}

/// Refused before anything is written, and no reason to refuse what follows.
pub fn a_key_that_is_too_long_is_refused_and_harms_nothing(make: Make<'_>) {
    let place = make();
    let database = place.open().unwrap();
    let good = (b"good".to_vec(), Some(b"value".to_vec()));
    let long = (vec![1; MAX_KEY_BYTES + 1], Some(Vec::new()));
    let refusal = database.commit(batch_of(&[good.clone(), long])).unwrap_err();
    assert!(matches!(refusal, DatabaseError::TooLarge { what: "key", .. }), "{refusal}");
    assert_eq!(all_of(database.as_ref()), Model::new());
    let longest = (vec![1; MAX_KEY_BYTES], Some(Vec::new()));
    database.commit(batch_of(&[good, longest])).unwrap();
    assert_eq!(all_of(database.as_ref()).len(), 2);
}

/// No panic, no entries.
pub fn an_inverted_range_is_empty(make: Make<'_>) {
    let place = make();
    let database = place.open().unwrap();
    database.commit(batch_of(&[(b"b".to_vec(), Some(Vec::new()))])).unwrap();
    let (b, c) = (&b"b"[..], &b"c"[..]);
    for range in [
        (Bound::Included(c), Bound::Included(b)),
        (Bound::Excluded(b), Bound::Excluded(b)),
        (Bound::Excluded(b), Bound::Included(b)),
        (Bound::Included(b), Bound::Excluded(b)),
        (Bound::Unbounded, Bound::Excluded(&[][..])),
    ] {
        for order in [Order::Ascending, Order::Descending] {
            assert!(database.scan(range, order, 9).unwrap().is_empty(), "{range:?}");
        }
    }
}

/// At least what is in it.
pub fn the_size_on_disk_follows_what_is_stored(make: Make<'_>) {
    let place = make();
    let database = place.open().unwrap();
    let batch = (0..64u8).map(|n| (vec![n], Some(filled(65_536, n)))).collect::<Vec<_>>();
    database.commit(batch_of(&batch)).unwrap();
    assert!(database.size_on_disk().unwrap() >= 64 * 65_536);
}

/// Through random histories, with several held at once.
pub fn a_snapshot_does_not_see_later_commits(make: Make<'_>) {
    let write = || (key(), proptest::option::weighted(0.6, value()));
    let histories = proptest::collection::vec(
        (proptest::collection::vec(write(), 0..6), any::<bool>(), any::<bool>()),
        1..16,
    );
    let run = |steps: Vec<(Vec<_>, bool, bool)>| {
        let place = make();
        let database = place.open_with_snapshots().unwrap();
        let mut model = Model::new();
        let mut held: Vec<(Box<dyn Reader>, Model)> = Vec::new();
        for (writes, take, release) in steps {
            if take {
                held.push((database.snapshot().unwrap(), model.clone()));
            }
            if release && !held.is_empty() {
                held.remove(0);
            }
            database.commit(batch_of(&writes)).unwrap();
            apply(&mut model, &writes);
            for (snapshot, then) in &held {
                prop_assert_eq!(&all_of(snapshot.as_ref()), then);
                for (key, _) in &writes {
                    prop_assert_eq!(snapshot.get(key).unwrap(), then.get(key).cloned());
                }
            }
        }
        prop_assert_eq!(all_of(database.as_ref()), model);
        Ok(())
    };
    runner(24).run(&histories, run).unwrap_or_else(|failure| panic!("{failure}"));
}
