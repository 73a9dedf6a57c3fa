//! Time in tests: paused, and never waited for without an end.

use std::{future::Future, time::Duration};

use alys_bus::Clock;
use tokio::time::{sleep, timeout};

/// How long a test waits for an event that must come, on a machine however busy. Where time is paused this
/// costs nothing: it passes as soon as nothing else can happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for an event that must come.
///
/// # Panics
/// When it has not come within [`PATIENCE`].
#[track_caller]
pub fn within<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move {
        match timeout(PATIENCE, future).await {
            Ok(output) => output,
            Err(_) => panic!("what is awaited at {caller} did not happen within {PATIENCE:?}"),
        }
    }
}

/// A clock for tests with paused time.
///
/// ```
/// use std::time::Duration;
/// use alys_testkit::TestClock;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let time = TestClock::at(1_700_000_000_000);
/// let clock = time.clock(); // for the actor under test
/// time.pass(Duration::from_secs(2)).await;
/// assert_eq!(clock.now_ms(), 1_700_000_002_000);
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct TestClock {
    clock: Clock,
}

impl TestClock {
    /// A clock that shows `unix_ms` now, and follows tokio's (paused) time.
    pub fn at(unix_ms: u64) -> Self {
        Self { clock: Clock::at(unix_ms) }
    }

    /// The clock for the actor under test; all clones show the same.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Milliseconds since the unix epoch.
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Lets `duration` pass. Timers that fall into it fire at their times and in their order, and what
    /// they cause happens before time goes on (`tokio::time::advance` would jump over them).
    pub async fn pass(&self, duration: Duration) {
        sleep(duration).await;
        settle().await;
    }

    /// Lets time pass until the clock shows `unix_ms`.
    pub async fn pass_until(&self, unix_ms: u64) {
        self.clock.sleep_until(unix_ms).await;
        settle().await;
    }
}

/// Lets what became ready together with the sleeper run too: a chain of up to so many messages.
async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}
