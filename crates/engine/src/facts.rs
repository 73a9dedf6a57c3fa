//! What consensus learns from an executed block: its burns, fees and gas.

use alloy_consensus::TxReceipt;
use alloy_primitives::{Address, Log, U256, address};
use alloy_sol_types::{SolEvent, sol};
use alys_primitives::{Burn, ExecutionFacts};

use crate::chain::ExecutedBlock;
use crate::execute::Receipt;

/// The bridge's account. Only its logs are burns: an event of the same name from any other address,
/// constructors included, means nothing.
pub const BRIDGE: Address = address!("bBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB");

sol! {
    /// Somebody burned coins to be paid out on Bitcoin.
    event RequestPegOut(address indexed evmAddress, bytes bitcoinAddress, uint256 value);
}

/// The burns in a block's receipts, in log order: logs of the bridge in succeeded transactions.
///
/// A log of the bridge that cannot be read as a burn is none; the bridge's code emits no such log.
#[must_use]
pub fn burns(receipts: &[Receipt]) -> Vec<Burn> {
    let logs = receipts.iter().flat_map(|receipt| {
        // A failed transaction leaves no logs; asked all the same, coins depend on it.
        let success = receipt.status();
        receipt.logs().iter().map(move |log| (success, log))
    });
    (0u64..)
        .zip(logs)
        .filter(|(_, (success, log))| *success && log.address == BRIDGE)
        .filter_map(|(index, (_, log))| burn(index, log))
        .collect()
}

fn burn(log_index: u64, log: &Log) -> Option<Burn> {
    let event = RequestPegOut::decode_log(log).ok()?;
    Some(Burn {
        log_index,
        burner: event.evmAddress,
        bitcoin_address: event.bitcoinAddress.clone(),
        value: event.value,
        max_fee: U256::MAX,
    })
}

/// The facts that a VALID comes with.
pub(crate) fn consensus_facts(block: &ExecutedBlock) -> ExecutionFacts {
    ExecutionFacts { burns: burns(&block.receipts), fees: block.facts.fees, gas: block.facts.gas_used }
}
