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

/// Histories of so many blocks are answered beside the short look-ups: as many as a suggestion looks at, and more
/// than wallets ask for.
pub(super) const SHORT_HISTORY: u64 = TIP_BLOCKS;

/// So many blocks are looked at for a suggestion (Geth's).
const TIP_BLOCKS: u64 = 20;

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
    let mut tips = Vec::new();
    each(&world, None, newest.saturating_sub(TIP_BLOCKS - 1), newest, |summary| {
        let before = tips.len();
        tips.extend(summary.lowest_tips(TIPS_PER_BLOCK));
        // An empty block says that the last suggestion was enough.
        if tips.len() == before {
            tips.push(last);
        }
    })?;
    tips.sort_unstable();
    let middle = tips.len().saturating_sub(1) * TIP_PERCENTILE / 100;
    let tip = tips.get(middle).copied().unwrap_or(last);
    let tip = tip.clamp(u128::from(opened.config.pool.min_tip).min(MAX_TIP), MAX_TIP);
    *opened.suggested_tip.lock() = Some((world.head.hash, tip));
    Ok(tip)
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
