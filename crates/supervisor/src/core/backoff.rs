//! The pause before a restart.

use std::time::Duration;

/// The pause before restart number `restart` (from 1) of the budget's window: `first`, doubled with each, at most `max`; of that
/// between a half and the whole, as `random` decides, so that actors that ended together do not start together.
pub(super) fn pause(first: Duration, max: Duration, restart: u32, random: u64) -> Duration {
    let doublings = restart.saturating_sub(1).min(31);
    let whole = first.saturating_mul(1 << doublings).min(max);
    let half = whole / 2;
    let spread = u64::try_from((whole - half).as_nanos()).unwrap_or(u64::MAX - 1);
    half + Duration::from_nanos(random % (spread + 1))
}

/// A number that looks random and is always the same for the same arguments (Steele, Lea and Flood's SplitMix64, 2014).
pub(super) fn random(seed: u64, child: usize, count: u64) -> u64 {
    let mut state = seed;
    for word in [child as u64, count] {
        state = state.wrapping_add(word).wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
    }
    state
}
