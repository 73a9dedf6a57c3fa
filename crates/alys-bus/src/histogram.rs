//! A histogram of durations with fixed buckets: 328 bytes, about 5 ns per entry, no upkeep.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Bucket `i` counts durations of less than `2^i` ns (and at least half of it); the last one also all
/// above, i.e. over 4.6 minutes.
pub const BUCKETS: usize = 40;

/// Counts durations by their power of two.
#[derive(Debug)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum_ns: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; BUCKETS], sum_ns: AtomicU64::new(0) }
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&self, duration: Duration) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let bits = u64::BITS.saturating_sub(ns.leading_zeros()) as usize;
        self.buckets[bits.min(BUCKETS - 1)].fetch_add(1, Relaxed);
        self.sum_ns.fetch_add(ns, Relaxed);
    }

    /// A copy of the counts at this moment.
    pub fn snapshot(&self) -> HistogramSnapshot {
        HistogramSnapshot {
            buckets: std::array::from_fn(|i| self.buckets[i].load(Relaxed)),
            sum: Duration::from_nanos(self.sum_ns.load(Relaxed)),
        }
    }
}

/// The counts of a [`Histogram`] at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistogramSnapshot {
    buckets: [u64; BUCKETS],
    sum: Duration,
}

impl HistogramSnapshot {
    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// All durations together.
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// The mean; zero where nothing was counted.
    pub fn mean(&self) -> Duration {
        let ns = u64::try_from(self.sum.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(ns.checked_div(self.count()).unwrap_or(0))
    }

    /// A bound below which the fraction `q` (0.0 to 1.0) of all durations lies: the upper end of a
    /// bucket, so at most twice the true quantile. Zero where nothing was counted.
    pub fn quantile(&self, q: f64) -> Duration {
        let total = self.count();
        if total == 0 {
            return Duration::ZERO;
        }
        let wanted = ((total as f64) * q.clamp(0.0, 1.0)).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper_bound(bucket);
            }
        }
        upper_bound(BUCKETS - 1)
    }

    /// For an exporter: each bucket's upper bound with the count of all durations below it.
    pub fn cumulative(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        self.buckets.iter().enumerate().scan(0, |seen, (bucket, count)| {
            *seen += count;
            Some((upper_bound(bucket), *seen))
        })
    }
}

fn upper_bound(bucket: usize) -> Duration {
    Duration::from_nanos(1 << bucket)
}
