//! What the kernel was asked to do when storage answers: no answer precedes the sync of a file written
//! for it, promises and the names of new files included. The database's own tests cut the power at
//! every write; here it is the whole of storage.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use alys_database::Backend;
use alys_storage::{Promises, StorageConfig, StorageSetup};

use crate::blocks::{genesis, line, update};
use crate::trace::{Call, run, strace_is_here, unsynced};

const CHILD: &str = "durability::a_child_keeps_blocks_and_promises_when_a_parent_asks_for_it";

fn mark(text: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "MARK {text}").unwrap();
    out.flush().unwrap();
}

#[test]
fn a_child_keeps_blocks_and_promises_when_a_parent_asks_for_it() {
    let Some(folder) = std::env::var_os("ALYS_TRACED_STORAGE").map(PathBuf::from) else { return };
    let backend = match std::env::var("ALYS_TRACED_BACKEND").unwrap().as_str() {
        "sled" => Backend::Sled,
        _ => Backend::Redb,
    };
    let setup = StorageSetup::new(StorageConfig::new(backend, folder.join("storage"))).unwrap();
    let mut record = setup.open_record().unwrap();
    let mut store = setup.open_store().unwrap();
    let genesis = genesis();
    store.persist(&[Arc::clone(&genesis)]).remove(0).unwrap();
    mark("done genesis");
    store.apply_head(&update(&genesis, &genesis, &[Arc::clone(&genesis)])).unwrap();
    mark("done head");
    for block in line(&genesis, 6) {
        store.persist(&[Arc::clone(&block)]).remove(0).unwrap();
        mark("done block");
        store.apply_head(&update(&block, &block, &[Arc::clone(&block)])).unwrap();
        mark("done head");
        let lock = block.block.header.slot;
        record.persist(&Promises { lock, ..Promises::default() }).unwrap();
        mark("done promise");
    }
}

#[test]
fn no_answer_of_storage_precedes_an_fsync_of_every_file_written_for_it() {
    if !strace_is_here() {
        return;
    }
    for backend in ["sled", "redb"] {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().canonicalize().unwrap().join("data");
        std::fs::create_dir(&folder).unwrap();
        let env = [("ALYS_TRACED_BACKEND", backend), ("ALYS_TRACED_STORAGE", folder.to_str().unwrap())];
        let events = run(CHILD, &env, &folder);
        let is_answer = |call: &Call| matches!(call, Call::Mark(text) if text.starts_with("done"));
        assert_eq!(events.iter().filter(|event| is_answer(&event.call)).count(), 20);
        let promise =
            |call: &Call| matches!(call, Call::Write { path, .. } if path.ends_with("storage/promises"));
        assert_eq!(events.iter().filter(|event| promise(&event.call)).count(), 6);
        assert_eq!(unsynced(&events), Vec::<String>::new(), "{backend}");
    }
}
