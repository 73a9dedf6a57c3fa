//! Calls and estimates, each no longer than somebody waits for it and the configuration allows.

use std::time::Duration;

use alloy_eips::BlockId;
use alloy_primitives::{Bytes, TxKind, U256};
use alloy_rpc_types_eth as eth;
use alys_bus::{Context, Reply};

use super::at::known_hash;
use super::errors::{call_error, query_error};
use crate::call::{CallError, CallRequest, Overrides};
use crate::embedded::Opened;
use crate::messages::{QueryError, TransactionRefusal};
use crate::read;

/// Until when an execution may run: a moment of the bound, of the asker's deadline, or when the asker goes.
pub(super) struct Patience<'a> {
    /// The longest that the configuration allows.
    timeout: Duration,
    asked: Context,
    bounded: Context,
    gone: &'a dyn Fn() -> bool,
}

impl Patience<'_> {
    fn is_over(&self) -> bool {
        self.bounded.is_expired() || (self.gone)()
    }

    /// Why a call gave no result. One that took too long is said in Geth's words, which is what clients know.
    fn explain(&self, error: CallError) -> QueryError {
        match error {
            CallError::Stopped if self.asked.is_expired() => QueryError::TimedOut,
            CallError::Stopped => {
                QueryError::Halted { reason: format!("execution aborted (timeout = {:?})", self.timeout) }
            }
            error => call_error(error),
        }
    }
}

/// Executes for whoever waits for `reply`, while somebody does.
pub(super) fn execute<T>(
    opened: &Opened,
    ctx: Context,
    reply: Reply<T, QueryError>,
    work: impl FnOnce(&Patience<'_>) -> Result<T, QueryError>,
) {
    if reply.is_abandoned() {
        return;
    }
    let timeout = opened.call_timeout();
    let gone = || reply.is_abandoned();
    let outcome = work(&Patience { timeout, asked: ctx, bounded: ctx.within(timeout), gone: &gone });
    reply.send(outcome);
}

/// The output of a call on the state after a block.
///
/// # Errors
/// [`QueryError::Reverted`] with the revert data, and all else that a call can end with.
pub(super) fn call(
    opened: &Opened,
    patience: &Patience<'_>,
    request: &eth::TransactionRequest,
    at: BlockId,
    overrides: eth::state::EvmOverrides,
) -> Result<Bytes, QueryError> {
    let (at, request) = prepare(opened, (request, overrides), at, opened.config.call_gas)?;
    let done = opened.reads.call_until(at, &request, &|| patience.is_over());
    done.map(|done| done.output).map_err(|error| patience.explain(error))
}

/// A gas limit with which the transaction succeeds.
///
/// # Errors
/// As [`call`].
pub(super) fn estimate_gas(
    opened: &Opened,
    patience: &Patience<'_>,
    request: &eth::TransactionRequest,
    at: BlockId,
    overrides: eth::state::EvmOverrides,
) -> Result<u64, QueryError> {
    // How much gas can be paid for is part of the search.
    let (at, request) = prepare(opened, (request, overrides), at, 0)?;
    let gas = opened.reads.estimate_gas_until(at, &request, &|| patience.is_over());
    gas.map_err(|error| patience.explain(error))
}

/// What a transaction would touch. One that fails has a list too, with the reason.
///
/// # Errors
/// As [`call`], but for reverts and faults.
pub(super) fn access_list(
    opened: &Opened,
    patience: &Patience<'_>,
    request: &eth::TransactionRequest,
    at: BlockId,
    overrides: eth::state::EvmOverrides,
) -> Result<Box<eth::AccessListResult>, QueryError> {
    let (at, request) = prepare(opened, (request, overrides), at, opened.config.call_gas)?;
    let touched = opened.reads.access_list_until(at, &request, &|| patience.is_over());
    let touched = touched.map_err(|error| patience.explain(error))?;
    Ok(Box::new(eth::AccessListResult {
        access_list: touched.access_list,
        gas_used: U256::from(touched.gas_used),
        error: touched.fault,
    }))
}

/// The call in the engine's form, after the checks whose outcome clients expect in Geth's words. Its sender must be
/// able to pay for its value, and for the gas that it names up to `gas_cap`.
fn prepare(
    opened: &Opened,
    (request, overrides): (&eth::TransactionRequest, eth::state::EvmOverrides),
    at: BlockId,
    gas_cap: u64,
) -> Result<(read::BlockId, CallRequest), QueryError> {
    let mut request = convert(opened, request)?;
    request.overrides = Overrides { state: overrides.state.unwrap_or_default(), block: overrides.block };
    let world = opened.reads.world();
    let hash = known_hash(&world, at)?;
    let block = world.block(&hash).map_err(query_error)?;
    let block = block.ok_or_else(|| QueryError::BlockNotFound(hash.to_string()))?;
    let base_fee = request.overrides.block.as_ref().and_then(|block| block.base_fee);
    let base_fee =
        base_fee.map_or(block.header.base_fee_per_gas.unwrap_or_default(), |fee| fee.saturating_to());
    check_fees(&request, base_fee)?;
    let cost = cost(&request, gas_cap);
    if !cost.is_zero() {
        let state = world.state(&hash).map_err(query_error)?;
        let account = state.account(request.from).map_err(query_error)?;
        let balance = request.overrides.balance(&request.from);
        let balance = balance.or(account.map(|account| account.balance)).unwrap_or_default();
        if cost > balance {
            return Err(TransactionRefusal::InsufficientFunds { balance, cost }.into());
        }
    }
    Ok((read::BlockId::Hash(hash), request))
}

/// Fees may be left out; where they are named they must be possible.
fn check_fees(request: &CallRequest, base: u64) -> Result<(), TransactionRefusal> {
    let cap = request.gas_price.or(request.max_fee_per_gas);
    let tip = request.max_priority_fee_per_gas.unwrap_or_default();
    let Some(cap) = cap else { return Ok(()) };
    if tip > cap {
        return Err(TransactionRefusal::TipAboveFeeCap { tip, cap });
    }
    if (cap > 0 || tip > 0) && cap < u128::from(base) {
        return Err(TransactionRefusal::FeeCapTooLow { cap, base });
    }
    Ok(())
}

/// What the call takes for sure, in wei: its value, and its gas where both limit and price are named. It
/// gets no more gas than `gas_cap`.
fn cost(request: &CallRequest, gas_cap: u64) -> U256 {
    let price = request.gas_price.or(request.max_fee_per_gas).unwrap_or_default();
    let gas = request.gas.unwrap_or_default().min(gas_cap);
    U256::from(gas).saturating_mul(U256::from(price)).saturating_add(request.value)
}

fn convert(opened: &Opened, request: &eth::TransactionRequest) -> Result<CallRequest, QueryError> {
    let want = opened.reads.rules().chain_id;
    if let Some(have) = request.chain_id
        && have != want
    {
        return Err(TransactionRefusal::WrongChain { have: Some(have), want }.into());
    }
    if request.max_fee_per_blob_gas.is_some() || request.blob_versioned_hashes.is_some() {
        return Err(TransactionRefusal::TypeNotSupported.into());
    }
    let input = request.input.unique_input().map_err(|error| QueryError::InvalidQuery(error.to_string()))?;
    let request = CallRequest {
        from: request.from.unwrap_or_default(),
        to: request.to.unwrap_or(TxKind::Create),
        gas: request.gas,
        gas_price: request.gas_price,
        max_fee_per_gas: request.max_fee_per_gas,
        max_priority_fee_per_gas: request.max_priority_fee_per_gas,
        value: request.value.unwrap_or_default(),
        input: input.cloned().unwrap_or_default(),
        access_list: request.access_list.clone().unwrap_or_default(),
        authorizations: request.authorization_list.clone().unwrap_or_default(),
        overrides: Overrides::default(),
    };
    request.check().map_err(call_error)?;
    Ok(request)
}
