//! Opening: formats, restarts, and what must lie beside what.

use std::sync::Arc;

use alys_database::{Backend, Batch, Database, MemoryDisk};
use alys_storage::{BlockCache, OpenError, PromiseError, Promises, StorageConfig, StorageSetup, Store};

use crate::blocks::hash;
use crate::histories::open;
use crate::serving::chain_of;

#[test]
fn a_newer_format_is_refused_with_what_to_do() {
    let disk = MemoryDisk::new();
    drop(open(&disk));
    let db = disk.open().unwrap();
    let mut batch = Batch::new();
    batch.put(b"\x00format", 2u32.to_be_bytes());
    db.commit(batch).unwrap();
    let refusal = Store::open(Arc::new(db), BlockCache::new(0)).unwrap_err();
    assert!(matches!(refusal, OpenError::NewerFormat { found: 2, known: 1 }));
    assert!(refusal.to_string().contains("use a newer version of the program"), "{refusal}");
}

#[test]
fn a_database_of_something_else_is_refused() {
    let disk = MemoryDisk::new();
    let db = disk.open().unwrap();
    let mut batch = Batch::new();
    batch.put(b"state", b"of an engine");
    db.commit(batch).unwrap();
    let refusal = Store::open(Arc::new(db), BlockCache::new(0)).unwrap_err();
    assert!(matches!(refusal, OpenError::NotStorage), "{refusal}");
}

fn setup(backend: Backend, folder: &std::path::Path) -> StorageSetup {
    let mut config = StorageConfig::new(backend, folder.join("storage"));
    config.database_cache_bytes = 16 << 20;
    StorageSetup::new(config).unwrap()
}

#[test]
fn everything_is_there_after_closing_and_opening_on_every_backend() {
    for backend in [Backend::Sled, Backend::Redb, Backend::Memory] {
        let folder = tempfile::tempdir().unwrap();
        let setup = setup(backend, folder.path());
        let mut store = setup.open_store().unwrap();
        let blocks = chain_of(&mut store, 30, 3);
        let before = store.load_chain().unwrap();
        drop(store);
        let promises = Promises { lock: 77, ..Promises::default() };
        setup.open_record().unwrap().persist(&promises).unwrap();
        // The cache was that of a store that is gone.
        assert!(setup.cache().get(&hash(&blocks[30])).is_some());
        let store = setup.open_store().unwrap();
        assert!(setup.cache().get(&hash(&blocks[30])).is_none());
        assert_eq!(store.load_chain().unwrap(), before);
        assert_eq!(setup.open_record().unwrap().promises(), &promises);
    }
}

#[test]
fn a_database_without_its_promise_record_is_refused_until_the_record_is_reset() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(Backend::Redb, folder.path());
    drop(setup.open_store().unwrap());
    std::fs::remove_file(setup.config().promises_path()).unwrap();
    for refusal in [setup.open_store().err().unwrap(), setup.open_record().err().unwrap()] {
        assert!(matches!(refusal, OpenError::Promises(PromiseError::Missing { .. })), "{refusal}");
        assert!(refusal.to_string().contains("it must not vote"), "{refusal}");
    }
    alys_storage::PromiseRecord::reset(&setup.config().promises_path(), 900).unwrap();
    assert_eq!(setup.open_record().unwrap().promises().lock, 900);
    setup.open_store().unwrap();
}

/// `two-rivals`: with the whole folder gone, an empty record would let a member vote twice in a slot.
#[test]
fn two_rivals_a_member_that_has_promised_gets_no_new_record_on_a_new_disk() {
    for backend in [Backend::Sled, Backend::Redb] {
        let folder = tempfile::tempdir().unwrap();
        let lost = setup(backend, folder.path()).has_promised();
        assert!(lost.is_new());
        for refusal in [lost.open_store().err().unwrap(), lost.open_record().err().unwrap()] {
            assert!(matches!(refusal, OpenError::Promises(PromiseError::Lost { .. })), "{refusal}");
            let told = refusal.to_string();
            assert!(told.contains("storage.path") && told.contains("reset the record"), "{told}");
        }
        assert!(!folder.path().join("storage").exists(), "nothing was made");
        std::fs::create_dir(folder.path().join("storage")).unwrap();
        alys_storage::PromiseRecord::reset(&lost.config().promises_path(), 70).unwrap();
        assert!(!lost.is_new());
        assert_eq!(lost.open_record().unwrap().promises().lock, 70);
        lost.open_store().unwrap();
    }
}

#[test]
fn a_second_process_is_told_to_stop_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(Backend::Sled, folder.path());
    let (_store, _record) = (setup.open_store().unwrap(), setup.open_record().unwrap());
    for refusal in
        [setup.open_store().err().unwrap().to_string(), setup.open_record().err().unwrap().to_string()]
    {
        assert!(refusal.contains("in use by another process; stop it"), "{refusal}");
    }
}

#[test]
fn a_configuration_that_cannot_work_is_refused_by_field() {
    let wrong = |config| StorageSetup::new(config).err().unwrap().to_string();
    assert!(wrong(StorageConfig::default()).contains("storage.path"));
    let config = StorageConfig { max_batch: 0, ..StorageConfig::memory() };
    assert!(wrong(config).contains("storage.max_batch"));
    let config = StorageConfig { database_cache_bytes: 0, ..StorageConfig::memory() };
    assert!(wrong(config).contains("storage.database_cache_bytes"));
}
