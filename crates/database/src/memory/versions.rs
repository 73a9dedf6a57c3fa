//! A sorted map that can be read as of an earlier commit for as long as somebody holds that moment.
//!
//! The newest version of a key lies in the map itself; what it replaced is kept behind it only while
//! a snapshot may ask for it. `garbage` remembers, in commit order, which keys have something to
//! drop, so that neither commits nor snapshots ever walk the whole map.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use crate::{Order, checksum};

/// A value with the checksum it was stored with.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) bytes: Arc<[u8]>,
    checksum: u32,
}

impl Stored {
    fn new(key: &[u8], bytes: Vec<u8>) -> Self {
        Self { checksum: checksum::of(key, &bytes), bytes: bytes.into() }
    }

    /// Whether the bytes are still those that were stored.
    pub(super) fn is_sound(&self, key: &[u8]) -> bool {
        checksum::of(key, &self.bytes) == self.checksum
    }

    /// Changes one bit, as a failing medium does; of an empty value, its checksum.
    pub(super) fn damage(&mut self) {
        let mut bytes = self.bytes.to_vec();
        match bytes.last_mut() {
            Some(last) => *last ^= 1,
            None => self.checksum ^= 1,
        }
        self.bytes = bytes.into();
    }
}

/// One version of a key: since which commit, and what (`None`: removed).
#[derive(Debug)]
struct Version {
    since: u64,
    value: Option<Stored>,
}

#[derive(Debug)]
struct Slot {
    newest: Version,
    /// Oldest first.
    older: Vec<Version>,
}

impl Slot {
    fn at(&self, moment: u64) -> Option<&Stored> {
        if self.newest.since <= moment {
            return self.newest.value.as_ref();
        }
        self.older.iter().rev().find(|v| v.since <= moment).and_then(|v| v.value.as_ref())
    }
}

/// The map.
#[derive(Debug, Default)]
pub(super) struct Versions {
    slots: BTreeMap<Vec<u8>, Slot>,
    /// The number of the last commit.
    now: u64,
    /// Moments that are held, with how often.
    held: BTreeMap<u64, usize>,
    /// Keys that got an older version or a tombstone, by the commit that did it.
    garbage: VecDeque<(u64, Vec<u8>)>,
    /// Bytes of the newest keys and values.
    bytes: u64,
}

impl Versions {
    /// The number of the last commit.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// Bytes of all current keys and values.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The value of `key` at `moment`.
    pub(super) fn get(&self, key: &[u8], moment: u64) -> Option<&Stored> {
        self.slots.get(key)?.at(moment)
    }

    /// The current value of `key`, to damage it.
    pub(super) fn newest_mut(&mut self, key: &[u8]) -> Option<&mut Stored> {
        self.slots.get_mut(key)?.newest.value.as_mut()
    }

    /// Up to `limit` entries of `range` at `moment`.
    pub(super) fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        order: Order,
        limit: usize,
        moment: u64,
    ) -> Vec<(&[u8], &Stored)> {
        let found = self
            .slots
            .range::<[u8], _>(range)
            .filter_map(|(key, slot)| Some((key.as_slice(), slot.at(moment)?)));
        match order {
            Order::Ascending => found.take(limit).collect(),
            Order::Descending => found.rev().take(limit).collect(),
        }
    }

    /// Applies one commit.
    pub(super) fn apply(&mut self, writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>) {
        self.now += 1;
        for (key, value) in writes {
            self.write(key, value);
        }
        self.collect();
    }

    fn write(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        let length = |key: &[u8], value: usize| (key.len() + value) as u64;
        let value = value.map(|bytes| Stored::new(&key, bytes));
        if let Some(new) = &value {
            self.bytes += length(&key, new.bytes.len());
        }
        let newest = Version { since: self.now, value };
        let Some(slot) = self.slots.get_mut(&key) else {
            if newest.value.is_some() {
                self.slots.insert(key, Slot { newest, older: Vec::new() });
            }
            return;
        };
        if let Some(old) = &slot.newest.value {
            self.bytes -= length(&key, old.bytes.len());
        }
        let removed = newest.value.is_none();
        let old = std::mem::replace(&mut slot.newest, newest);
        // The latest moment anyone holds; `old` was visible there if it is not newer.
        let needed = self.held.last_key_value().is_some_and(|(held, _)| old.since <= *held);
        if needed {
            slot.older.push(old);
        }
        if needed || removed {
            self.garbage.push_back((self.now, key));
        }
    }

    /// Holds the present moment until [`Versions::release`].
    pub(super) fn hold(&mut self) -> u64 {
        *self.held.entry(self.now).or_default() += 1;
        self.now
    }

    /// Lets go of a moment.
    pub(super) fn release(&mut self, moment: u64) {
        if let Some(count) = self.held.get_mut(&moment) {
            *count -= 1;
            if *count == 0 {
                self.held.remove(&moment);
            }
        }
        self.collect();
    }

    /// Drops what no held moment can see.
    fn collect(&mut self) {
        let oldest = self.held.first_key_value().map_or(self.now, |(held, _)| *held);
        while self.garbage.front().is_some_and(|(since, _)| *since <= oldest) {
            let Some((_, key)) = self.garbage.pop_front() else {
                return;
            };
            let Some(slot) = self.slots.get_mut(&key) else {
                continue;
            };
            if slot.newest.since <= oldest {
                slot.older.clear();
                if slot.newest.value.is_none() {
                    self.slots.remove(&key);
                }
            } else if let Some(seen) = slot.older.iter().rposition(|v| v.since <= oldest) {
                // What `oldest` sees stays, what lies behind it goes.
                slot.older.drain(..seen);
            }
        }
    }

    /// How many versions are kept, and how many keys wait to be looked at: for tests.
    #[cfg(test)]
    fn kept(&self) -> (usize, usize) {
        (self.slots.values().map(|s| 1 + s.older.len()).sum(), self.garbage.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Model = BTreeMap<Vec<u8>, Vec<u8>>;

    fn read(map: &Versions, moment: u64) -> Model {
        map.scan((Bound::Unbounded, Bound::Unbounded), Order::Ascending, usize::MAX, moment)
            .into_iter()
            .map(|(k, v)| (k.to_vec(), v.bytes.to_vec()))
            .collect()
    }

    proptest! {
        #[test]
        fn every_held_moment_stays_as_it_was_and_nothing_is_kept_when_none_is_held(
            steps in proptest::collection::vec(
                (proptest::collection::vec((0u8..6, proptest::option::of(0u8..4)), 0..4), 0u8..4),
                1..60,
            )
        ) {
            let mut map = Versions::default();
            let mut model = Model::new();
            let mut held: Vec<(u64, Model)> = Vec::new();
            for (writes, action) in steps {
                match action {
                    0 => held.push((map.hold(), model.clone())),
                    1 if !held.is_empty() => map.release(held.remove(held.len() / 2).0),
                    _ => {}
                }
                let writes: BTreeMap<Vec<u8>, Option<Vec<u8>>> =
                    writes.into_iter().map(|(k, v)| (vec![k], v.map(|v| vec![v]))).collect();
                for (key, value) in &writes {
                    match value {
                        Some(value) => { model.insert(key.clone(), value.clone()); }
                        None => { model.remove(key); }
                    }
                }
                map.apply(writes);
                prop_assert_eq!(&read(&map, map.now()), &model);
                for (moment, then) in &held {
                    prop_assert_eq!(&read(&map, *moment), then);
                }
            }
            for (moment, _) in held {
                map.release(moment);
            }
            prop_assert_eq!(map.kept(), (model.len(), 0));
            let bytes: usize = model.iter().map(|(k, v)| k.len() + v.len()).sum();
            prop_assert_eq!(map.bytes(), bytes as u64);
        }
    }
}
