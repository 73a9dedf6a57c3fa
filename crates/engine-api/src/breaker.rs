//! When to leave a failing client alone. Pure: time is an argument.
//!
//! ```text
//!            5 failures in a row             open_for has passed
//!   Closed ──────────────────────► Open ──────────────────────────► HalfOpen
//!     ▲                              ▲          one failure             │
//!     │                              └──────────────────────────────────┤
//!     └─────────────────────────── 3 successes in a row ────────────────┘
//! ```
//!
//! Half open, one request at a time goes out. The open interval is half a second, so that a node goes on
//! well within 5 s of its client's return (capability C10).

use std::time::Duration;

/// When the breaker opens and closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerLimits {
    /// So many failures in a row open it.
    pub failures: u32,
    /// So many successes in a row close it.
    pub successes: u32,
    /// How long nothing is sent.
    pub open_for: Duration,
}

impl Default for BreakerLimits {
    fn default() -> Self {
        Self { failures: 5, successes: 3, open_for: Duration::from_millis(500) }
    }
}

/// Where the breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// All goes through.
    Closed,
    /// Nothing does.
    Open,
    /// One at a time.
    HalfOpen,
}

/// Whether a request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Admission {
    /// Send it, and report how it ended.
    Go,
    /// Do not; ask again after this time.
    Wait(Duration),
}

/// A circuit breaker. Times are durations since any one moment, and never go back.
#[derive(Debug, Clone)]
pub struct Breaker {
    limits: BreakerLimits,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed { failures: u32 },
    Open { until: Duration },
    // A trial that is never reported, as of a task that was dropped, is over after `open_for`.
    HalfOpen { successes: u32, trial_until: Option<Duration> },
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub fn new(limits: BreakerLimits) -> Self {
        Self { limits, state: State::Closed { failures: 0 } }
    }

    /// Whether a request may be sent now. Each that may is reported by one of the two methods below.
    pub fn admit(&mut self, now: Duration) -> Admission {
        let trial_until = Some(now.saturating_add(self.limits.open_for));
        match self.state {
            State::Closed { .. } => Admission::Go,
            State::Open { until } if now < until => Admission::Wait(until - now),
            State::Open { .. } => {
                self.state = State::HalfOpen { successes: 0, trial_until };
                Admission::Go
            }
            State::HalfOpen { trial_until: Some(until), .. } if now < until => Admission::Wait(until - now),
            State::HalfOpen { successes, .. } => {
                self.state = State::HalfOpen { successes, trial_until };
                Admission::Go
            }
        }
    }

    /// A request was answered.
    pub fn succeeded(&mut self) {
        self.state = match self.state {
            State::Closed { .. } => State::Closed { failures: 0 },
            // Of a request sent before it opened: it says nothing about now.
            State::Open { until } => State::Open { until },
            State::HalfOpen { successes, .. } if successes + 1 >= self.limits.successes => {
                State::Closed { failures: 0 }
            }
            State::HalfOpen { successes, .. } => {
                State::HalfOpen { successes: successes + 1, trial_until: None }
            }
        };
    }

    /// A request failed: by [`ApiError::is_outage`](crate::ApiError::is_outage).
    pub fn failed(&mut self, now: Duration) {
        let open = State::Open { until: now.saturating_add(self.limits.open_for) };
        self.state = match self.state {
            State::Closed { failures } if failures + 1 < self.limits.failures => {
                State::Closed { failures: failures + 1 }
            }
            State::Closed { .. } | State::HalfOpen { .. } => open,
            // Late failures do not prolong it.
            State::Open { until } => State::Open { until },
        };
    }

    /// A request ended without having asked the client anything.
    pub fn cancelled(&mut self) {
        if let State::HalfOpen { successes, .. } = self.state {
            self.state = State::HalfOpen { successes, trial_until: None };
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        match self.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self::new(BreakerLimits::default())
    }
}

#[cfg(test)]
mod tests;
