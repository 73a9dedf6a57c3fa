//! Slow federation (protocol, section 3): if blocks regularly take longer than a slot, no cut-off can
//! be met, so a member proposes and votes only in every `d`-th slot, each `d` slots long.
//!
//! A strided slot counts as the `d` slots it lasts. "In a row" means without a slot in between in
//! which `q` members voted and nothing was finalized: a proposer that is down interrupts nothing.

use std::collections::BTreeSet;

use alys_primitives::Slot;

/// The least strides of the ladder; each becomes the least number from there that shares no factor
/// with `n`, so that every member's turn comes.
const LADDER: [u64; 4] = [2, 4, 8, 16];

/// Slots that are counted at most; a count above every threshold there is.
const MAX_COUNTED: usize = 4096;

/// Which slots this member uses.
#[derive(Debug, Clone)]
pub struct Stride {
    members: u64,
    strides: Vec<u64>,
    level: usize,
    finalized: Slot,
    undecided: BTreeSet<Slot>,
    in_a_row: u64,
}

impl Stride {
    /// For `members`, at stride 1.
    #[must_use]
    pub fn new(members: usize) -> Self {
        let members = members.max(1) as u64;
        let coprime = |least: u64| (least..).find(|d| gcd(*d, members) == 1).unwrap_or(1);
        let strides = std::iter::once(1).chain(LADDER.map(coprime)).collect();
        Self { members, strides, level: 0, finalized: 0, undecided: BTreeSet::new(), in_a_row: 0 }
    }

    /// The stride now, in slots.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.strides.get(self.level).copied().unwrap_or(1)
    }

    /// Whether this member proposes and votes in `slot`.
    #[must_use]
    pub fn uses(&self, slot: Slot) -> bool {
        slot.is_multiple_of(self.get())
    }

    /// The first slot after `slot` that is used.
    #[must_use]
    pub fn next_after(&self, slot: Slot) -> Slot {
        let d = self.get();
        (slot / d + 1).saturating_mul(d)
    }

    /// Votes of `q` members were seen in `slot`.
    pub fn saw_quorum(&mut self, slot: Slot) {
        if slot <= self.finalized || self.undecided.len() >= MAX_COUNTED || !self.uses(slot) {
            return;
        }
        self.undecided.insert(slot);
        let passed = self.undecided.len() as u64 * self.get();
        if passed > 4 * self.members * self.get() && self.level + 1 < self.strides.len() {
            self.level += 1;
            self.restart();
        }
    }

    /// A finalization in `slot` became known.
    pub fn saw_finalization(&mut self, slot: Slot) {
        if slot <= self.finalized {
            return;
        }
        let interrupted = self.undecided.range(..slot).next().is_some();
        self.in_a_row = if interrupted { 1 } else { self.in_a_row + 1 };
        self.finalized = slot;
        self.undecided = self.undecided.split_off(&slot.saturating_add(1));
        if self.in_a_row >= 4 * self.members && self.level > 0 {
            self.level -= 1;
            self.restart();
        }
    }

    fn restart(&mut self) {
        self.in_a_row = 0;
        self.undecided.clear();
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strides_share_no_factor_with_the_members() {
        assert_eq!(Stride::new(1).strides, [1, 2, 4, 8, 16]);
        assert_eq!(Stride::new(4).strides, [1, 3, 5, 9, 17]);
        assert_eq!(Stride::new(6).strides, [1, 5, 5, 11, 17]);
        assert_eq!(Stride::new(15).strides, [1, 2, 4, 8, 16]);
    }

    #[test]
    fn more_than_4n_undecided_slots_lengthen_the_stride_and_4n_finalizations_bring_it_back() {
        let mut stride = Stride::new(4);
        (1..=16).for_each(|slot| stride.saw_quorum(slot));
        assert_eq!(stride.get(), 1);
        stride.saw_quorum(17);
        assert_eq!(stride.get(), 3);
        for turn in 0..15 {
            stride.saw_quorum(18 + turn * 3);
            stride.saw_finalization(18 + turn * 3);
        }
        assert_eq!(stride.get(), 3);
        stride.saw_finalization(18 + 15 * 3);
        assert_eq!(stride.get(), 1);
    }

    #[test]
    fn an_undecided_slot_interrupts_the_row_and_a_silent_one_does_not() {
        let mut stride = Stride::new(1);
        (1..=5).for_each(|slot| stride.saw_quorum(slot));
        assert_eq!(stride.get(), 2);
        [6, 8, 12].into_iter().for_each(|slot| stride.saw_finalization(slot));
        stride.saw_quorum(14);
        stride.saw_finalization(16);
        assert_eq!(stride.get(), 2, "slot 14 was voted in and not finalized");
        [18, 20, 22].into_iter().for_each(|slot| stride.saw_finalization(slot));
        assert_eq!(stride.get(), 1);
    }

    #[test]
    fn lost_quorum_and_a_halt_do_not_count() {
        let mut stride = Stride::new(4);
        stride.saw_finalization(10);
        stride.saw_quorum(100_000);
        assert_eq!(stride.get(), 1);
    }
}
