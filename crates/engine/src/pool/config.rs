//! The pool's bounds.

use serde::{Deserialize, Serialize};

use super::transaction::MAX_TRANSACTION_BYTES;

/// How much the pool holds, and what it takes. Each node decides for itself; no rule of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolConfig {
    /// Transactions in all. Default 32,768: about 30 full blocks of transfers at 22 million gas.
    pub max_transactions: usize,
    /// Bytes of their encodings in all. Default 64 MiB.
    pub max_bytes: usize,
    /// Transactions of one account without a gap. Default 1,024.
    pub max_per_account: u64,
    /// How far beyond an account's next nonce a transaction may lie, waiting for the ones between.
    /// Default 64, as Geth's.
    pub max_ahead: u64,
    /// The least tip per gas, in wei, that is taken. Default 1.
    ///
    /// The cap counts (`maxPriorityFeePerGas`, or `gasPrice`), not what is left above the base fee.
    pub min_tip: u64,
    /// By how many percent a replacement must raise both fee caps. Default 10, as Geth's.
    pub replacement_bump: u64,
    /// For how long a transaction may wait, in seconds of chain time. Default three hours, as Geth's.
    pub lifetime: u64,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            max_transactions: 32_768,
            max_bytes: 64 << 20,
            max_per_account: 1_024,
            max_ahead: 64,
            min_tip: 1,
            replacement_bump: 10,
            lifetime: 3 * 60 * 60,
        }
    }
}

/// A bound that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("engine.pool.{field} is {found}; it must be {must}")]
pub struct PoolConfigError {
    /// The field's name.
    pub field: &'static str,
    /// Its value.
    pub found: u64,
    /// What it must be.
    pub must: &'static str,
}

impl PoolConfig {
    /// Checks each bound.
    ///
    /// # Errors
    /// The first that cannot be.
    pub fn validate(&self) -> Result<(), PoolConfigError> {
        let wrong = |field, found: usize, must| {
            Err(PoolConfigError { field, found: u64::try_from(found).unwrap_or(u64::MAX), must })
        };
        if self.max_transactions == 0 {
            return wrong("max_transactions", 0, "at least 1");
        }
        if self.max_bytes < MAX_TRANSACTION_BYTES {
            return wrong("max_bytes", self.max_bytes, "at least 131072, the size of one transaction");
        }
        if self.max_per_account == 0 {
            return wrong("max_per_account", 0, "at least 1");
        }
        if self.lifetime == 0 {
            return wrong("lifetime", 0, "at least 1");
        }
        Ok(())
    }
}
