//! Slots: which one it is, when it starts, who proposes in it (Aura).

use serde::{Deserialize, Serialize};

/// The number of a slot. The genesis block stands in slot 0.
pub type Slot = u64;

/// Turns wall time into slots and back: `slot = (unix_ms - genesis_ms) / slot_ms`.
///
/// A value, not a clock: the time is an argument, so that no rule can read the machine's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotClock {
    /// When slot 0 starts, in Unix milliseconds; a whole second.
    pub genesis_ms: u64,
    /// How long a slot lasts, in milliseconds; whole seconds.
    pub slot_ms: u64,
}

impl SlotClock {
    /// The slot at `unix_ms`, or `None` before genesis.
    #[must_use]
    pub const fn slot_at(&self, unix_ms: u64) -> Option<Slot> {
        match unix_ms.checked_sub(self.genesis_ms) {
            Some(since) => Some(since / self.slot_ms),
            None => None,
        }
    }

    /// When `slot` starts, in Unix milliseconds; `None` beyond what 64 bits hold.
    #[must_use]
    pub const fn start_ms(&self, slot: Slot) -> Option<u64> {
        match slot.checked_mul(self.slot_ms) {
            Some(since) => since.checked_add(self.genesis_ms),
            None => None,
        }
    }

    /// The EVM timestamp of a block in `slot`: the slot's start in Unix seconds.
    #[must_use]
    pub const fn timestamp(&self, slot: Slot) -> Option<u64> {
        match self.start_ms(slot) {
            Some(ms) => Some(ms / 1000),
            None => None,
        }
    }

    /// The moment before which Finalize may be signed for a block of `slot` that lasts `stride`
    /// slots: three quarters of it, in Unix milliseconds.
    #[must_use]
    pub const fn finalize_cutoff_ms(&self, slot: Slot, stride: u64) -> Option<u64> {
        let (Some(start), Some(length)) = (self.start_ms(slot), self.slot_ms.checked_mul(stride)) else {
            return None;
        };
        start.checked_add(length / 4 * 3)
    }
}

/// The index of the member who may propose in `slot`: `slot mod n`; `None` where `n` is 0 or
/// more than a federation holds.
#[must_use]
pub fn proposer(slot: Slot, members: usize) -> Option<u8> {
    crate::quorum::quorum(members)?;
    u8::try_from(slot % members as u64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_slot_contains_its_start_and_nothing_before(
            genesis in 0u64..1 << 42, seconds in 1u64..60, slot in 0u64..1 << 32,
        ) {
            let clock = SlotClock { genesis_ms: genesis * 1000, slot_ms: seconds * 1000 };
            let start = clock.start_ms(slot).unwrap_or_default();
            prop_assert_eq!(clock.slot_at(start), Some(slot));
            prop_assert_eq!(clock.slot_at(start + clock.slot_ms - 1), Some(slot));
            prop_assert_eq!(start.checked_sub(1).and_then(|t| clock.slot_at(t)), slot.checked_sub(1));
            prop_assert_eq!(clock.timestamp(slot), Some(start / 1000));
        }
    }

    #[test]
    fn the_proposer_is_member_slot_mod_n() {
        assert_eq!(proposer(7, 4), Some(3));
        assert_eq!(proposer(7, 0), None);
        assert_eq!(proposer(u64::MAX, 1), Some(0));
    }

    #[test]
    fn a_slot_beyond_64_bits_is_none() {
        let clock = SlotClock { genesis_ms: 1000, slot_ms: 2000 };
        assert_eq!(clock.start_ms(u64::MAX), None);
        assert_eq!(clock.finalize_cutoff_ms(u64::MAX, 1), None);
        assert_eq!(clock.finalize_cutoff_ms(1, 1), Some(1000 + 2000 + 1500));
    }
}
