//! The model of unsynced and torn writes: what tests of other crates rely on.

use std::collections::BTreeMap;
use std::ops::Bound;

use alys_database::{Batch, Database, DatabaseError, Fault, Left, MemoryDisk, Order, Reader, Snapshots};
use proptest::prelude::*;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

fn all_of(reader: &dyn Reader) -> Model {
    let all = (Bound::Unbounded, Bound::Unbounded);
    reader.scan(all, Order::Ascending, usize::MAX).unwrap().into_iter().collect()
}

fn left() -> impl Strategy<Value = Left> {
    prop_oneof![Just(Left::Old), Just(Left::New), any::<usize>().prop_map(Left::Torn)]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![left().prop_map(Fault::Fail), left().prop_map(Fault::Crash), Just(Fault::DiskFull),]
}

proptest! {
    #[test]
    fn a_fault_at_any_commit_leaves_old_or_new_and_never_between(
        batches in proptest::collection::vec(
            proptest::collection::vec((0u8..8, proptest::option::of(0u8..200)), 1..5), 1..30),
        faults in proptest::collection::vec((0u64..30, fault()), 0..8),
    ) {
        let disk = MemoryDisk::new();
        for (at, fault) in faults {
            disk.inject(at, fault);
        }
        let mut database = disk.open().unwrap();
        let mut model = Model::new();
        for writes in batches {
            let mut batch = Batch::new();
            let mut new = model.clone();
            for (key, value) in writes {
                match value {
                    Some(value) => {
                        batch.put([key], vec![value; value.into()]);
                        new.insert(vec![key], vec![value; value.into()]);
                    }
                    None => {
                        batch.delete([key]);
                        new.remove(&vec![key]);
                    }
                }
            }
            match database.commit(batch) {
                Ok(()) => model = new,
                Err(refusal) => {
                    let io = matches!(refusal, DatabaseError::Io { .. });
                    prop_assert!(io, "{}", refusal);
                    prop_assert!(database.commit(Batch::new()).is_err());
                    drop(database);
                    database = disk.open().unwrap();
                    let found = all_of(&database);
                    prop_assert!(found == model || found == new);
                    model = found;
                }
            }
            prop_assert_eq!(&all_of(&database), &model);
        }
    }
}

fn put(value: u8) -> Batch {
    let mut batch = Batch::new();
    batch.put(b"key", [value]);
    batch
}

#[test]
fn each_kind_of_crash_leaves_what_it_says() {
    for (left, expected) in [(Left::Old, 1), (Left::New, 2), (Left::Torn(9), 1)] {
        let disk = MemoryDisk::new();
        let database = disk.open().unwrap();
        disk.inject(1, Fault::Crash(left));
        database.commit(put(1)).unwrap();
        database.commit(put(2)).unwrap_err();
        assert_eq!(disk.open().unwrap().get(b"key").unwrap(), Some(vec![expected]), "{left:?}");
    }
}

#[test]
fn a_handle_from_before_a_crash_is_dead_and_does_not_hold_the_disk() {
    let disk = MemoryDisk::new();
    let old = disk.open().unwrap();
    old.commit(put(1)).unwrap();
    let snapshot = old.snapshot().unwrap();
    assert!(matches!(disk.open(), Err(DatabaseError::InUse { .. })));
    disk.crash();
    let new = disk.open().unwrap();
    assert!(old.get(b"key").is_err() && old.commit(put(2)).is_err());
    assert!(snapshot.get(b"key").is_err());
    // Dropping the dead handle must not let a third one in.
    drop(old);
    assert!(matches!(disk.open(), Err(DatabaseError::InUse { .. })));
    new.commit(put(3)).unwrap();
    assert_eq!(disk.commits(), 2);
}
