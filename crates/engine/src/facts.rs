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

#[cfg(test)]
mod tests {
    use alloy_primitives::{Bytes, LogData};

    use super::*;

    fn log(address: Address, event: &RequestPegOut) -> Log {
        Log { address, data: event.encode_log_data() }
    }

    fn event(value: u64) -> RequestPegOut {
        RequestPegOut {
            evmAddress: Address::repeat_byte(7),
            bitcoinAddress: Bytes::from_static(b"bc1q"),
            value: U256::from(value),
        }
    }

    fn receipt(success: bool, logs: Vec<Log>) -> Receipt {
        Receipt { success, logs, ..Receipt::default() }
    }

    /// `constructor-burn`
    #[test]
    fn constructor_burn_the_event_of_any_other_address_is_no_burn() {
        let elsewhere = log(Address::repeat_byte(1), &event(5));
        assert!(burns(&[receipt(true, vec![elsewhere])]).is_empty());
    }

    #[test]
    fn a_burn_is_named_by_its_place_among_all_logs_of_the_block() {
        let other = Log { address: Address::repeat_byte(1), data: LogData::default() };
        let receipts = [
            receipt(true, vec![other.clone(), log(BRIDGE, &event(5))]),
            receipt(true, vec![other]),
            receipt(true, vec![log(BRIDGE, &event(6))]),
        ];
        let found: Vec<_> = burns(&receipts).into_iter().map(|burn| (burn.log_index, burn.value)).collect();
        assert_eq!(found, [(1, U256::from(5)), (3, U256::from(6))]);
        let first = &burns(&receipts)[0];
        assert_eq!((first.burner, &first.bitcoin_address[..]), (Address::repeat_byte(7), &b"bc1q"[..]));
    }

    #[test]
    fn a_failed_transaction_burns_nothing() {
        assert!(burns(&[receipt(false, vec![log(BRIDGE, &event(5))])]).is_empty());
    }

    #[test]
    fn another_log_of_the_bridge_is_no_burn() {
        let topics = vec![alloy_primitives::B256::repeat_byte(1)];
        let strange = Log { address: BRIDGE, data: LogData::new_unchecked(topics, Bytes::new()) };
        let mut cut = log(BRIDGE, &event(5));
        cut.data.data = cut.data.data.slice(..40);
        assert!(burns(&[receipt(true, vec![strange, cut])]).is_empty());
    }
}
