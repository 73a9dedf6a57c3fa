//! What an operator may set: a member's own policy and the deadlines of its asks. Never validity.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::{Backoff, Policy};

/// The chain actor's configuration. All times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChainConfig {
    /// How many slots ahead of this node's clock a proposal or vote may lie to be kept until its slot
    /// begins, for members whose clocks run ahead. What lies further ahead is dropped.
    pub max_early: u64,
    /// How often the own latest proposal, votes and the highest certificates are sent again until they
    /// are superseded. A quarter of a slot of 2 s: a message lost once still arrives in time.
    pub resend_ms: u64,
    /// The pause before a failed request is made again; it doubles with each failure.
    pub retry_first_ms: u64,
    /// The longest such pause. It bounds how soon the node goes on when a client has come back.
    pub retry_most_ms: u64,
    /// Deadline for a promise to be durable. A disk that takes longer cannot serve a member, and the actor
    /// ends rather than guess.
    pub promise_deadline_ms: u64,
    /// Deadline for a block to be durable, and for head and finality to be moved.
    pub storage_deadline_ms: u64,
    /// Deadline for one judgement of the execution client, or one update of its forkchoice.
    pub engine_deadline_ms: u64,
    /// Deadline for the execution client to begin, or to hand over, a payload.
    pub build_deadline_ms: u64,
    /// Deadline for a signature, or for a share to be taken and perhaps combined.
    pub sign_deadline_ms: u64,
    /// Deadline for a block to be fetched from peers.
    pub fetch_deadline_ms: u64,
}

impl Default for ChainConfig {
    fn default() -> Self {
        Self {
            max_early: 2,
            resend_ms: 500,
            retry_first_ms: 100,
            retry_most_ms: 2_000,
            promise_deadline_ms: 5_000,
            storage_deadline_ms: 10_000,
            engine_deadline_ms: 20_000,
            build_deadline_ms: 2_000,
            sign_deadline_ms: 1_000,
            fetch_deadline_ms: 5_000,
        }
    }
}

/// A value outside its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("chain.{field} is {value}; it must be {least} to {most}")]
pub struct ConfigError {
    /// The field.
    pub field: &'static str,
    /// What it is.
    pub value: u64,
    /// The least it may be.
    pub least: u64,
    /// The most it may be.
    pub most: u64,
}

/// The longest deadline: ten minutes.
const LONGEST: u64 = 600_000;

impl ChainConfig {
    /// Checks the limits.
    ///
    /// # Errors
    /// [`ConfigError`], which names the field and its limits.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let checks = [
            ("max_early", self.max_early, 0, 64),
            ("resend_ms", self.resend_ms, 50, 60_000),
            ("retry_first_ms", self.retry_first_ms, 10, 60_000),
            ("retry_most_ms", self.retry_most_ms, self.retry_first_ms, 60_000),
            ("promise_deadline_ms", self.promise_deadline_ms, 100, LONGEST),
            ("storage_deadline_ms", self.storage_deadline_ms, 100, LONGEST),
            ("engine_deadline_ms", self.engine_deadline_ms, 100, LONGEST),
            ("build_deadline_ms", self.build_deadline_ms, 100, LONGEST),
            ("sign_deadline_ms", self.sign_deadline_ms, 100, LONGEST),
            ("fetch_deadline_ms", self.fetch_deadline_ms, 100, LONGEST),
        ];
        for (field, value, least, most) in checks {
            if !(least..=most).contains(&value) {
                return Err(ConfigError { field, value, least, most });
            }
        }
        Ok(())
    }

    /// The part that the core goes by.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        Policy {
            max_early: self.max_early,
            resend_ms: self.resend_ms,
            retry: Backoff { first_ms: self.retry_first_ms, most_ms: self.retry_most_ms },
        }
    }

    pub(crate) const fn promise(&self) -> Duration {
        Duration::from_millis(self.promise_deadline_ms)
    }

    pub(crate) const fn storage(&self) -> Duration {
        Duration::from_millis(self.storage_deadline_ms)
    }

    pub(crate) const fn engine(&self) -> Duration {
        Duration::from_millis(self.engine_deadline_ms)
    }

    /// How long an execution client may take to begin at genesis again: thrice a judgement's deadline.
    pub(crate) const fn reset(&self) -> Duration {
        Duration::from_millis(self.engine_deadline_ms.saturating_mul(3))
    }

    pub(crate) const fn build(&self) -> Duration {
        Duration::from_millis(self.build_deadline_ms)
    }

    pub(crate) const fn sign(&self) -> Duration {
        Duration::from_millis(self.sign_deadline_ms)
    }

    pub(crate) const fn fetch(&self) -> Duration {
        Duration::from_millis(self.fetch_deadline_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_a_value_outside_its_limits_is_named() {
        assert_eq!(ChainConfig::default().validate(), Ok(()));
        let config = ChainConfig { retry_most_ms: 50, ..ChainConfig::default() };
        let error = config.validate().unwrap_err();
        assert_eq!(error.to_string(), "chain.retry_most_ms is 50; it must be 100 to 60000");
    }
}
