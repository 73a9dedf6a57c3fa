//! How much gas a transaction needs: a search between bounds that have been tried.

use alloy_primitives::{TxKind, U256};
use revm::context_interface::result::{ExecutionResult, HaltReason, InvalidTransaction};

use super::{CallError, CallRequest, CallSite, Run, refused};

/// What a plain transfer needs.
const TRANSFER_GAS: u64 = 21_000;

/// What a call with value is given on top, and may need to have had (EIP-150).
const CALL_STIPEND: u64 = 2_300;

/// The search ends when its bounds are this close to each other: 1 / 64 of the upper one. An
/// estimate a little too high costs its sender nothing.
const TOLERANCE: u64 = 64;

/// The least gas limit found with which the call succeeds; it has been executed with that limit.
///
/// # Errors
/// [`CallError`]; [`CallError::GasAllowance`] where even the most that is allowed or can be paid
/// for does not do.
pub(crate) fn estimate(site: &CallSite<'_>, request: &CallRequest) -> Result<u64, CallError> {
    let most = allowance(site, request)?;
    if is_transfer(site, request)? && most >= TRANSFER_GAS && tries(site, request, TRANSFER_GAS)? {
        return Ok(TRANSFER_GAS);
    }
    let run = match site.run(request, most)? {
        Ok(run) => run,
        Err(reason) if too_little_gas(&reason) => return Err(CallError::GasAllowance(most)),
        Err(reason) => return Err(refused(reason)),
    };
    let spent = match run.result {
        ExecutionResult::Halt { reason: HaltReason::OutOfGas(_), .. } => {
            return Err(CallError::GasAllowance(most));
        }
        ExecutionResult::Success { gas, .. } => gas.total_gas_spent(),
        _ => return run.into_call().map(|done| done.gas_used),
    };
    search(site, request, spent.saturating_sub(1), most)
}

/// `high` does, `low` does not; narrows them.
fn search(site: &CallSite<'_>, request: &CallRequest, mut low: u64, mut high: u64) -> Result<u64, CallError> {
    // A guess that mostly does: what was spent, the stipend, and the 64th part that calls leave.
    let guess = (low + 1 + CALL_STIPEND).saturating_mul(64) / 63;
    if guess < high {
        if tries(site, request, guess)? {
            high = guess;
        } else {
            low = guess;
        }
    }
    while low + 1 < high && high - low > high / TOLERANCE {
        // Most transactions need little more than they use: do not start in the middle.
        let middle = (low + (high - low) / 2).min(low.saturating_mul(2).max(low + 1));
        if tries(site, request, middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(high)
}

/// Whether the call succeeds with this gas limit.
fn tries(site: &CallSite<'_>, request: &CallRequest, gas: u64) -> Result<bool, CallError> {
    match site.run(request, gas)? {
        Ok(Run { result }) => Ok(result.is_success()),
        Err(reason) if too_little_gas(&reason) => Ok(false),
        Err(reason) => Err(refused(reason)),
    }
}

fn too_little_gas(reason: &InvalidTransaction) -> bool {
    matches!(
        reason,
        InvalidTransaction::CallGasCostMoreThanGasLimit { .. }
            | InvalidTransaction::GasFloorMoreThanGasLimit { .. }
    )
}

fn is_transfer(site: &CallSite<'_>, request: &CallRequest) -> Result<bool, CallError> {
    let TxKind::Call(to) = request.to else {
        return Ok(false);
    };
    let plain =
        request.input.is_empty() && request.access_list.is_empty() && request.authorizations.is_empty();
    if request.overrides.gives_code(&to) {
        return Ok(false);
    }
    Ok(plain && site.world.state(&site.block.hash)?.code(to)?.is_empty())
}

/// The most gas the call may have: asked for, or the block's; what its sender can pay; the cap.
fn allowance(site: &CallSite<'_>, request: &CallRequest) -> Result<u64, CallError> {
    let asked = request.gas.filter(|gas| *gas >= TRANSFER_GAS);
    let mut most = asked.unwrap_or(site.block.header.gas_limit);
    let price = request.gas_price.or(request.max_fee_per_gas).unwrap_or_default();
    if price > 0 {
        let balance = match request.overrides.balance(&request.from) {
            Some(balance) => balance,
            None => {
                let account = site.world.state(&site.block.hash)?.account(request.from)?;
                account.map(|account| account.balance).unwrap_or_default()
            }
        };
        // As Geth has it: whose value leaves nothing for gas cannot pay for the transfer.
        if !request.value.is_zero() && request.value >= balance {
            return Err(CallError::Refused("insufficient funds for transfer".into()));
        }
        let available = balance.saturating_sub(request.value);
        let payable = available / U256::from(price);
        most = most.min(payable.saturating_to());
    }
    Ok(most.min(site.gas_cap))
}
