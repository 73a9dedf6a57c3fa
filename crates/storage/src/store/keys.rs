//! The keys of the database; the layout stands in the documentation of [`crate::store`].

use std::ops::Bound;

use alys_primitives::B256;

/// The first byte of every key: which table. Zero is that of the single records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Table {
    Blocks = 1,
    Heights = 2,
    Canonical = 3,
    Transactions = 4,
    Facts = 5,
    Changes = 6,
}

/// The version of the layout. A change to it is a new number here, and a migration or a refusal.
pub(super) const FORMAT: &[u8] = b"\x00format";
/// Head, finality and their certificates.
pub(super) const CHAIN: &[u8] = b"\x00chain";
/// The peg state after the last final block.
pub(super) const PEG: &[u8] = b"\x00peg";
/// How many blocks there are.
pub(super) const COUNT: &[u8] = b"\x00count";

fn key(table: Table, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    out.push(table as u8);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// A block, its facts or its change set: height, then hash, so that neighbours lie together.
pub(super) fn at(table: Table, height: u64, hash: &B256) -> Vec<u8> {
    key(table, &[&height.to_be_bytes(), hash.as_slice()])
}

/// The height of a block, by its hash.
pub(super) fn height_of(hash: &B256) -> Vec<u8> {
    key(Table::Heights, &[hash.as_slice()])
}

/// The hash at a height of the chain of the head.
pub(super) fn canonical(height: u64) -> Vec<u8> {
    key(Table::Canonical, &[&height.to_be_bytes()])
}

/// The height of the block that contains a transaction.
pub(super) fn transaction(hash: &B256) -> Vec<u8> {
    key(Table::Transactions, &[hash.as_slice()])
}

/// A range of keys.
pub(super) type KeyRange = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// The whole of a table.
pub(super) fn all(table: Table) -> KeyRange {
    (Bound::Included(vec![table as u8]), Bound::Excluded(vec![table as u8 + 1]))
}

/// What lies in a table keyed by height, from `height` on.
pub(super) fn from_height(table: Table, height: u64) -> KeyRange {
    (Bound::Included(key(table, &[&height.to_be_bytes()])), Bound::Excluded(vec![table as u8 + 1]))
}

/// Height and hash of a key made by [`at`].
pub(super) fn place_of(key: &[u8]) -> Option<(u64, B256)> {
    let (height, hash) = key.get(1..)?.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*height), B256::try_from(hash).ok()?))
}

/// The height in a value or in a key made by [`canonical`] without its table.
pub(super) fn height_in(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_from_its_key_and_orders_by_height() {
        let hash = B256::repeat_byte(7);
        let low = at(Table::Blocks, 255, &hash);
        let high = at(Table::Blocks, 256, &B256::ZERO);
        assert!(low < high);
        assert_eq!(place_of(&low), Some((255, hash)));
        assert_eq!(place_of(&low[..40]), None);
    }

    #[test]
    fn ranges_end_with_their_table_also_at_the_greatest_height() {
        let last = at(Table::Facts, u64::MAX, &B256::repeat_byte(255));
        for range in [all(Table::Facts), from_height(Table::Facts, u64::MAX)] {
            let contains = |key: &Vec<u8>| std::ops::RangeBounds::contains(&range, key);
            assert!(contains(&last));
            assert!(!contains(&vec![Table::Changes as u8]));
        }
    }
}
