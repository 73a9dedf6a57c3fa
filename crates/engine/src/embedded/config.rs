//! The engine's configuration.

use serde::{Deserialize, Serialize};

use crate::config::EngineLimits;
use crate::pool::{PoolConfig, PoolConfigError};

/// The embedded engine's configuration: what it keeps, what it allows, how many threads it uses. No rule
/// of the chain is in here; every field may change between runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// How many blocks below the head may stay in memory while they are not final. Default 64.
    pub window: u64,
    /// For how many blocks below the base old states can be read; 0 for all. Default 90,000, two days of
    /// slots of two seconds. At least `window`.
    pub history: u64,
    /// For how many blocks below the base proofs can be made. Default 64.
    pub proofs: u64,
    /// How many candidate blocks may wait above the base. Default 1,024.
    pub candidates: usize,
    /// How many blocks the base lags behind where it belongs before they are committed, all at once.
    /// Default 1. More costs fewer writes in all, and more blocks to import again after a crash.
    pub commit_every: u64,
    /// How many recovered senders are remembered. Default 65,536, about 5 MB.
    pub senders: usize,
    /// The transaction pool.
    pub pool: PoolConfig,
    /// For how long a payload may be filled with transactions, in milliseconds; what is in it then is
    /// sealed. Default 500, a quarter of a slot of two seconds.
    pub build_budget_ms: u64,
    /// For how long a payload may be filled once more when it is sealed, in milliseconds, so that it has what
    /// came meanwhile; the version that pays more is taken. Default 100: the slot has begun, members wait.
    pub seal_budget_ms: u64,
    /// The most bytes of transactions in a payload that is built here. Default 2 MiB: it has to be
    /// gossiped.
    pub max_payload_bytes: usize,
    /// The most gas a call or an estimate may use. Default 50,000,000.
    pub call_gas: u64,
    /// How long a call or an estimate may execute, in milliseconds; then it ends with an error. Default 5,000, as
    /// Geth's. The deadline of the request ends it earlier, and so does an asker who goes.
    pub call_timeout_ms: u64,
    /// Threads for calls and estimates. Default 2.
    pub call_threads: usize,
    /// Threads for log searches, proofs and long fee histories. Default 1.
    pub search_threads: usize,
    /// Threads for everything that is read in microseconds, and for transactions that come in. Default 1.
    pub lookup_threads: usize,
    /// How many blocks one search for logs may span. Default 10,000.
    pub max_log_blocks: u64,
    /// How many logs one search may find. Default 10,000.
    pub max_logs: usize,
    /// How many blocks a fee history may span; a longer one is cut. Default 1,024, as Geth's.
    pub max_fee_history: u64,
    /// The tip that is suggested where the last blocks say nothing, in wei per gas. Default 0.001 gwei, as Geth's.
    pub default_tip: u64,
}

impl Default for EngineConfig {
    fn default() -> Self {
        let limits = EngineLimits::default();
        Self {
            window: limits.window,
            history: limits.history.unwrap_or(0),
            proofs: limits.proofs,
            candidates: limits.candidates,
            commit_every: limits.commit_every,
            senders: limits.senders,
            pool: PoolConfig::default(),
            build_budget_ms: 500,
            seal_budget_ms: 100,
            max_payload_bytes: 2 << 20,
            call_gas: limits.call_gas,
            call_timeout_ms: 5_000,
            call_threads: 2,
            search_threads: 1,
            lookup_threads: 1,
            max_log_blocks: 10_000,
            max_logs: 10_000,
            max_fee_history: 1_024,
            default_tip: 1_000_000,
        }
    }
}

/// A field that cannot be as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineConfigError {
    /// One of the pool's.
    #[error(transparent)]
    Pool(#[from] PoolConfigError),
    /// One of the engine's.
    #[error("engine.{field} is {found}; it must be {must}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// Its value.
        found: u64,
        /// What it must be.
        must: &'static str,
    },
}

/// More threads than this help nobody, and each costs memory.
const MAX_THREADS: u64 = 64;

impl EngineConfig {
    /// Checks each field.
    ///
    /// # Errors
    /// The first that cannot be.
    pub fn validate(&self) -> Result<(), EngineConfigError> {
        self.pool.validate()?;
        let size = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
        let check = |ok: bool, field, found: u64, must| {
            if ok { Ok(()) } else { Err(EngineConfigError::Field { field, found, must }) }
        };
        let threads = |count: usize| (1..=MAX_THREADS).contains(&size(count));
        check(self.window >= 1, "window", self.window, "at least 1")?;
        check(
            self.history == 0 || self.history >= self.window,
            "history",
            self.history,
            "0 for all, or at least `window`",
        )?;
        check(
            size(self.candidates) > self.window,
            "candidates",
            size(self.candidates),
            "more than `window`, or the chain cannot go on while nothing is final",
        )?;
        check(self.commit_every >= 1, "commit_every", self.commit_every, "at least 1")?;
        check(self.senders >= 2, "senders", size(self.senders), "at least 2")?;
        check(self.build_budget_ms >= 1, "build_budget_ms", self.build_budget_ms, "at least 1")?;
        check(
            size(self.max_payload_bytes) >= 128 << 10,
            "max_payload_bytes",
            size(self.max_payload_bytes),
            "at least 131072, the size of one transaction",
        )?;
        check(self.call_gas >= 21_000, "call_gas", self.call_gas, "at least 21000, a transfer")?;
        check(self.call_timeout_ms >= 1, "call_timeout_ms", self.call_timeout_ms, "at least 1")?;
        check(threads(self.call_threads), "call_threads", size(self.call_threads), "1 to 64")?;
        check(threads(self.search_threads), "search_threads", size(self.search_threads), "1 to 64")?;
        check(threads(self.lookup_threads), "lookup_threads", size(self.lookup_threads), "1 to 64")?;
        check(self.max_log_blocks >= 1, "max_log_blocks", self.max_log_blocks, "at least 1")?;
        check(self.max_logs >= 1, "max_logs", size(self.max_logs), "at least 1")?;
        check(self.max_fee_history >= 1, "max_fee_history", self.max_fee_history, "at least 1")
    }

    /// The part that the synchronous engine needs.
    #[must_use]
    pub fn limits(&self) -> EngineLimits {
        EngineLimits {
            window: self.window,
            history: (self.history > 0).then_some(self.history),
            proofs: self.proofs,
            candidates: self.candidates,
            call_gas: self.call_gas,
            senders: self.senders,
            commit_every: self.commit_every,
        }
    }
}
