//! The number of commits and a sum over all entries, kept in the tree and written by each commit.
//!
//! The sum finds what the checksums of single values cannot: an entry that is missing, or that is an
//! older version of itself. sled leaves such gaps when it opens a log with a damaged message in its
//! middle. Checking it means reading everything: [`Database::verify`](crate::Database::verify).

use super::parts::Head;
use crate::checksum;

/// The key in the tree; lies behind all heads and parts.
pub(super) const KEY: [u8; 1] = [0x02];

/// What the tree says about itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    /// The number of the last commit.
    pub(super) commits: u64,
    /// How many entries there are.
    pub(super) entries: u64,
    /// The sum of [`term`] over all entries, modulo 2^64.
    sum: u64,
}

impl Ledger {
    /// Counts an entry in.
    pub(super) fn add(&mut self, key: &[u8], head: &Head<'_>) {
        self.entries = self.entries.wrapping_add(1);
        self.sum = self.sum.wrapping_add(term(key, head));
    }

    /// Counts an entry out.
    pub(super) fn remove(&mut self, key: &[u8], head: &Head<'_>) {
        self.entries = self.entries.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(term(key, head));
    }

    /// Commits (u64), entries (u64), sum (u64), checksum (u32), big-endian.
    pub(super) fn encode(&self) -> [u8; 28] {
        let mut out = [0; 28];
        out[..8].copy_from_slice(&self.commits.to_be_bytes());
        out[8..16].copy_from_slice(&self.entries.to_be_bytes());
        out[16..24].copy_from_slice(&self.sum.to_be_bytes());
        let sum = checksum::of(&KEY, &out[..24]);
        out[24..].copy_from_slice(&sum.to_be_bytes());
        out
    }

    /// Reads it back; `None` where it is damaged.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (commits, rest) = bytes.split_first_chunk::<8>()?;
        let (entries, rest) = rest.split_first_chunk::<8>()?;
        let (sum, crc) = rest.split_first_chunk::<8>()?;
        let expected = checksum::of(&KEY, bytes.get(..24)?).to_be_bytes();
        (crc == expected).then(|| Self {
            commits: u64::from_be_bytes(*commits),
            entries: u64::from_be_bytes(*entries),
            sum: u64::from_be_bytes(*sum),
        })
    }
}

/// What one entry adds to the sum: its checksum and its key's, mixed (the finalizer of splitmix64),
/// since checksums alone are linear and would cancel each other.
fn term(key: &[u8], head: &Head<'_>) -> u64 {
    let mut mixed = (u64::from(head.checksum()) << 32) | u64::from(crc32c::crc32c(key));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::parts::split;
    use super::*;

    #[test]
    fn entries_count_in_and_out_in_any_order_and_a_changed_byte_is_noticed() {
        let heads: Vec<Vec<u8>> = (0..9u8).map(|n| split(&[n], &[n; 40]).0).collect();
        let head = |n: usize| Head::parse(&heads[n]).unwrap();
        let mut ledger = Ledger::default();
        (0..9).for_each(|n| ledger.add(&[n as u8], &head(n)));
        assert_eq!(ledger.entries, 9);
        let full = ledger;
        (0..9).rev().for_each(|n| ledger.remove(&[n as u8], &head(n)));
        assert_eq!(ledger, Ledger::default());
        let bytes = full.encode();
        assert_eq!(Ledger::decode(&bytes), Some(full));
        for at in 0..bytes.len() {
            let mut damaged = bytes;
            damaged[at] ^= 1;
            assert_eq!(Ledger::decode(&damaged), None);
        }
    }
}
