//! What a header must be, given its parent's: Ethereum's rules and the chain's own.

use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy_eips::eip1559::{BaseFeeParams, calc_next_block_base_fee};
use alloy_primitives::U256;
use revm::primitives::hardfork::SpecId;

use super::InvalidPayload;
use crate::config::Rules;

/// The most extra data a header may carry, in bytes (Yellow Paper, 4.3.4).
const MAX_EXTRA_DATA: usize = 32;

/// The least gas limit a block may have (Yellow Paper, 4.3.4).
const MIN_GAS_LIMIT: u64 = 5_000;

/// A gas limit moves by less than the parent's divided by this (Yellow Paper, 4.3.4).
const GAS_LIMIT_BOUND: u64 = 1_024;

/// The base fee after `parent`, in wei (EIP-1559).
pub(crate) fn next_base_fee(parent: &Header) -> u64 {
    calc_next_block_base_fee(
        parent.gas_used,
        parent.gas_limit,
        parent.base_fee_per_gas.unwrap_or_default(),
        BaseFeeParams::ethereum(),
    )
}

/// The excess blob gas after `parent`; always 0 without blobs.
pub(crate) fn next_excess_blob_gas(rules: &Rules, parent: &Header) -> u64 {
    let total =
        parent.excess_blob_gas.unwrap_or_default().saturating_add(parent.blob_gas_used.unwrap_or_default());
    total.saturating_sub(rules.forks.blobs.target_blob_gas_per_block())
}

/// Checks all of `header` that does not need the block to be executed.
pub(crate) fn check_against_parent(
    rules: &Rules,
    header: &Header,
    parent: &Header,
) -> Result<(), InvalidPayload> {
    check_fixed_fields(header)?;
    check_fork_fields(rules, header)?;
    if header.extra_data.len() > MAX_EXTRA_DATA {
        return Err(InvalidPayload::ExtraData(header.extra_data.len()));
    }
    let expected = parent.number.saturating_add(1);
    if header.number != expected {
        return Err(InvalidPayload::Height { found: header.number, expected });
    }
    if header.timestamp <= parent.timestamp {
        let (found, parent) = (header.timestamp, parent.timestamp);
        return Err(InvalidPayload::Timestamp { found, parent });
    }
    check_gas(rules, header, parent)?;
    let expected = next_base_fee(parent);
    if header.base_fee_per_gas != Some(expected) {
        let found = U256::from(header.base_fee_per_gas.unwrap_or_default());
        return Err(InvalidPayload::BaseFee { found, expected });
    }
    if let Some(found) = header.excess_blob_gas {
        let expected = next_excess_blob_gas(rules, parent);
        if found != expected {
            return Err(InvalidPayload::ExcessBlobGas { found, expected });
        }
    }
    Ok(())
}

fn check_gas(rules: &Rules, header: &Header, parent: &Header) -> Result<(), InvalidPayload> {
    let (found, old) = (header.gas_limit, parent.gas_limit);
    if let Some(expected) = rules.gas_limit
        && found != expected
    {
        return Err(InvalidPayload::GasLimit { found, expected });
    }
    if found.abs_diff(old) >= old / GAS_LIMIT_BOUND && found != old || found < MIN_GAS_LIMIT {
        return Err(InvalidPayload::GasLimitBound { found, parent: old });
    }
    if header.gas_used > found {
        return Err(InvalidPayload::GasUsedAboveLimit { used: header.gas_used, limit: found });
    }
    Ok(())
}

/// EIP-3675.
fn check_fixed_fields(header: &Header) -> Result<(), InvalidPayload> {
    if header.ommers_hash != EMPTY_OMMER_ROOT_HASH {
        return Err(InvalidPayload::FixedField("ommers_hash"));
    }
    if !header.difficulty.is_zero() {
        return Err(InvalidPayload::FixedField("difficulty"));
    }
    if !header.nonce.is_zero() {
        return Err(InvalidPayload::FixedField("nonce"));
    }
    Ok(())
}

fn check_fork_fields(rules: &Rules, header: &Header) -> Result<(), InvalidPayload> {
    let spec = rules.forks.spec_at(header.timestamp);
    let (cancun, prague) = (spec.is_enabled_in(SpecId::CANCUN), spec.is_enabled_in(SpecId::PRAGUE));
    let fields = [
        ("base_fee_per_gas", header.base_fee_per_gas.is_some(), true),
        ("withdrawals_root", header.withdrawals_root.is_some(), true),
        ("blob_gas_used", header.blob_gas_used.is_some(), cancun),
        ("excess_blob_gas", header.excess_blob_gas.is_some(), cancun),
        ("parent_beacon_block_root", header.parent_beacon_block_root.is_some(), cancun),
        ("requests_hash", header.requests_hash.is_some(), prague),
        ("block_access_list_hash", header.block_access_list_hash.is_some(), false),
        ("slot_number", header.slot_number.is_some(), false),
    ];
    for (name, there, expected) in fields {
        if there != expected {
            return Err(InvalidPayload::ForkField(name));
        }
    }
    Ok(())
}
