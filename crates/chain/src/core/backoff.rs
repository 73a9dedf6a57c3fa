//! How long to wait before something is tried again.

/// Pauses that double from `first_ms` to `most_ms`. No randomness: a core's runs can be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The pause after the first failure, ms.
    pub first_ms: u64,
    /// The longest pause, ms.
    pub most_ms: u64,
}

impl Backoff {
    /// When to try again after `failures` in a row, the last one at `now_ms`.
    #[must_use]
    pub fn next(&self, now_ms: u64, failures: u32) -> u64 {
        let doubled = self.first_ms.saturating_mul(1 << failures.saturating_sub(1).min(16));
        now_ms.saturating_add(doubled.min(self.most_ms))
    }
}

/// Something that failed and is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retry {
    /// The next try, Unix ms.
    pub at: u64,
    /// Failures in a row.
    pub failures: u32,
}

impl Retry {
    /// Counts a failure and sets the next try.
    pub fn failed(&mut self, now_ms: u64, backoff: Backoff) {
        self.failures = self.failures.saturating_add(1);
        self.at = backoff.next(now_ms, self.failures);
    }

    /// Whether it is time to try.
    #[must_use]
    pub const fn is_due(&self, now_ms: u64) -> bool {
        self.at <= now_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let backoff = Backoff { first_ms: 100, most_ms: 1000 };
        let pauses: Vec<_> = (1..=6).map(|failures| backoff.next(0, failures)).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(backoff.next(5, u32::MAX), 1005);
    }
}
