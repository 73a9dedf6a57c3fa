//! What searches over many blocks need of each, without the blocks: its header and what its transactions paid.

use alloy_consensus::{Header, Transaction as _};
use alloy_primitives::B256;
use alloy_rlp::{RlpDecodable, RlpEncodable};

use super::block::ExecutedBlock;
use crate::error::StateError;

/// Less than this, in wei per gas, is no tip that a suggestion goes by (Geth's).
const LEAST_TIP: u128 = 2;

/// Transactions of one block that paid the same tip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct PaidTip {
    /// Wei per gas above the base fee.
    pub tip: u128,
    /// How many transactions.
    pub transactions: u64,
    /// The gas they used together.
    pub gas: u64,
}

/// A canonical block in short, a few hundred bytes: its header, whose bloom says what a search for logs can pass over, and
/// its tips. Stored by height beside the block, so that a range of them is one read.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct BlockSummary {
    /// The block's hash.
    pub hash: B256,
    /// Its header.
    pub header: Header,
    /// What its transactions paid, lowest first; each tip once.
    pub tips: Vec<PaidTip>,
}

impl BlockSummary {
    /// The summary of a block.
    #[must_use]
    pub fn of(block: &ExecutedBlock) -> Self {
        let base_fee = block.header.base_fee_per_gas.unwrap_or_default();
        let mut before = 0;
        let mut paid: Vec<PaidTip> = block
            .transactions
            .iter()
            .zip(&block.receipts)
            .map(|(tx, receipt)| {
                let gas = receipt.cumulative_gas_used.saturating_sub(before);
                before = receipt.cumulative_gas_used;
                let tip = tx.effective_tip_per_gas(base_fee).unwrap_or_default();
                PaidTip { tip, transactions: 1, gas }
            })
            .collect();
        paid.sort_unstable_by_key(|paid| paid.tip);
        paid.dedup_by(|next, kept| {
            let same = next.tip == kept.tip;
            if same {
                kept.transactions = kept.transactions.saturating_add(next.transactions);
                kept.gas = kept.gas.saturating_add(next.gas);
            }
            same
        });
        Self { hash: block.hash, header: block.header.clone(), tips: paid }
    }

    /// The tip that the transactions up to each of `percentiles` of the block's gas paid at the most, the cheapest first;
    /// zero in an empty block. Percentiles rise from 0 to 100.
    #[must_use]
    pub fn tips_at(&self, percentiles: &[f64]) -> Vec<u128> {
        let total = self.header.gas_used as f64;
        let mut tips = self.tips.iter();
        let mut at = tips.next();
        let mut sum = at.map_or(0, |paid| paid.gas);
        let tip_at = |percentile: &f64| {
            while (sum as f64) < total * percentile / 100.0
                && let Some(next) = tips.next()
            {
                sum = sum.saturating_add(next.gas);
                at = Some(next);
            }
            at.map_or(0, |paid| paid.tip)
        };
        percentiles.iter().map(tip_at).collect()
    }

    /// The tips of the `count` cheapest transactions that paid one worth the name, lowest first.
    pub fn lowest_tips(&self, count: usize) -> impl Iterator<Item = u128> + '_ {
        let each = move |paid: &PaidTip| {
            let times = usize::try_from(paid.transactions).unwrap_or(usize::MAX).min(count);
            std::iter::repeat_n(paid.tip, times)
        };
        self.tips.iter().filter(|paid| paid.tip >= LEAST_TIP).flat_map(each).take(count)
    }

    pub(super) fn decode(height: u64, bytes: &[u8]) -> Result<Self, StateError> {
        let bad = |reason: String| StateError::bad(format!("summary of block {height}"), reason);
        let summary: Self = alloy_rlp::decode_exact(bytes).map_err(|error| bad(error.to_string()))?;
        if summary.header.number != height {
            return Err(bad(format!("it is of block {}", summary.header.number)));
        }
        Ok(summary)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn summary(paid: &[(u8, u64)]) -> BlockSummary {
        let mut tips: Vec<PaidTip> = Vec::new();
        let mut sorted = paid.to_vec();
        sorted.sort_unstable();
        for (tip, gas) in sorted {
            match tips.last_mut().filter(|last| last.tip == u128::from(tip)) {
                Some(last) => {
                    last.gas += gas;
                    last.transactions += 1;
                }
                None => tips.push(PaidTip { tip: tip.into(), transactions: 1, gas }),
            }
        }
        let gas_used = paid.iter().map(|(_, gas)| gas).sum();
        let header = Header { gas_used, number: 7, ..Header::default() };
        BlockSummary { hash: B256::ZERO, header, tips }
    }

    /// Transaction by transaction, as Geth does it.
    fn one_by_one(paid: &[(u8, u64)], percentile: f64) -> u128 {
        let mut sorted = paid.to_vec();
        sorted.sort_unstable();
        let total: u64 = paid.iter().map(|(_, gas)| gas).sum();
        let mut sum = 0;
        let reached = sorted.iter().find(|(_, gas)| {
            sum += gas;
            sum as f64 >= total as f64 * percentile / 100.0
        });
        reached.or(sorted.last()).map_or(0, |(tip, _)| u128::from(*tip))
    }

    proptest! {
        #[test]
        fn tips_put_together_answer_like_transactions_one_by_one(
            paid in proptest::collection::vec((0u8..12, 21_000u64..90_000), 0..40),
            mut percentiles in proptest::collection::vec(0.0..=100.0, 0..6),
        ) {
            percentiles.extend([0.0, 50.0, 100.0]);
            percentiles.sort_by(f64::total_cmp);
            let summary = summary(&paid);
            let expected: Vec<u128> = percentiles.iter().map(|at| one_by_one(&paid, *at)).collect();
            prop_assert_eq!(summary.tips_at(&percentiles), expected);
            // A tip below two wei is passed over.
            let mut lowest: Vec<u128> = paid.iter().map(|(tip, _)| u128::from(*tip)).filter(|tip| *tip > 1).collect();
            lowest.sort_unstable();
            lowest.truncate(3);
            prop_assert_eq!(summary.lowest_tips(3).collect::<Vec<_>>(), lowest);
            let bytes = alloy_rlp::encode(&summary);
            prop_assert_eq!(BlockSummary::decode(7, &bytes).ok(), Some(summary));
            prop_assert!(BlockSummary::decode(8, &bytes).is_err());
        }
    }
}
