//! An open engine, as all threads but the writer's see it.

use std::sync::Arc;
use std::time::Duration;

use alloy_consensus::Transaction as _;
use alloy_primitives::{B256, Bytes};
use alys_bus::protocol::query::TransactionRefusal;
use parking_lot::Mutex;

use super::EngineConfig;
use super::builds::Builds;
use super::follow::FollowingPool;
use crate::error::StateError;
use crate::messages::EngineHead;
use crate::metrics::EngineMetrics;
use crate::pool::{AddError, PooledTransaction, TransactionRules};
use crate::read::ReadHandle;

/// Shared by the threads. Locks are held for microseconds: no execution, no disk but single reads.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) config: EngineConfig,
    pub(crate) reads: ReadHandle,
    pub(crate) pool: Mutex<FollowingPool>,
    pub(crate) builds: Mutex<Builds>,
    /// The tip last suggested, and the head it was computed at.
    pub(crate) suggested_tip: Mutex<Option<(B256, u128)>>,
    pub(crate) metrics: Arc<EngineMetrics>,
}

impl Opened {
    /// # Errors
    /// [`StateError`] where the head cannot be read.
    pub(crate) fn new(
        config: EngineConfig,
        reads: ReadHandle,
        metrics: Arc<EngineMetrics>,
    ) -> Result<Self, StateError> {
        let pool = FollowingPool::new(config.pool.clone(), reads.world())?;
        Ok(Self {
            config,
            reads,
            pool: Mutex::new(pool),
            builds: Mutex::default(),
            suggested_tip: Mutex::default(),
            metrics,
        })
    }

    pub(crate) fn build_budget(&self) -> Duration {
        Duration::from_millis(self.config.build_budget_ms)
    }

    pub(crate) fn seal_budget(&self) -> Duration {
        Duration::from_millis(self.config.seal_budget_ms)
    }

    /// How long one call or estimate may execute.
    pub(crate) fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.config.call_timeout_ms)
    }

    /// Where the engine stands.
    pub(crate) fn head(&self) -> EngineHead {
        let world = self.reads.world();
        let durable = world.base_ref().number;
        EngineHead { number: world.head.number, hash: world.head.hash, durable }
    }

    /// Takes a signed transaction into the pool. The slow part, recovering the sender, is done before the
    /// pool is locked.
    pub(crate) fn submit(&self, raw: &Bytes) -> Result<B256, TransactionRefusal> {
        let outcome = self.admit(raw);
        self.metrics.submitted(outcome.as_ref().err());
        outcome
    }

    fn admit(&self, raw: &Bytes) -> Result<B256, TransactionRefusal> {
        let unavailable = |error: StateError| TransactionRefusal::Unavailable(error.to_string());
        let rules = self.transaction_rules().map_err(unavailable)?;
        let transaction = PooledTransaction::decode(raw, &rules, &self.reads.senders())?;
        let refused = |error| match error {
            AddError::Refused(refusal) => refusal,
            AddError::State(error) => unavailable(error),
        };
        if transaction.transaction().inner().authorization_list().is_some() {
            self.pool.lock().pool.check(&transaction).map_err(refused)?;
            // Recovered here, while nobody waits for the pool.
            let _ = transaction.authorities();
        }
        let added = self.pool.lock().pool.add(transaction).map_err(refused)?;
        self.metrics.dropped(&added.dropped);
        Ok(added.hash)
    }

    fn transaction_rules(&self) -> Result<TransactionRules, StateError> {
        let world = self.reads.world();
        let hash = world.head.hash;
        let head = world.block(&hash)?.ok_or(StateError::UnknownBlock(hash))?;
        let rules = self.reads.rules();
        Ok(TransactionRules {
            chain_id: rules.chain_id,
            spec: rules.forks.spec_at(head.header.timestamp),
            gas_limit: rules.gas_limit.unwrap_or(head.header.gas_limit),
            min_tip: u128::from(self.config.pool.min_tip),
        })
    }

    /// Lets the pool follow the head. A failure is logged: the pool stands at an old head until the next.
    pub(crate) fn follow(&self) {
        let world = self.reads.world();
        let mut following = self.pool.lock();
        match following.follow(world) {
            Ok(dropped) => {
                drop(following);
                self.metrics.dropped(&dropped);
            }
            Err(error) => tracing::warn!(%error, "the pool cannot follow the head"),
        }
    }
}
