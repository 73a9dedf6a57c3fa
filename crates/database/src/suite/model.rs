//! Random histories, and the sorted map that a database must read like after each step of one.

use std::collections::BTreeMap;
use std::ops::Bound;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::{Batch, MAX_KEY_BYTES, Order, Reader, Verified};

/// What a database must read like.
pub(super) type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// What is done to a database and to its model alike.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Commit(Vec<(Vec<u8>, Option<Vec<u8>>)>),
    Get(Vec<u8>),
    Scan(Bound<Vec<u8>>, Bound<Vec<u8>>, Order, usize),
    Prefix(Vec<u8>),
    Reopen,
}

pub(super) fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        20 => proptest::collection::vec(prop_oneof![Just(0u8), Just(1), Just(b'a'), Just(0xff)], 0..5),
        1 => any::<u8>().prop_map(|b| vec![b; MAX_KEY_BYTES]),
    ]
}

pub(super) fn value() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![
        12 => 0usize..40,
        3 => 4080usize..4100,
        2 => 8170usize..8200,
        1 => 130_000usize..140_000,
    ];
    (length, any::<u8>()).prop_map(|(length, seed)| filled(length, seed))
}

/// Bytes that differ from place to place, so that swapped parts are noticed.
pub(super) fn filled(length: usize, seed: u8) -> Vec<u8> {
    (0..length).map(|i| (i / 251) as u8 ^ (i as u8).wrapping_add(seed)).collect()
}

pub(super) fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![key().prop_map(Bound::Included), key().prop_map(Bound::Excluded), Just(Bound::Unbounded),]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let order = prop_oneof![Just(Order::Ascending), Just(Order::Descending)];
    let write = (key(), proptest::option::weighted(0.75, value()));
    prop_oneof![
        8 => proptest::collection::vec(write, 0..8).prop_map(Step::Commit),
        4 => key().prop_map(Step::Get),
        6 => (bound(), bound(), order, 0usize..12)
            .prop_map(|(low, high, order, limit)| Step::Scan(low, high, order, limit)),
        2 => key().prop_map(Step::Prefix),
        1 => Just(Step::Reopen),
    ]
}

pub(super) fn as_slices(range: &(Bound<Vec<u8>>, Bound<Vec<u8>>)) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (range.0.as_ref().map(Vec::as_slice), range.1.as_ref().map(Vec::as_slice))
}

/// What a scan of the model finds; written with filters, to share nothing with the backends.
pub(super) fn scan_model(
    model: &Model,
    (low, high): (Bound<&[u8]>, Bound<&[u8]>),
    order: Order,
    limit: usize,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let above = |key: &[u8]| match low {
        Bound::Included(low) => key >= low,
        Bound::Excluded(low) => key > low,
        Bound::Unbounded => true,
    };
    let below = |key: &[u8]| match high {
        Bound::Included(high) => key <= high,
        Bound::Excluded(high) => key < high,
        Bound::Unbounded => true,
    };
    let mut all: Vec<_> = model
        .iter()
        .filter(|(key, _)| above(key) && below(key))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    if order == Order::Descending {
        all.reverse();
    }
    all.truncate(limit);
    all
}

pub(super) fn all_of(reader: &dyn Reader) -> Model {
    let all = (Bound::Unbounded, Bound::Unbounded);
    reader.scan(all, Order::Ascending, usize::MAX).unwrap().into_iter().collect()
}

/// What verifying a database that holds the model finds.
pub(super) fn counted(model: &Model) -> Verified {
    let bytes: usize = model.iter().map(|(key, value)| key.len() + value.len()).sum();
    Verified { entries: model.len() as u64, bytes: bytes as u64 }
}

pub(super) fn batch_of(writes: &[(Vec<u8>, Option<Vec<u8>>)]) -> Batch {
    let mut batch = Batch::new();
    for (key, value) in writes {
        match value {
            Some(value) => batch.put(key.clone(), value.clone()),
            None => batch.delete(key.clone()),
        }
    }
    batch
}

pub(super) fn apply(model: &mut Model, writes: &[(Vec<u8>, Option<Vec<u8>>)]) {
    for (key, value) in writes {
        match value {
            Some(value) => model.insert(key.clone(), value.clone()),
            None => model.remove(key),
        };
    }
}

pub(super) fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}
