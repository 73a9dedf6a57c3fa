//! The blocks that a follower was told of, so that it notices when the chain leaves them.

use std::collections::VecDeque;

use alloy_primitives::B256;

use super::look::Look;
use crate::call_error::CallError;

/// So many are remembered. Only blocks that are not final can leave the chain, and those are fewer.
const MOST: usize = 128;

/// A block on the chain when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) number: u64,
    pub(super) hash: B256,
    /// Something in it was told, which has to be taken back where the block leaves the chain.
    pub(super) told: bool,
}

/// Where a follower stands.
#[derive(Debug, Clone)]
pub(super) struct Trail {
    /// Rising. Not every block has to be here, but each in which something was told.
    passed: VecDeque<Passed>,
    /// The first number not passed, where nothing is remembered.
    next: u64,
}

impl Trail {
    /// Begins behind a block.
    pub(super) fn behind(number: u64, hash: B256) -> Self {
        let passed = VecDeque::from([Passed { number, hash, told: false }]);
        Self { passed, next: number.saturating_add(1) }
    }

    /// The first number to look at.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Whether it ends there.
    pub(super) fn ends_at(&self, number: u64, hash: B256) -> bool {
        self.next == number.saturating_add(1) && self.passed.back().is_some_and(|last| last.hash == hash)
    }

    /// Goes back to the last remembered block that is on the chain. What is not is returned, newest first.
    ///
    /// Blocks between that one and the fork are looked at again. Nothing is told twice: they would be remembered if
    /// something in them had been told.
    pub(super) async fn rewind(&mut self, look: &Look<'_>) -> Result<Vec<Passed>, CallError> {
        let mut gone = Vec::new();
        while let Some(last) = self.passed.back().copied() {
            let here = look.block(last.number, false).await?;
            if here.is_some_and(|block| block.header.hash == last.hash) {
                self.next = last.number.saturating_add(1);
                break;
            }
            self.passed.pop_back();
            self.next = last.number;
            gone.push(last);
        }
        Ok(gone)
    }

    /// Goes on to a block. Of one number only the first is taken: what comes later was read from a chain that moved
    /// meanwhile, and the next look sees that.
    pub(super) fn pass(&mut self, block: Passed) {
        if self.passed.back().is_some_and(|last| last.number >= block.number) {
            return;
        }
        if self.passed.len() == MOST {
            self.passed.pop_front();
        }
        self.passed.push_back(block);
        self.next = self.next.max(block.number.saturating_add(1));
    }
}
