//! Disks that refuse: the error is reported, the handle refuses further commits, and after the
//! database is opened again everything that was acknowledged is there.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use alys_database::suite::Folder;
use alys_database::{
    Backend, Batch, Database, DatabaseConfig, DatabaseError, MemoryDisk, Reader, RedbDatabase, SledDatabase,
    open, open_with_snapshots,
};
use redb::backends::InMemoryBackend;

const CHILD: &str = "faults::a_child_writes_until_the_disk_refuses_when_a_parent_asks_for_it";

fn number(n: u64, length: usize) -> Batch {
    let mut batch = Batch::new();
    batch.put(n.to_be_bytes(), vec![n as u8; length]);
    batch.put(b"last", n.to_be_bytes());
    batch
}

#[test]
fn a_child_writes_until_the_disk_refuses_when_a_parent_asks_for_it() {
    let Ok(backend) = std::env::var("ALYS_FAULTS_BACKEND") else { return };
    let folder = PathBuf::from(std::env::var_os("ALYS_FAULTS_FOLDER").unwrap());
    let database = open(&config(&backend, folder)).unwrap();
    for n in 1u64.. {
        if let Err(refusal) = database.commit(number(n, 50_000)) {
            assert!(matches!(refusal, DatabaseError::Io { .. }), "{refusal}");
            let again = database.commit(number(n, 1)).unwrap_err();
            assert!(matches!(again, DatabaseError::Poisoned { .. }), "{again}");
            println!("MARK acknowledged {}", n - 1);
            return;
        }
        assert!(n < 10_000, "the limit on the size of files does not work");
    }
}

fn config(backend: &str, folder: PathBuf) -> DatabaseConfig {
    let backend = if backend == "sled" { Backend::Sled } else { Backend::Redb };
    DatabaseConfig::new(backend, folder)
}

/// Real files under a limit on their size: the kernel refuses a write in the middle of a commit.
#[cfg(target_os = "linux")]
#[test]
fn a_real_disk_that_refuses_a_write_poisons_the_handle_and_loses_nothing() {
    for backend in ["sled", "redb"] {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("database");
        // Blocks of 512 bytes in one shell, of 1,024 in another: 5 or 10 MiB.
        let script = r#"trap '' XFSZ; ulimit -f 10000; exec "$0" "$@""#;
        let child = Command::new("sh")
            .args(["-c", script])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", CHILD, "--nocapture"])
            .env("ALYS_FAULTS_BACKEND", backend)
            .env("ALYS_FAULTS_FOLDER", &folder)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout).into_owned();
        assert!(child.status.success(), "{said}{}", String::from_utf8_lossy(&child.stderr));
        let (_, rest) = said.split_once("MARK acknowledged ").expect("no acknowledgement");
        let acknowledged: u64 = rest.split_whitespace().next().unwrap().parse().unwrap();
        assert!(acknowledged > 10, "{backend}: {acknowledged}");

        let database = open(&config(backend, folder)).unwrap();
        for n in 1..=acknowledged {
            let value = database.get(&n.to_be_bytes()).unwrap();
            assert_eq!(value, Some(vec![n as u8; 50_000]), "{backend}: commit {n}");
        }
        let last = database.get(b"last").unwrap().unwrap();
        let last = u64::from_be_bytes(last.try_into().unwrap());
        assert!([acknowledged, acknowledged + 1].contains(&last), "{backend}: {last}");
        database.commit(number(last + 1, 100)).unwrap();
    }
}

/// redb's bytes in memory, where the n-th write or sync fails.
#[derive(Debug)]
struct Failing {
    bytes: InMemoryBackend,
    /// Writes and syncs left before the failure.
    left: Arc<AtomicU64>,
}

impl Failing {
    fn step(&self) -> std::io::Result<()> {
        match self.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Ok(()),
            Err(_) => Err(std::io::Error::other("input/output error (injected)")),
        }
    }
}

impl redb::StorageBackend for Failing {
    fn len(&self) -> std::io::Result<u64> {
        self.bytes.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.bytes.read(offset, out)
    }
    fn set_len(&self, length: u64) -> std::io::Result<()> {
        self.step()?;
        self.bytes.set_len(length)
    }
    fn sync_data(&self) -> std::io::Result<()> {
        self.step()?;
        self.bytes.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.step()?;
        self.bytes.write(offset, data)
    }
}

#[test]
fn an_error_at_any_write_of_redb_is_reported_and_never_a_panic() {
    let mut poisoned = 0;
    for steps in 0..60 {
        let place = tempfile::tempdir().unwrap();
        let left = Arc::new(AtomicU64::new(steps));
        let backend = Failing { bytes: InMemoryBackend::new(), left };
        let Ok(database) = RedbDatabase::open_over(place.path(), 1 << 20, backend) else { continue };
        let refused = (1..100).find_map(|n| Some((n, database.commit(number(n, 5_000)).err()?)));
        let (n, refusal) = refused.expect("no commit failed");
        assert!(matches!(refusal, DatabaseError::Io { .. }), "{refusal}");
        let again = database.commit(number(n, 1)).unwrap_err();
        assert!(matches!(again, DatabaseError::Poisoned { .. }), "{again}");
        // What was acknowledged can still be read, or is an error; never something else.
        if let Ok(last) = database.get(b"last") {
            assert_eq!(last, (n > 1).then(|| (n - 1).to_be_bytes().to_vec()));
        }
        poisoned += 1;
    }
    assert!(poisoned > 20, "{poisoned}");
}

#[test]
fn a_folder_of_another_backend_is_refused_with_its_name() {
    for (first, second) in [(Backend::Sled, Backend::Redb), (Backend::Redb, Backend::Sled)] {
        let place = Folder::new(first);
        drop(open(place.config()).unwrap());
        let mut other = place.config().clone();
        other.backend = second;
        let refusal = open(&other).err().unwrap();
        assert!(matches!(refusal, DatabaseError::OtherBackend { .. }), "{refusal}");
        let hint = format!("set the backend to {}", first.name());
        assert!(refusal.to_string().contains(&hint), "{refusal}");
    }
}

#[test]
fn a_handle_of_another_process_is_noticed_and_its_end_too() {
    // The lock is the operating system's; a second handle here stands for a second process, and
    // `durability` opens folders whose process was ended by the kernel.
    let place = tempfile::tempdir().unwrap();
    let first = SledDatabase::open(place.path(), 1 << 20).unwrap();
    let refusal = SledDatabase::open(place.path(), 1 << 20).unwrap_err();
    assert!(matches!(refusal, DatabaseError::InUse { .. }), "{refusal}");
    drop(first);
    SledDatabase::open(place.path(), 1 << 20).unwrap();
}

#[test]
fn a_configuration_that_cannot_work_is_refused_with_what_to_write() {
    let refusal = open(&DatabaseConfig::new(Backend::Sled, "")).err().unwrap();
    assert!(refusal.to_string().contains("needs a `path`"), "{refusal}");
    let mut config = DatabaseConfig::new(Backend::Redb, "/nowhere");
    config.cache_bytes = 5;
    let refusal = open(&config).err().unwrap();
    assert!(refusal.to_string().contains("the least is 1048576"), "{refusal}");
    let sled = Folder::new(Backend::Sled);
    let refusal = open_with_snapshots(sled.config()).err().unwrap();
    assert!(matches!(refusal, DatabaseError::Unsupported { .. }), "{refusal}");

    let parse = |text: &str| serde_json::from_str::<DatabaseConfig>(text);
    let parsed = parse(r#"{"backend": "redb", "path": "/data"}"#).unwrap();
    assert_eq!(parsed, DatabaseConfig::new(Backend::Redb, "/data"));
    assert_eq!(parse("{}").unwrap().backend, Backend::Sled);
    assert!(parse(r#"{"bakend": "redb"}"#).is_err());
    assert!(parse(r#"{"backend": "rocksdb"}"#).is_err());
    open(&DatabaseConfig::memory()).unwrap();
}

#[test]
fn a_full_disk_in_memory_is_an_error_that_says_so() {
    let disk = MemoryDisk::new();
    disk.set_capacity(Some(1_000));
    let database = disk.open().unwrap();
    database.commit(number(1, 500)).unwrap();
    let refusal = database.commit(number(2, 600)).unwrap_err();
    assert!(refusal.to_string().contains("no space left"), "{refusal}");
    assert!(matches!(database.commit(number(2, 1)), Err(DatabaseError::Poisoned { .. })));
    drop(database);
    let database = disk.open().unwrap();
    assert_eq!(database.get(b"last").unwrap(), Some(1u64.to_be_bytes().to_vec()));
    disk.set_capacity(None);
    database.commit(number(2, 600)).unwrap();
}
