//! What an operator may set.

use serde::{Deserialize, Serialize};

use crate::core::Window;

/// The federation actor's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FederationConfig {
    /// Slots before the present one whose shares are still collected. Votes are re-sent until they are
    /// superseded, so this is how long a vote may be on its way; 64 slots of 2 s are two minutes.
    pub slots_behind: u64,
    /// Slots after the present one whose shares are collected, for members whose clocks run ahead.
    pub slots_ahead: u64,
}

impl Default for FederationConfig {
    fn default() -> Self {
        Self { slots_behind: 64, slots_ahead: 2 }
    }
}

/// A value outside its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("federation.{field} is {value}; it must be {least} to {most}")]
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

impl FederationConfig {
    /// Checks the limits. They bound memory: 31 members can fill some 400 bytes for each slot, kind and
    /// ballot, so the most that is allowed is about 50 MiB for each epoch.
    ///
    /// # Errors
    /// [`ConfigError`], which names the field and its limits.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let checks = [("slots_behind", self.slots_behind, 1, 1024), ("slots_ahead", self.slots_ahead, 0, 64)];
        for (field, value, least, most) in checks {
            if !(least..=most).contains(&value) {
                return Err(ConfigError { field, value, least, most });
            }
        }
        Ok(())
    }

    /// The collector's window.
    #[must_use]
    pub const fn window(&self) -> Window {
        Window { behind: self.slots_behind, ahead: self.slots_ahead }
    }
}
