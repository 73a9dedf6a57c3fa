//! Searching for logs.

use alloy_consensus::TxReceipt;
use alloy_eips::BlockNumberOrTag;
use alloy_rpc_types_eth as eth;
use alys_bus::Context;

use super::at::number_of;
use super::check_deadline;
use super::errors::query_error;
use super::transactions::Place;
use crate::chain::{ExecutedBlock, World};
use crate::embedded::Opened;
use crate::messages::QueryError;

/// The logs that match `filter`, in chain order.
///
/// # Errors
/// [`QueryError::InvalidQuery`] for a range that is none, [`QueryError::LimitExceeded`] for one that is too
/// long or finds too much;
/// [`QueryError::BlockNotFound`] for an unknown hash.
pub(super) fn logs(opened: &Opened, ctx: Context, filter: &eth::Filter) -> Result<Vec<eth::Log>, QueryError> {
    let world = opened.reads.world();
    let mut found = Found { limit: opened.config.max_logs, logs: Vec::new() };
    match filter.block_option {
        eth::FilterBlockOption::AtBlockHash(hash) => {
            let block = world.block(&hash).map_err(query_error)?;
            let block = block.ok_or_else(|| QueryError::BlockNotFound(hash.to_string()))?;
            found.search(filter, &block)?;
        }
        eth::FilterBlockOption::Range { from_block, to_block } => {
            let (from, to) = range(&world, from_block, to_block)?;
            let span = to.saturating_sub(from).saturating_add(1);
            let most = opened.config.max_log_blocks;
            if span > most {
                let text = format!("query exceeds max block range {most}: it spans {span} blocks");
                return Err(QueryError::LimitExceeded(text));
            }
            let mut next = from;
            loop {
                check_deadline(ctx)?;
                let summaries = world.summaries(next, to).map_err(query_error)?;
                let Some(last) = summaries.last() else { break };
                next = last.header.number.saturating_add(1);
                for summary in &summaries {
                    if filter.matches_bloom(summary.header.logs_bloom)
                        && let Some(block) = world.block(&summary.hash).map_err(query_error)?
                    {
                        check_deadline(ctx)?;
                        found.search(filter, &block)?;
                    }
                }
            }
        }
    }
    Ok(found.logs)
}

/// The heights that a range means. What lies above the head is not there yet, and no error.
fn range(
    world: &World,
    from: Option<BlockNumberOrTag>,
    to: Option<BlockNumberOrTag>,
) -> Result<(u64, u64), QueryError> {
    let height = |tag: Option<BlockNumberOrTag>| match tag.unwrap_or(BlockNumberOrTag::Latest) {
        BlockNumberOrTag::Number(number) => number,
        tag => number_of(world, tag).unwrap_or(world.head.number),
    };
    let (from, to) = (height(from), height(to));
    if from > to {
        return Err(QueryError::InvalidQuery("invalid block range params".into()));
    }
    Ok((from, to.min(world.head.number)))
}

struct Found {
    limit: usize,
    logs: Vec<eth::Log>,
}

impl Found {
    fn search(&mut self, filter: &eth::Filter, block: &ExecutedBlock) -> Result<(), QueryError> {
        if !filter.matches_bloom(block.header.logs_bloom) {
            return Ok(());
        }
        let mut before = 0usize;
        for index in 0..block.transactions.len() {
            let Some(receipt) = block.receipts.get(index) else { continue };
            let logs = receipt.logs();
            if logs.iter().any(|log| filter.matches(log))
                && let Some(place) = Place::of(block, index)
            {
                let all = eth::Log::collect_for_receipt(before, place.meta(), logs.iter().cloned());
                self.logs.extend(all.into_iter().filter(|log| filter.matches(&log.inner)));
            }
            if self.logs.len() > self.limit {
                let text = format!("query returned more than {} results", self.limit);
                return Err(QueryError::LimitExceeded(text));
            }
            before += logs.len();
        }
        Ok(())
    }
}
