//! A database that several own: whoever takes any [`Database`] takes an [`Arc`] of one too, one of which the backend is
//! known only at run time ([`open`](crate::open)) included.

use std::{ops::Bound, sync::Arc};

use crate::{Batch, Database, DatabaseError, Entry, Order, Reader, Snapshots, Verified, Verifying};

impl<D: Reader + ?Sized> Reader for Arc<D> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, DatabaseError> {
        (**self).get(key)
    }

    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        order: Order,
        limit: usize,
    ) -> Result<Vec<Entry>, DatabaseError> {
        (**self).scan(range, order, limit)
    }
}

impl<D: Database + ?Sized> Database for Arc<D> {
    fn commit(&self, batch: Batch) -> Result<(), DatabaseError> {
        (**self).commit(batch)
    }

    fn size_on_disk(&self) -> Result<u64, DatabaseError> {
        (**self).size_on_disk()
    }

    fn backend(&self) -> &'static str {
        (**self).backend()
    }

    fn verify_some(&self, progress: &mut Verifying, limit: usize) -> Result<Option<Verified>, DatabaseError> {
        (**self).verify_some(progress, limit)
    }
}

impl<D: Snapshots + ?Sized> Snapshots for Arc<D> {
    fn snapshot(&self) -> Result<Box<dyn Reader>, DatabaseError> {
        (**self).snapshot()
    }
}
