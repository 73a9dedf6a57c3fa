//! Reading everything in steps, so that commits need not wait until all is read.

use std::{
    fmt,
    ops::Bound,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;

use crate::{DatabaseError, Order, Reader, Verified, sled::Ledger};

/// How far a verification has come: see [`Database::verify_some`](crate::Database::verify_some).
///
/// Belongs to the database that it was begun with; with another one it begins anew.
#[derive(Default)]
pub struct Verifying {
    /// The last key read.
    after: Option<Vec<u8>>,
    read: Verified,
    what: Option<What>,
}

/// What is read.
enum What {
    /// One moment, and how many entries it should have, where the backend knows.
    Moment { reader: Box<dyn Reader>, written: Option<u64> },
    /// The entries as they are when they are read; commits correct the sum.
    Running(Arc<Mutex<Running>>),
}

/// The sum over all entries up to a key, kept right by each commit until the rest has been read.
pub(crate) struct Running {
    /// The last key in it; `None`: none is.
    pub(crate) up_to: Option<Vec<u8>>,
    pub(crate) found: Ledger,
}

impl Running {
    /// Whether an entry has been counted, if it was there.
    pub(crate) fn covers(&self, key: &[u8]) -> bool {
        self.up_to.as_deref().is_some_and(|last| key <= last)
    }
}

impl Verifying {
    /// A verification that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next entries of one moment, which `begin` takes with the number of entries it should have. `check` sees each key.
    /// At the end: what was read, and that number.
    pub(crate) fn of_moment(
        &mut self,
        limit: usize,
        begin: impl FnOnce() -> Result<(Box<dyn Reader>, Option<u64>), DatabaseError>,
        check: impl Fn(&dyn Reader, &[u8]) -> Result<(), DatabaseError>,
    ) -> Result<Option<(Verified, Option<u64>)>, DatabaseError> {
        let (reader, written) = match self.what.take() {
            Some(What::Moment { reader, written }) => (reader, written),
            _ => {
                *self = Self::default();
                begin()?
            }
        };
        let low = self.after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let piece = reader.scan((low, Bound::Unbounded), Order::Ascending, limit.max(1))?;
        let complete = piece.len() < limit.max(1);
        for (key, value) in piece {
            check(&*reader, &key)?;
            self.count(key, &value);
        }
        if !complete {
            self.what = Some(What::Moment { reader, written });
            return Ok(None);
        }
        Ok(Some((self.read, written)))
    }

    /// The sum of a verification that goes on while commits are made; `begun` takes note of a new one.
    pub(crate) fn running(&mut self, begun: impl FnOnce(Weak<Mutex<Running>>)) -> Arc<Mutex<Running>> {
        if let Some(What::Running(running)) = &self.what {
            return Arc::clone(running);
        }
        *self = Self::default();
        let running = Arc::new(Mutex::new(Running { up_to: None, found: Ledger::default() }));
        begun(Arc::downgrade(&running));
        self.what = Some(What::Running(Arc::clone(&running)));
        running
    }

    /// Counts an entry as read.
    pub(crate) fn count(&mut self, key: Vec<u8>, value: &[u8]) {
        self.read.entries += 1;
        self.read.bytes += (key.len() + value.len()) as u64;
        self.after = Some(key);
    }

    /// The bytes read so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.read.bytes
    }
}

impl fmt::Debug for Verifying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifying").field("read", &self.read).finish_non_exhaustive()
    }
}
