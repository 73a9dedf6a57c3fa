//! Following the chain for somebody: what is new since the last look. Filters look when they are asked, subscriptions
//! when the head has moved.
//!
//! Nothing is collected between two looks: a follower knows where it stood, and asks for what came since. So one that
//! nobody asks costs nothing, and one that was away for long gets what it missed in parts. Where the chain left blocks
//! that were told of, their logs come again as removed, and the blocks of the new branch come in order.

mod look;
mod trail;

use std::collections::{BTreeSet, VecDeque};

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::B256;
use alloy_rpc_types_eth::{Block, BlockTransactions, Filter, FilterBlockOption, Log, Transaction};

pub(crate) use look::Look;

use self::trail::{Passed, Trail};
use crate::call_error::CallError;

/// Blocks fetched in one look, one after another.
const MOST_BLOCKS: u64 = 256;

/// Blocks searched for logs in one look. Below what the embedded engine allows, and other clients.
const MOST_LOG_BLOCKS: u64 = 1000;

/// Transactions that are remembered as told. More than a block holds.
const MOST_SEEN: usize = 8192;

/// What somebody wants to know of.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// Each new block.
    Blocks,
    /// Each new log that matches.
    Logs(Box<Filter>),
    /// Each new transaction that waits, or has been mined since the last look.
    Transactions {
        /// As a whole, not by its hash alone.
        full: bool,
    },
}

/// Something new.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Block(Box<Block>),
    Log(Box<Log>),
    Transaction(Box<Transaction>),
    TransactionHash(B256),
}

/// One follower.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    kind: Kind,
    trail: Trail,
    seen: Seen,
}

impl Watch {
    /// Begins now: what is there already is not new.
    pub(crate) async fn begin(kind: Kind, look: &Look<'_>) -> Result<Self, CallError> {
        let (number, hash) = look.head().await?;
        let mut seen = Seen::default();
        if let Kind::Transactions { .. } = kind {
            for hash in look.waiting(false).await?.hashes() {
                seen.insert(hash);
            }
        }
        Ok(Self { kind, trail: Trail::behind(number, hash), seen })
    }

    /// The filter, where logs are followed.
    pub(crate) fn filter(&self) -> Option<&Filter> {
        match &self.kind {
            Kind::Logs(filter) => Some(filter),
            Kind::Blocks | Kind::Transactions { .. } => None,
        }
    }

    /// What is new. Where it fails, or the answer is not taken, the caller keeps what it had before, and asks again.
    pub(crate) async fn changes(&mut self, look: &Look<'_>) -> Result<Vec<Change>, CallError> {
        let (head, hash) = look.head().await?;
        let mut changes = Vec::new();
        let moved = !self.trail.ends_at(head, hash);
        let gone = if moved { self.trail.rewind(look).await? } else { Vec::new() };
        match self.kind.clone() {
            Kind::Blocks if moved => self.blocks(look, head, &mut changes).await?,
            Kind::Logs(filter) if moved => {
                removed(look, &filter, &gone, &mut changes).await?;
                self.logs(look, &filter, (head, hash), &mut changes).await?;
            }
            Kind::Transactions { full } => self.transactions(look, head, full, &mut changes).await?,
            Kind::Blocks | Kind::Logs(_) => {}
        }
        Ok(changes)
    }

    async fn blocks(
        &mut self,
        look: &Look<'_>,
        head: u64,
        changes: &mut Vec<Change>,
    ) -> Result<(), CallError> {
        let next = self.trail.next();
        for number in next..=head.min(next.saturating_add(MOST_BLOCKS - 1)) {
            let Some(block) = look.block(number, false).await? else { break };
            self.trail.pass(Passed { number, hash: block.header.hash, told: true });
            changes.push(Change::Block(block));
        }
        Ok(())
    }

    async fn logs(
        &mut self,
        look: &Look<'_>,
        filter: &Filter,
        (head, head_hash): (u64, B256),
        changes: &mut Vec<Change>,
    ) -> Result<(), CallError> {
        let next = self.trail.next();
        let last = head.min(next.saturating_add(MOST_LOG_BLOCKS - 1));
        if let Some((from, to)) = overlap(filter, next, last) {
            let block_option =
                FilterBlockOption::Range { from_block: Some(from.into()), to_block: Some(to.into()) };
            for log in look.logs(Filter { block_option, ..filter.clone() }).await? {
                if let (Some(number), Some(hash)) = (log.block_number, log.block_hash) {
                    self.trail.pass(Passed { number, hash, told: true });
                }
                changes.push(Change::Log(Box::new(log)));
            }
        }
        let hash = match last == head {
            true => Some(head_hash),
            false => look.block(last, false).await?.map(|block| block.header.hash),
        };
        if let Some(hash) = hash {
            self.trail.pass(Passed { number: last, hash, told: false });
        }
        Ok(())
    }

    async fn transactions(
        &mut self,
        look: &Look<'_>,
        head: u64,
        full: bool,
        changes: &mut Vec<Change>,
    ) -> Result<(), CallError> {
        let next = self.trail.next();
        for number in next..=head.min(next.saturating_add(MOST_BLOCKS - 1)) {
            let Some(block) = look.block(number, full).await? else { break };
            self.trail.pass(Passed { number, hash: block.header.hash, told: true });
            self.seen.tell(block.transactions, changes);
        }
        self.seen.tell(look.waiting(full).await?, changes);
        Ok(())
    }
}

/// The logs of blocks that have left the chain, as removed. A block that the client has forgotten is passed over.
async fn removed(
    look: &Look<'_>,
    filter: &Filter,
    gone: &[Passed],
    changes: &mut Vec<Change>,
) -> Result<(), CallError> {
    for block in gone.iter().filter(|block| block.told) {
        let block_option = FilterBlockOption::AtBlockHash(block.hash);
        match look.logs(Filter { block_option, ..filter.clone() }).await {
            Ok(logs) => changes.extend(logs.into_iter().rev().map(|mut log| {
                log.removed = true;
                Change::Log(Box::new(log))
            })),
            Err(error) if error.is_for_now() => return Err(error),
            Err(_) => {}
        }
    }
    Ok(())
}

/// The part of `from..=to` that the filter asks for. Only numbers bound what is to come; `earliest` does not.
fn overlap(filter: &Filter, from: u64, to: u64) -> Option<(u64, u64)> {
    let FilterBlockOption::Range { from_block, to_block } = filter.block_option else {
        return None;
    };
    let from = from_block.and_then(|block| block.as_number()).map_or(from, |first| first.max(from));
    let to = match to_block {
        Some(BlockNumberOrTag::Earliest) => 0,
        other => other.and_then(|block| block.as_number()).map_or(to, |last| last.min(to)),
    };
    (from <= to).then_some((from, to))
}

/// Transactions that were told, the latest of them.
#[derive(Debug, Clone, Default)]
struct Seen {
    known: BTreeSet<B256>,
    order: VecDeque<B256>,
}

impl Seen {
    /// Whether it is new.
    fn insert(&mut self, hash: B256) -> bool {
        if !self.known.insert(hash) {
            return false;
        }
        self.order.push_back(hash);
        if self.order.len() > MOST_SEEN
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }

    fn tell(&mut self, transactions: BlockTransactions<Transaction>, changes: &mut Vec<Change>) {
        match transactions {
            BlockTransactions::Full(all) => {
                let new = all.into_iter().filter(|tx| self.insert(*tx.inner.tx_hash()));
                changes.extend(new.map(|tx| Change::Transaction(Box::new(tx))));
            }
            BlockTransactions::Hashes(all) => {
                let new = all.into_iter().filter(|hash| self.insert(*hash));
                changes.extend(new.map(Change::TransactionHash));
            }
            BlockTransactions::Uncle => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_bound_what_a_filter_is_told() {
        let range = |from, to| Filter {
            block_option: FilterBlockOption::Range { from_block: from, to_block: to },
            ..Filter::default()
        };
        let number = |number| Some(BlockNumberOrTag::Number(number));
        assert_eq!(overlap(&range(None, None), 5, 9), Some((5, 9)));
        assert_eq!(overlap(&range(number(1), Some(BlockNumberOrTag::Latest)), 5, 9), Some((5, 9)));
        assert_eq!(overlap(&range(number(7), number(8)), 5, 9), Some((7, 8)));
        assert_eq!(overlap(&range(number(10), None), 5, 9), None);
        assert_eq!(overlap(&range(None, number(4)), 5, 9), None);
        assert_eq!(overlap(&Filter::default().at_block_hash(B256::ZERO), 5, 9), None);
    }

    #[test]
    fn what_was_told_is_not_told_again_until_it_is_forgotten() {
        let mut seen = Seen::default();
        let hash = |n: usize| B256::from(alloy_primitives::U256::from(n));
        assert!(seen.insert(hash(0)) && !seen.insert(hash(0)));
        for n in 1..=MOST_SEEN {
            assert!(seen.insert(hash(n)));
        }
        assert!(seen.insert(hash(0)), "the oldest is forgotten");
        assert_eq!(seen.known.len(), MOST_SEEN);
        assert_eq!(seen.order.len(), MOST_SEEN);
    }
}
