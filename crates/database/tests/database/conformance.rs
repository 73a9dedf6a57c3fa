//! The common suite over all three backends.

use alys_database::suite::Folder;
use alys_database::{Backend, MemoryDisk, database_suite, snapshots_suite};

database_suite!(sled, || Box::new(Folder::new(Backend::Sled)));
database_suite!(redb, || Box::new(Folder::new(Backend::Redb)));
database_suite!(memory, || Box::new(MemoryDisk::new()));
snapshots_suite!(redb_snapshots, || Box::new(Folder::new(Backend::Redb)));
snapshots_suite!(memory_snapshots, || Box::new(MemoryDisk::new()));
