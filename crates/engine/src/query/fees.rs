//! What transactions paid lately, and what they should pay.

use alloy_eips::BlockNumberOrTag;
use alloy_rpc_types_eth as eth;
use alys_bus::Context;

use super::at::number_of;
use super::check_deadline;
use super::errors::query_error;
use crate::chain::{BlockSummary, World};
use crate::embedded::Opened;
use crate::execute::next_base_fee;
use crate::messages::QueryError;

/// Histories of so many blocks are answered beside the short look-ups: no more than a suggestion looks at, and more
/// than wallets ask for.
pub(super) const SHORT_HISTORY: u64 = 20;

/// So many blocks are looked at for a suggestion, and further ones for those that say little (Geth's).
const TIP_BLOCKS: usize = 20;

/// So many tips are enough to look no further (Geth's).
const TIPS: usize = 2 * TIP_BLOCKS;

/// Of each block the lowest tips count: those are what it took to get in (Geth's).
const TIPS_PER_BLOCK: usize = 3;

/// Of all of those, this percentile is suggested (Geth's).
const TIP_PERCENTILE: usize = 60;

/// No more than this is suggested, in wei: 500 gwei (Geth's).
const MAX_TIP: u128 = 500_000_000_000;

/// Base fees, fullness, and percentiles of the tips weighted by gas, of `count` blocks up to `newest`.
///
/// The asker has seen to it that the percentiles rise from 0 to 100.
///
/// # Errors
/// [`QueryError::BlockNotFound`] for a block above the head.
pub(super) fn fee_history(
    opened: &Opened,
    ctx: Context,
    count: u64,
    newest: BlockNumberOrTag,
    percentiles: &[f64],
) -> Result<Box<eth::FeeHistory>, QueryError> {
    let world = opened.reads.world();
    let newest = number_of(&world, newest).ok_or_else(|| QueryError::BlockNotFound(newest.to_string()))?;
    let count = count.min(opened.config.max_fee_history).min(newest.saturating_add(1));
    let mut history = eth::FeeHistory::default();
    if count == 0 {
        return Ok(Box::new(history));
    }
    history.oldest_block = newest.saturating_sub(count - 1);
    let mut rewards = Vec::new();
    let mut next = 0;
    each(&world, Some(ctx), history.oldest_block, newest, |summary| {
        let header = &summary.header;
        history.base_fee_per_gas.push(header.base_fee_per_gas.unwrap_or_default().into());
        history.gas_used_ratio.push(header.gas_used as f64 / header.gas_limit.max(1) as f64);
        // There is no blob space: the price is the least there is, and nothing is used.
        history.base_fee_per_blob_gas.push(1);
        history.blob_gas_used_ratio.push(0.0);
        if !percentiles.is_empty() {
            rewards.push(summary.tips_at(percentiles));
        }
        next = next_base_fee(header);
    })?;
    history.base_fee_per_gas.push(next.into());
    history.base_fee_per_blob_gas.push(1);
    history.reward = (!percentiles.is_empty()).then_some(rewards);
    Ok(Box::new(history))
}

/// A tip, in wei per gas, that would have been among the lower ones of the last blocks.
pub(super) fn suggested_tip(opened: &Opened) -> Result<u128, QueryError> {
    let world = opened.reads.world();
    let known = *opened.suggested_tip.lock();
    if let Some((head, tip)) = known
        && head == world.head.hash
    {
        return Ok(tip);
    }
    let last = known.map_or(u128::from(opened.config.default_tip), |(_, tip)| tip);
    let newest = world.head.number;
    let mut blocks: Vec<Vec<u128>> = Vec::new();
    // Block 0 has no transactions and no say. More than this are never looked at: each says something.
    let oldest = newest.saturating_sub(TIPS as u64 - 1).max(1);
    each(&world, None, oldest, newest, |summary| blocks.push(summary.lowest_tips(TIPS_PER_BLOCK).collect()))?;
    let tip = suggestion(blocks.iter().rev().map(Vec::as_slice), last);
    let tip = tip.clamp(u128::from(opened.config.pool.min_tip).min(MAX_TIP), MAX_TIP);
    *opened.suggested_tip.lock() = Some((world.head.hash, tip));
    Ok(tip)
}

/// The tip to suggest after blocks of which these are the lowest tips, the newest first. `last` is the suggestion before.
///
/// Geth's rule, by which a block with at most one tip has one more block looked at, until there are enough. Geth counts
/// them as its threads have read them; here it is the newest first.
fn suggestion<'a>(blocks: impl ExactSizeIterator<Item = &'a [u128]>, last: u128) -> u128 {
    let count = blocks.len();
    let mut looked_at = count.min(TIP_BLOCKS);
    let mut tips: Vec<u128> = Vec::new();
    for (number, block) in (1..).zip(blocks) {
        if number > looked_at {
            break;
        }
        let awaited = looked_at - number;
        if block.len() <= 1 && looked_at < count && tips.len() + 1 + awaited < TIPS {
            looked_at += 1;
        }
        // An empty block says that the last suggestion was enough.
        if block.is_empty() {
            tips.push(last);
        }
        tips.extend(block);
    }
    tips.sort_unstable();
    let middle = tips.len().saturating_sub(1) * TIP_PERCENTILE / 100;
    tips.get(middle).copied().unwrap_or(last)
}

/// Every canonical block from `from` to `to`, in short.
fn each(
    world: &World,
    ctx: Option<Context>,
    from: u64,
    to: u64,
    mut see: impl FnMut(&BlockSummary),
) -> Result<(), QueryError> {
    let mut next = from;
    while next <= to {
        ctx.map_or(Ok(()), check_deadline)?;
        let summaries = world.summaries(next, to).map_err(query_error)?;
        let last = summaries.last().ok_or_else(|| QueryError::BlockNotFound(next.to_string()))?;
        next = last.header.number.saturating_add(1);
        summaries.iter().for_each(&mut see);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: &[u128] = &[];
    const BUSY: &[u128] = &[5, 5, 5];

    fn suggested(blocks: &[&[u128]], last: u128) -> u128 {
        suggestion(blocks.iter().copied(), last)
    }

    #[test]
    fn without_blocks_the_last_suggestion_stands() {
        assert_eq!(suggested(&[], 7), 7);
        assert_eq!(suggested(&[QUIET; 100], 7), 7);
    }

    #[test]
    fn the_sixtieth_percentile_of_what_it_took_to_get_in_is_suggested() {
        assert_eq!(suggested(&[&[1, 2, 3], &[4, 5, 6]], 9), 4);
        assert_eq!(suggested(&[&[10], &[20], &[30], &[40], &[50], &[60]], 9), 40);
    }

    /// Busy blocks behind quiet ones are found.
    #[test]
    fn a_block_that_says_little_has_one_more_looked_at() {
        let blocks = [[QUIET; TIP_BLOCKS], [BUSY; TIP_BLOCKS]].concat();
        assert_eq!(suggested(&blocks, 1), 5, "20 say nothing, and further ones say 5");
        assert_eq!(suggested(&blocks[..TIP_BLOCKS], 1), 1);
        let blocks = [[BUSY; TIP_BLOCKS], [&[9, 9, 9][..]; TIP_BLOCKS]].concat();
        assert_eq!(suggested(&blocks, 1), 5, "20 say enough");
    }

    #[test]
    fn forty_tips_are_enough() {
        let one: &[u128] = &[5];
        let blocks = [vec![one; TIPS], vec![QUIET; TIPS]].concat();
        assert_eq!(suggested(&blocks, 1), 5);
        let blocks = [vec![one; 15], vec![QUIET; 100]].concat();
        assert_eq!(suggested(&blocks, 1), 1, "15 of 40");
    }
}
