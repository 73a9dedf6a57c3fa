//! A database whose backend is chosen by configuration.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use alys_database::{Batch, Database, DatabaseError, Entry, Order, Reader, Snapshots, Verified, Verifying};

/// A shared database as one that the engine can own: what
/// [`open_with_snapshots`](alys_database::open_with_snapshots) gives.
#[derive(Clone)]
pub struct SharedDatabase(pub Arc<dyn Snapshots>);

impl fmt::Debug for SharedDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedDatabase").field(&self.0.backend()).finish()
    }
}

impl Reader for SharedDatabase {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, DatabaseError> {
        self.0.get(key)
    }

    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        order: Order,
        limit: usize,
    ) -> Result<Vec<Entry>, DatabaseError> {
        self.0.scan(range, order, limit)
    }
}

impl Database for SharedDatabase {
    fn commit(&self, batch: Batch) -> Result<(), DatabaseError> {
        self.0.commit(batch)
    }

    fn size_on_disk(&self) -> Result<u64, DatabaseError> {
        self.0.size_on_disk()
    }

    fn verify_some(&self, progress: &mut Verifying, limit: usize) -> Result<Option<Verified>, DatabaseError> {
        self.0.verify_some(progress, limit)
    }

    fn backend(&self) -> &'static str {
        self.0.backend()
    }
}

impl Snapshots for SharedDatabase {
    fn snapshot(&self) -> Result<Box<dyn Reader>, DatabaseError> {
        self.0.snapshot()
    }
}
