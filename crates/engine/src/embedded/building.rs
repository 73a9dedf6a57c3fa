//! Building payloads from the pool, on the builder's thread.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, Bytes};
use alys_bus::{Clock, Context};
use alys_primitives::payload::PayloadRules;

use super::builds::Version;
use super::opened::Opened;
use crate::build::{BuildAttributes, LeftOut, TransactionSource};
use crate::chain::{self, ImportError};
use crate::error::StateError;
use crate::execute::{RecoveredTransaction, next_base_fee};
use crate::messages::{EngineError, PayloadId, SealedPayload};
use crate::pool::BestTransactions;
use crate::state::StateView;

/// Takes up a building order; the id, and whether there is work to do.
///
/// # Errors
/// [`EngineError::Unavailable`] where the parent is not executed.
pub(super) fn begin(opened: &Opened, rules: PayloadRules) -> Result<(PayloadId, bool), EngineError> {
    let world = opened.reads.world();
    chain::parent(&world, &rules.parent_hash).map_err(build_error)?;
    Ok(opened.builds.lock().begin(rules))
}

/// Builds a first version, if there is none.
pub(super) fn first_version(opened: &Opened, clock: &Clock, id: PayloadId) {
    let rules = match opened.builds.lock().get(&id) {
        Some(build) if build.best.is_none() && !build.sealed => build.rules.clone(),
        _ => return,
    };
    let outcome = build(opened, clock, &rules, opened.build_budget());
    record(opened, id, outcome);
}

/// Ends the building of a payload, after a last attempt to improve it where the pool has changed.
///
/// # Errors
/// [`EngineError::UnknownPayload`], or why nothing could be built.
pub(super) fn seal(
    opened: &Opened,
    clock: &Clock,
    ctx: Context,
    id: PayloadId,
) -> Result<SealedPayload, EngineError> {
    let (rules, have, sealed) = {
        let builds = opened.builds.lock();
        let build = builds.get(&id).ok_or(EngineError::UnknownPayload)?;
        let have = build.best.as_ref().map(|version| version.revision);
        (build.rules.clone(), have, build.sealed)
    };
    let now = opened.pool.lock().pool.revision();
    if !sealed && have != Some(now) {
        // Without a version there is nothing to fall back on: take the time it needs.
        let budget = if have.is_some() { opened.seal_budget() } else { opened.build_budget() };
        // Half of what is left of the deadline is for the way back.
        let budget = budget.min(ctx.remaining() / 2);
        let outcome = build(opened, clock, &rules, budget);
        record(opened, id, outcome);
    }
    let mut builds = opened.builds.lock();
    let build = builds.get_mut(&id).ok_or(EngineError::UnknownPayload)?;
    let Some(best) = &build.best else {
        return Err(build.failure.clone().unwrap_or(EngineError::UnknownPayload));
    };
    let payload = &best.payload;
    build.sealed = true;
    Ok(SealedPayload {
        payload: payload.payload(),
        requests: payload.execution_requests(),
        fees: payload.facts().fees,
    })
}

fn record(opened: &Opened, id: PayloadId, outcome: Result<Version, EngineError>) {
    if let Some(build) = opened.builds.lock().get_mut(&id) {
        match outcome {
            Ok(version) => build.offer(version),
            Err(error) => {
                tracing::warn!(%error, "a payload could not be built");
                build.failure = Some(error);
            }
        }
    }
}

fn build(
    opened: &Opened,
    clock: &Clock,
    rules: &PayloadRules,
    budget: Duration,
) -> Result<Version, EngineError> {
    let started = clock.now();
    let until = started + budget;
    let world = opened.reads.world();
    let parent = chain::parent(&world, &rules.parent_hash).map_err(build_error)?;
    let (best, revision, pool_head) = {
        let following = opened.pool.lock();
        let best = following.pool.best(next_base_fee(&parent.header));
        (best, following.pool.revision(), following.world.head.hash)
    };
    // Where the pool stands elsewhere, it may offer what the parent has already.
    let elsewhere = pool_head != rules.parent_hash;
    let state = world.state(&rules.parent_hash).map_err(|error| build_error(error.into()))?;
    let mut source = PoolSource { best, state: elsewhere.then_some(state), nonces: BTreeMap::new() };
    let attributes = BuildAttributes {
        parent: rules.parent_hash,
        timestamp: rules.timestamp,
        prev_randao: rules.prev_randao,
        fee_recipient: rules.fee_recipient,
        withdrawals: rules.withdrawals.clone(),
        parent_beacon_block_root: rules.parent_beacon_block_root,
        gas_limit: rules.gas_limit,
        max_bytes: opened.config.max_payload_bytes,
        extra_data: Bytes::new(),
    };
    let mut stop = || clock.now() >= until;
    let payload = opened.reads.build(attributes, &mut source, &mut stop).map_err(build_error)?;
    // What is handed out must pass the proposer's own check.
    rules.check(&payload.payload()).map_err(|error| EngineError::Failed(error.to_string()))?;
    opened.metrics.built(clock.now() - started, payload.block().transactions.len());
    Ok(Version { payload, revision })
}

fn build_error(error: ImportError) -> EngineError {
    match error {
        ImportError::Invalid(reason) => EngineError::Failed(reason.to_string()),
        other => EngineError::Unavailable(other.to_string()),
    }
}

/// The pool's transactions as a builder takes them.
struct PoolSource {
    best: BestTransactions,
    /// The parent's state, where the pool stands at another block.
    state: Option<StateView>,
    /// The next nonces of accounts that have been looked up.
    nonces: BTreeMap<Address, u64>,
}

impl PoolSource {
    /// Whether the parent's state has used the transaction's nonce: then it is passed over, and those of
    /// the same sender behind it are not.
    fn is_used(&mut self, tx: &RecoveredTransaction) -> Result<bool, StateError> {
        let Some(state) = &self.state else { return Ok(false) };
        let sender = tx.signer();
        let next = match self.nonces.get(&sender) {
            Some(next) => *next,
            None => {
                let next = state.account(sender)?.map_or(0, |account| account.nonce);
                self.nonces.insert(sender, next);
                next
            }
        };
        Ok(tx.inner().nonce() < next)
    }
}

impl TransactionSource for PoolSource {
    fn next(&mut self) -> Option<RecoveredTransaction> {
        loop {
            let tx: Arc<_> = self.best.next()?;
            // A state that cannot be read is the executor's to report.
            if !self.is_used(tx.transaction()).unwrap_or(false) {
                return Some(tx.transaction().clone());
            }
        }
    }

    fn left_out(&mut self, tx: &RecoveredTransaction, _: LeftOut) {
        self.best.reject(tx.signer());
    }
}
