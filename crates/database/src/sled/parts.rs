//! How a value lies in sled: a head, and for longer values further parts.
//!
//! ```text
//! 0x00 ‖ key              head   0x00 ‖ crc32c ‖ value                      value ≤ 4,091 bytes
//!                                0x01 ‖ crc32c ‖ length (u32) ‖ first 4,087 bytes
//! 0x01 ‖ key ‖ n (u32)    part n (from 0), at most 4,096 bytes each
//! ```
//!
//! Numbers are big-endian; the checksum covers key and value ([`crate::checksum`]). No entry is
//! longer than 4 KiB: sled writes a page of up to 16 entries as one message, and puts messages above
//! 128 KiB into files of their own, which it never syncs.

use crate::checksum;

/// No entry is longer, in bytes.
pub(super) const PART_BYTES: usize = 4096;

/// First byte of the keys of heads, and the first byte of no other key.
pub(super) const HEADS: u8 = 0x00;
/// First byte of the keys of parts; greater than [`HEADS`], so that heads can be scanned alone.
pub(super) const PARTS: u8 = 0x01;

const WHOLE: u8 = 0x00;
const IN_PARTS: u8 = 0x01;
const WHOLE_PREFIX: usize = 1 + checksum::LEN;
const PARTS_PREFIX: usize = WHOLE_PREFIX + 4;

/// The sled key of a head.
pub(super) fn head_key(key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + key.len());
    out.push(HEADS);
    out.extend_from_slice(key);
    out
}

/// The sled key of a part. Fixed-width numbers keep the parts of different keys apart.
pub(super) fn part_key(key: &[u8], part: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(5 + key.len());
    out.push(PARTS);
    out.extend_from_slice(key);
    out.extend_from_slice(&part.to_be_bytes());
    out
}

/// What a head says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head<'a> {
    checksum: u32,
    /// Length of the whole value.
    length: usize,
    /// The value's beginning, or all of it.
    first: &'a [u8],
}

impl<'a> Head<'a> {
    /// Reads a head; `None` where it is none.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let (sum, rest) = rest.split_first_chunk::<4>()?;
        let checksum = u32::from_be_bytes(*sum);
        match *kind {
            WHOLE => Some(Self { checksum, length: rest.len(), first: rest }),
            IN_PARTS => {
                let (length, first) = rest.split_first_chunk::<4>()?;
                let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
                // A value that fits one part, or a cut first part, was not written by us.
                (length > first.len() && first.len() == PART_BYTES - PARTS_PREFIX).then_some(Self {
                    checksum,
                    length,
                    first,
                })
            }
            _ => None,
        }
    }

    /// The checksum over key and whole value.
    pub(super) fn checksum(&self) -> u32 {
        self.checksum
    }

    /// How many parts follow the head.
    pub(super) fn parts(&self) -> u32 {
        let rest = self.length.saturating_sub(self.first.len()).div_ceil(PART_BYTES);
        u32::try_from(rest).unwrap_or(u32::MAX)
    }

    /// The value, put together from the head and what `part` returns, if length and checksum hold.
    ///
    /// Memory grows with the parts that are really there, not with the length the head claims.
    pub(super) fn assemble<E>(
        &self,
        key: &[u8],
        mut part: impl FnMut(u32) -> Result<Option<::sled::IVec>, E>,
    ) -> Result<Result<Vec<u8>, String>, E> {
        let mut value = self.first.to_vec();
        for number in 0..self.parts() {
            match part(number)? {
                Some(bytes) => value.extend_from_slice(&bytes),
                None => return Ok(Err(format!("part {number} is missing"))),
            }
        }
        if value.len() != self.length {
            return Ok(Err(format!("{} bytes instead of {}", value.len(), self.length)));
        }
        if checksum::of(key, &value) != self.checksum {
            return Ok(Err("the checksum does not match".to_owned()));
        }
        Ok(Ok(value))
    }
}

/// A value as it is stored: the head, then its parts in order.
pub(super) fn split<'v>(key: &[u8], value: &'v [u8]) -> (Vec<u8>, impl Iterator<Item = &'v [u8]> + use<'v>) {
    let sum = checksum::of(key, value).to_be_bytes();
    let mut head = Vec::with_capacity(PART_BYTES.min(value.len() + WHOLE_PREFIX));
    let rest = if value.len() <= PART_BYTES - WHOLE_PREFIX {
        head.push(WHOLE);
        head.extend_from_slice(&sum);
        head.extend_from_slice(value);
        &[][..]
    } else {
        let (first, rest) = value.split_at(PART_BYTES - PARTS_PREFIX);
        head.push(IN_PARTS);
        head.extend_from_slice(&sum);
        // `MAX_VALUE_BYTES` is far below 4 GiB and checked before.
        head.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
        head.extend_from_slice(first);
        rest
    };
    (head, rest.chunks(PART_BYTES))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(key: &[u8], value: &[u8]) -> Vec<Vec<u8>> {
        let (head, parts) = split(key, value);
        let parts: Vec<Vec<u8>> = parts.map(<[u8]>::to_vec).collect();
        assert!(head.len() <= PART_BYTES && parts.iter().all(|p| p.len() <= PART_BYTES));
        let parsed = Head::parse(&head).unwrap();
        assert_eq!(parsed.parts() as usize, parts.len());
        let back = parsed
            .assemble(key, |n| Ok::<_, ()>(parts.get(n as usize).map(|p| p.as_slice().into())))
            .unwrap();
        assert_eq!(back.as_deref(), Ok(value));
        parts
    }

    #[test]
    fn values_at_every_boundary_come_back_and_small_ones_need_no_part() {
        for (length, parts) in
            [(0, 0), (1, 0), (4090, 0), (4091, 0), (4092, 1), (8183, 1), (8184, 2), (1 << 20, 256)]
        {
            assert_eq!(round_trip(b"key", &vec![7; length]).len(), parts, "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn a_head_of_any_bytes_is_read_without_a_panic_or_an_allocation_by_its_word(
            bytes in proptest::collection::vec(any::<u8>(), 0..64), claimed in any::<u32>()
        ) {
            let _ = Head::parse(&bytes);
            let mut lying = vec![IN_PARTS, 0, 0, 0, 0];
            lying.extend_from_slice(&claimed.to_be_bytes());
            lying.resize(PART_BYTES, 1);
            if let Some(head) = Head::parse(&lying) {
                let read = head.assemble(b"k", |_| Ok::<_, ()>(None)).unwrap();
                prop_assert!(read.is_err());
            }
        }

        #[test]
        fn one_changed_byte_anywhere_is_found(
            value in proptest::collection::vec(any::<u8>(), 0..9000), at in any::<prop::sample::Index>()
        ) {
            let (mut head, parts) = split(b"key", &value);
            let parts: Vec<&[u8]> = parts.collect();
            let at = at.index(head.len());
            head[at] ^= 0x10;
            let read = Head::parse(&head).and_then(|h| {
                h.assemble(b"key", |n| Ok::<_, ()>(parts.get(n as usize).map(|p| (*p).into())))
                    .unwrap().ok()
            });
            prop_assert_eq!(read, None);
        }

        #[test]
        fn keys_of_parts_never_meet(
            a in proptest::collection::vec(0u8..3, 0..9), n in 0u32..600,
            b in proptest::collection::vec(0u8..3, 0..9), m in 0u32..600,
        ) {
            prop_assert_eq!(part_key(&a, n) == part_key(&b, m), a == b && n == m);
        }
    }
}
