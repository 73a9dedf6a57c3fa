//! What a managed Geth is run with.

use std::{path::PathBuf, time::Duration};

/// What a [`ManagedGeth`](super::ManagedGeth) is run with. Nothing here is read again later.
#[derive(Debug, Clone)]
pub struct GethConfig {
    /// Geth's program.
    pub program: PathBuf,
    /// The folder that holds everything of this Geth, and nothing else: made if it is not there.
    pub folder: PathBuf,
    /// `ChainSpec::execution_genesis_file()` as JSON.
    pub genesis: String,
    /// The chain's EVM chain id, which is Geth's network id as well.
    pub chain_id: u64,
    /// The gas limit of every block by the chain spec.
    pub gas_limit: u64,
    /// Port of the Engine API on 127.0.0.1. 0 takes a free one, kept for the life of the handle.
    pub engine_port: u16,
    /// Port of JSON-RPC on 127.0.0.1. 0 takes a free one, kept for the life of the handle.
    pub public_port: u16,
    /// Memory for Geth's caches in MB.
    pub cache_mb: u32,
    /// How long it is waited for.
    pub patience: Patience,
    /// When it is started again.
    pub restarts: Restarts,
}

impl GethConfig {
    /// On free ports, with the waits and restarts of an operator's node.
    #[must_use]
    pub fn new(program: PathBuf, folder: PathBuf, genesis: String, chain_id: u64, gas_limit: u64) -> Self {
        Self {
            program,
            folder,
            genesis,
            chain_id,
            gas_limit,
            engine_port: 0,
            public_port: 0,
            cache_mb: 256,
            patience: Patience::default(),
            restarts: Restarts::default(),
        }
    }
}

/// How long is waited for Geth. Beyond these it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// From its start until both ports answer. A repair after `kill -9` re-executes blocks.
    pub ready: Duration,
    /// From SIGINT to its end: it writes its state then.
    pub stop: Duration,
    /// For `geth init`.
    pub init: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { ready: Duration::from_secs(120), stop: Duration::from_secs(30), init: Duration::from_secs(60) }
    }
}

/// When a Geth that has ended by itself is started again.
///
/// One that was ready is always started again: the first time after `first`, then after twice as long, up to
/// `max`; having been ready for `sound`, it counts as new. Starts that never come to be ready have a bound:
/// they tell of something that a further try does not mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restarts {
    /// The first pause.
    pub first: Duration,
    /// The longest pause. Well below the 5 s within which a node has to resume.
    pub max: Duration,
    /// After how long without an end the pauses begin at `first` again.
    pub sound: Duration,
    /// How many starts in a row may fail before it is given up.
    pub failed_starts: u32,
}

impl Restarts {
    /// The pause before the start that follows `ends` ends in a row.
    #[must_use]
    pub fn pause(&self, ends: u32) -> Duration {
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(ends.saturating_sub(1)));
        doubled.min(self.max)
    }
}

impl Default for Restarts {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            max: Duration::from_secs(2),
            sound: Duration::from_secs(30),
            failed_starts: 5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let restarts = Restarts::default();
        let pauses: Vec<_> = (1..=7).map(|ends| restarts.pause(ends).as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(restarts.pause(u32::MAX), restarts.max);
    }
}
