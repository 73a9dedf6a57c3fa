//! A batch as the bytes a log would hold: what a crash can lose, keep or tear.
//!
//! ```text
//! crc32c of the rest (u32) ‖ per write: 0 | 1 ‖ key length (u32) ‖ key [ ‖ value length (u32) ‖ value ]
//! ```

use std::collections::BTreeMap;

use crate::checksum;

type Writes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// The record of a batch.
pub(super) fn encode(writes: &Writes) -> Vec<u8> {
    let mut out = vec![0; checksum::LEN];
    for (key, value) in writes {
        out.push(u8::from(value.is_some()));
        push(&mut out, key);
        if let Some(value) = value {
            push(&mut out, value);
        }
    }
    let sum = checksum::of(&[], &out[checksum::LEN..]);
    out[..checksum::LEN].copy_from_slice(&sum.to_be_bytes());
    out
}

fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    // Lengths are checked before: far below 4 GiB.
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// The batch of a record; `None` where the record is torn.
pub(super) fn decode(record: &[u8]) -> Option<Writes> {
    let (sum, mut rest) = record.split_first_chunk::<{ checksum::LEN }>()?;
    if *sum != checksum::of(&[], rest).to_be_bytes() {
        return None;
    }
    let mut writes = Writes::new();
    while let Some((kind, after)) = rest.split_first() {
        rest = after;
        let key = pull(&mut rest)?;
        let value = if *kind == 1 { Some(pull(&mut rest)?) } else { None };
        writes.insert(key, value);
    }
    Some(writes)
}

fn pull(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (bytes, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_record_comes_back_whole_and_a_torn_one_not_at_all(
            writes in proptest::collection::btree_map(
                proptest::collection::vec(any::<u8>(), 0..5),
                proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20)),
                1..6,
            ),
            cut in any::<prop::sample::Index>(),
        ) {
            let record = encode(&writes);
            prop_assert_eq!(decode(&record), Some(writes));
            prop_assert_eq!(decode(&record[..cut.index(record.len())]), None);
        }
    }
}
