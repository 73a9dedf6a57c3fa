//! The one clock. Wall time is derived from tokio's, so that both stop together where a test pauses time.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long wall time is carried forward before the operating system is asked again. Network time
/// daemons step or slew the system's clock; a node that runs for months must follow them (50 ppm of
/// drift are 4 s per day).
const RESYNC_EVERY: Duration = Duration::from_secs(10);

/// tokio's now: the only place that reads it, beside benches.
#[allow(clippy::disallowed_methods, reason = "the one place where the monotonic clock is read")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

#[allow(clippy::disallowed_methods, reason = "the one place where the system's wall time is read")]
fn system_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Wall time at one instant; later times are computed from it.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    unix_ms: u64,
    at: Instant,
}

/// Tells the time: unix milliseconds for what other nodes see, instants for deadlines. Clones share one
/// time.
#[derive(Debug, Clone)]
pub struct Clock {
    anchor: Arc<Mutex<Anchor>>,
    follows_system: bool,
}

impl Clock {
    /// The system's time. It is read anew every ten seconds, so corrections of the system's clock
    /// (which may step back) are followed.
    pub fn system() -> Self {
        Self::anchored(system_ms(), true)
    }

    /// A clock that shows `unix_ms` now and then follows tokio's time alone, also where that is paused:
    /// for tests.
    pub fn at(unix_ms: u64) -> Self {
        Self::anchored(unix_ms, false)
    }

    fn anchored(unix_ms: u64, follows_system: bool) -> Self {
        Self { anchor: Arc::new(Mutex::new(Anchor { unix_ms, at: instant() })), follows_system }
    }

    fn anchor(&self, now: Instant) -> Anchor {
        let mut anchor = self.anchor.lock();
        if self.follows_system && now.saturating_duration_since(anchor.at) >= RESYNC_EVERY {
            *anchor = Anchor { unix_ms: system_ms(), at: now };
        }
        *anchor
    }

    /// Milliseconds since the unix epoch.
    pub fn now_ms(&self) -> u64 {
        let now = instant();
        let anchor = self.anchor(now);
        anchor.unix_ms.saturating_add(millis(now.saturating_duration_since(anchor.at)))
    }

    /// The same, with the system's time read at once, for whoever has been told that this clock is wrong. All
    /// clones follow. A clock for tests has no system behind it, and goes on.
    pub fn read_anew(&self) -> u64 {
        if self.follows_system {
            *self.anchor.lock() = Anchor { unix_ms: system_ms(), at: instant() };
        }
        self.now_ms()
    }

    /// The monotonic time, for deadlines and measurements.
    pub fn now(&self) -> Instant {
        instant()
    }

    /// When this clock will show `unix_ms`, as far as is known now; a time that has passed is now.
    pub fn instant_at(&self, unix_ms: u64) -> Instant {
        let now = instant();
        let anchor = self.anchor(now);
        let shown = anchor.unix_ms.saturating_add(millis(now.saturating_duration_since(anchor.at)));
        now + Duration::from_millis(unix_ms.saturating_sub(shown))
    }

    /// Waits until this clock shows `unix_ms`. A correction of the system's clock during the wait is
    /// followed.
    pub async fn sleep_until(&self, unix_ms: u64) {
        while self.now_ms() < unix_ms {
            let target = self.instant_at(unix_ms);
            let step = if self.follows_system { target.min(instant() + RESYNC_EVERY) } else { target };
            tokio::time::sleep_until(step).await;
        }
    }

    /// Waits for `duration`.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_read_anew_follows_a_step_of_the_system_at_once_and_all_clones_with_it() {
        // As if the system had been stepped since it was read.
        let clock = Clock::anchored(5, true);
        let clone = clock.clone();
        assert!(clone.now_ms() < 1_000_000);
        assert!(clock.read_anew() >= system_ms() - 10_000);
        assert!(clone.now_ms() >= system_ms() - 10_000);
    }

    #[test]
    fn a_clock_for_tests_stays_where_it_is_when_it_is_read_anew() {
        assert!(Clock::at(5).read_anew() < 1_000_000);
    }
}
