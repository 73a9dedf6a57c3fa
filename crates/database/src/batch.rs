//! A batch of writes: what one commit applies.

use std::collections::BTreeMap;

use crate::{DatabaseError, MAX_KEY_BYTES, MAX_VALUE_BYTES};

/// One write of a [`Batch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Sets the key to the value.
    Put(Vec<u8>, Vec<u8>),
    /// Removes the key; nothing happens where it is absent.
    Delete(Vec<u8>),
}

/// Writes that are applied together or not at all, in the order they were added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    writes: Vec<Write>,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.writes.push(Write::Put(key.into(), value.into()));
    }

    /// Removes `key`.
    pub fn delete(&mut self, key: impl Into<Vec<u8>>) {
        self.writes.push(Write::Delete(key.into()));
    }

    /// The writes, in the order they were added.
    #[must_use]
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// Takes the writes out.
    #[must_use]
    pub fn into_writes(self) -> Vec<Write> {
        self.writes
    }

    /// Whether nothing would be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// How many writes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Appends all of `other`'s writes.
    pub fn append(&mut self, other: Batch) {
        self.writes.extend(other.writes);
    }

    /// The last write of each key, in key order (`None`: removed), after checking all lengths.
    ///
    /// What came earlier in the batch for the same key cannot be seen by anyone, so the backends
    /// need not write it.
    pub(crate) fn into_latest(self) -> Result<BTreeMap<Vec<u8>, Option<Vec<u8>>>, DatabaseError> {
        let mut latest = BTreeMap::new();
        for write in self.writes {
            let (key, value) = match write {
                Write::Put(key, value) => (key, Some(value)),
                Write::Delete(key) => (key, None),
            };
            check_length("key", key.len(), MAX_KEY_BYTES)?;
            check_length("value", value.as_ref().map_or(0, Vec::len), MAX_VALUE_BYTES)?;
            latest.insert(key, value);
        }
        Ok(latest)
    }
}

fn check_length(what: &'static str, bytes: usize, limit: usize) -> Result<(), DatabaseError> {
    if bytes > limit {
        return Err(DatabaseError::TooLarge { what, bytes, limit });
    }
    Ok(())
}
