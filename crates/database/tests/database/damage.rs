//! Bits that change on the disk: an error that names what is damaged, never a panic, never a wrong
//! value.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::ops::Bound;
use std::path::{Path, PathBuf};

use alys_database::suite::Folder;
use alys_database::{
    Backend, Batch, Database, DatabaseConfig, DatabaseError, MemoryDisk, Order, Reader, open, set_aside,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// A database of many commits, closed in order.
fn filled(place: &Folder) -> Model {
    let database = open(place.config()).unwrap();
    let mut rng = StdRng::seed_from_u64(5);
    let mut model = Model::new();
    for _ in 0..40 {
        let mut batch = Batch::new();
        for _ in 0..10 {
            let key = rng.random_range(0..300u32).to_be_bytes().to_vec();
            let length = if rng.random_bool(0.1) { 20_000 } else { rng.random_range(0..1_000) };
            let value: Vec<u8> = (0..length).map(|_| rng.random()).collect();
            batch.put(key.clone(), value.clone());
            model.insert(key, value);
        }
        database.commit(batch).unwrap();
    }
    drop(database);
    // sled's last tasks outlive its handle by a moment, and may write a snapshot of the log: they hold its lock until then.
    if let Ok(log) = File::open(place.config().path.join("sled/db")) {
        log.lock().unwrap();
    }
    model
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[derive(Debug, Default)]
struct Outcomes {
    unharmed: usize,
    refused_to_open: usize,
    refused_to_read: usize,
    /// Something was missing or old, and [`Database::verify`] said so.
    found_by_verify: usize,
}

/// Flips bits in `file` of the database, `tries` times, each time in a fresh copy.
fn flip(backend: Backend, file: &str, bits: usize, tries: u64) -> Outcomes {
    let place = Folder::new(backend);
    let model = filled(&place);
    let scratch = tempfile::tempdir().unwrap();
    let mut outcomes = Outcomes::default();
    for seed in 0..tries {
        let mut rng = StdRng::seed_from_u64(seed);
        let folder = scratch.path().join(seed.to_string());
        copy(&place.config().path, &folder);
        let path: PathBuf = folder.join(file);
        let mut bytes = fs::read(&path).unwrap();
        for _ in 0..bits {
            let at = rng.random_range(0..bytes.len());
            bytes[at] ^= 1 << rng.random_range(0..8);
        }
        fs::write(&path, bytes).unwrap();
        let mut config = place.config().clone();
        config.path.clone_from(&folder);
        match open(&config) {
            Err(e) => {
                assert!(matches!(e, DatabaseError::Corrupt { .. } | DatabaseError::Io { .. }), "{e}");
                outcomes.refused_to_open += 1;
            }
            Ok(database) => read(database.as_ref(), &model, &mut outcomes),
        }
        fs::remove_dir_all(&folder).unwrap();
    }
    println!("{backend:?} {file}, {bits} bits: {outcomes:?}");
    outcomes
}

fn read(database: &dyn Database, model: &Model, outcomes: &mut Outcomes) {
    let (mut errors, mut gaps) = (0, 0);
    for (key, value) in model {
        match database.get(key) {
            Ok(Some(found)) if &found == value => {}
            // An old value, or none: no checksum of a value can tell.
            Ok(_) => gaps += 1,
            Err(_) => errors += 1,
        }
    }
    if errors > 0 {
        outcomes.refused_to_read += 1;
    } else if gaps > 0 {
        let verdict = database.verify();
        assert!(matches!(verdict, Err(DatabaseError::Corrupt { .. })), "{gaps} gaps: {verdict:?}");
        outcomes.found_by_verify += 1;
    } else {
        outcomes.unharmed += 1;
    }
}

/// Harmless, refused at opening or reading, or found by [`Database::verify`]; never a panic.
#[test]
fn a_flipped_bit_anywhere_is_harmless_or_found() {
    for (backend, file) in [(Backend::Sled, "sled/db"), (Backend::Redb, "data.redb")] {
        for bits in [1, 30] {
            let outcomes = flip(backend, file, bits, 60);
            assert!(outcomes.refused_to_open + outcomes.refused_to_read > 0);
        }
    }
}

#[test]
fn flipped_bits_in_the_small_files_of_sled_are_harmless_or_found() {
    let settings = flip(Backend::Sled, "sled/conf", 1, 30);
    assert!(settings.refused_to_open > 0);
    // One slot is damaged; the other still counts.
    let hint = flip(Backend::Sled, "sled/acknowledged", 1, 30);
    assert_eq!(hint.unharmed, 30);
}

#[test]
fn the_lost_end_of_a_damaged_log_of_sled_is_reported_with_what_to_do() {
    let place = Folder::new(Backend::Sled);
    filled(&place);
    let path = place.config().path.join("sled/db");
    let mut bytes = fs::read(&path).unwrap();
    // The first message behind the first segment's header.
    bytes[40] ^= 1;
    fs::write(&path, bytes).unwrap();
    for entry in fs::read_dir(place.config().path.join("sled")).unwrap() {
        let path = entry.unwrap().path();
        // With a snapshot at hand sled would not read the log from its start.
        if path.file_name().unwrap().to_string_lossy().starts_with("snap.") {
            fs::remove_file(path).unwrap();
        }
    }
    let refusal = open(place.config()).err().expect("the loss went unnoticed").to_string();
    assert!(refusal.contains("40 commits were acknowledged"), "{refusal}");
    assert!(refusal.contains("Restore a backup"), "{refusal}");
}

#[test]
fn a_damaged_value_of_redb_is_refused_by_its_key() {
    let place = Folder::new(Backend::Redb);
    let value: Vec<u8> = (0..500u16).map(|n| (n * 7 % 251) as u8).collect();
    let mut batch = Batch::new();
    batch.put(b"sound", b"sound");
    batch.put(b"\xabdamaged", value.clone());
    open(place.config()).unwrap().commit(batch).unwrap();

    let path = place.config().path.join("data.redb");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(value.len()).rposition(|window| window == value).unwrap();
    bytes[at + 250] ^= 4;
    fs::write(&path, bytes).unwrap();

    let database = open(place.config()).unwrap();
    assert_eq!(database.get(b"sound").unwrap(), Some(b"sound".to_vec()));
    let refusal = database.get(b"\xabdamaged").unwrap_err();
    assert!(matches!(refusal, DatabaseError::Corrupt { .. }));
    assert!(refusal.to_string().contains("key ab64616d61676564"), "{refusal}");
}

#[test]
fn a_damaged_value_of_memory_is_refused_by_its_key_until_it_is_written_again() {
    let disk = MemoryDisk::new();
    let database = disk.open().unwrap();
    let put = |value: &[u8]| {
        let mut batch = Batch::new();
        batch.put(b"key", value);
        database.commit(batch).unwrap();
    };
    for value in [&b"value"[..], b""] {
        put(value);
        assert!(disk.damage(b"key") && !disk.damage(b"absent"));
        let refusal = database.get(b"key").unwrap_err();
        assert!(matches!(refusal, DatabaseError::Corrupt { .. }));
        assert!(refusal.to_string().contains("key 6b6579"), "{refusal}");
        assert!(database.scan((Bound::Unbounded, Bound::Unbounded), Order::Ascending, 9).is_err());
        put(value);
        assert_eq!(database.get(b"key").unwrap().as_deref(), Some(value));
    }
}

#[test]
fn a_file_that_is_no_database_is_an_error_and_stays_as_it_was() {
    for (backend, file) in [(Backend::Redb, "data.redb"), (Backend::Sled, "sled/db")] {
        let place = Folder::new(backend);
        drop(open(place.config()).unwrap());
        let path = place.config().path.join(file);
        let text = b"this is a shopping list, not a database\n".repeat(100);
        fs::write(&path, &text).unwrap();
        let opened = open(place.config());
        if backend == Backend::Redb {
            assert!(matches!(opened, Err(DatabaseError::Corrupt { .. })));
            assert_eq!(fs::read(&path).unwrap(), text);
        }
    }
}

#[test]
fn a_database_that_is_set_aside_makes_room_for_another_and_stays_with_whoever_has_it_open() {
    for backend in [Backend::Sled, Backend::Redb] {
        let place = Folder::new(backend);
        assert_eq!(set_aside(place.config()).unwrap(), None, "there is none yet");
        let aside = place.config().path.with_extension("aside");
        for round in 0..2_u8 {
            let old = open(place.config()).unwrap();
            let mut batch = Batch::new();
            batch.put(b"round".to_vec(), vec![round]);
            old.commit(batch).unwrap();
            // A second time it takes the place of the first.
            assert_eq!(set_aside(place.config()).unwrap().as_ref(), Some(&aside));
            let new = open(place.config()).unwrap();
            assert_eq!(new.get(b"round").unwrap(), None, "{backend:?}");
            assert_eq!(old.get(b"round").unwrap().as_deref(), Some(&[round][..]), "{backend:?}");
            drop((old, new));
            if backend == Backend::Redb {
                let kept = open(&DatabaseConfig { path: aside.clone(), ..place.config().clone() }).unwrap();
                assert_eq!(kept.get(b"round").unwrap().as_deref(), Some(&[round][..]));
            }
        }
    }
}
