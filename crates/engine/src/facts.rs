//! What consensus learns from an executed block: its burns, their cancellations, fees and gas.
//!
//! A burn is two logs of the bridge, one right after the other in one transaction: `RequestPegOut`, whose form
//! the protocol fixes, and `PegOutTerms` with the id and the bound on the fee. The bridge calls nobody, so
//! nothing can stand between the two; one without the other is not of the bridge's making, and is nothing.

use alloy_consensus::TxReceipt;
use alloy_primitives::{Log, U256};
use alloy_sol_types::{SolEvent, sol};
use alys_primitives::{Burn, Cancellation, ExecutionFacts, spec::BRIDGE};

use crate::chain::ExecutedBlock;
use crate::execute::Receipt;

sol! {
    /// Somebody burned coins to be paid out on Bitcoin.
    event RequestPegOut(address indexed evmAddress, bytes bitcoinAddress, uint256 value);

    /// The rest of the request in the log before.
    event PegOutTerms(uint256 indexed id, uint256 maxFee);

    /// The burner wants the coins of a request back.
    event CancelPegOut(address indexed evmAddress, uint256 indexed id);
}

/// The burns in a block's receipts, in log order: pairs of logs of the bridge in succeeded transactions.
///
/// What cannot be read as a burn is none; the bridge's code emits no such log.
#[must_use]
pub fn burns(receipts: &[Receipt]) -> Vec<Burn> {
    succeeded(receipts)
        .flat_map(|(first, logs)| {
            let pairs = (first..).zip(logs.iter().zip(logs.iter().skip(1)));
            pairs.filter_map(|(index, (request, terms))| burn(index, request, terms))
        })
        .collect()
}

/// The cancellations in a block's receipts, in log order: logs of the bridge in succeeded transactions.
#[must_use]
pub fn cancellations(receipts: &[Receipt]) -> Vec<Cancellation> {
    succeeded(receipts)
        .flat_map(|(first, logs)| (first..).zip(logs).filter_map(|(index, log)| cancellation(index, log)))
        .collect()
}

/// The logs of each succeeded transaction, with the index in the block of its first.
fn succeeded(receipts: &[Receipt]) -> impl Iterator<Item = (u64, &[Log])> {
    let indexed = receipts.iter().scan(0u64, |next, receipt| {
        let first = *next;
        *next += receipt.logs().len() as u64;
        Some((first, receipt))
    });
    // A failed transaction leaves no logs; asked all the same, coins depend on it.
    indexed.filter(|(_, receipt)| receipt.status()).map(|(first, receipt)| (first, receipt.logs()))
}

/// A log as an event of the bridge, in its one encoding. The event of any other address, constructors
/// and delegates included, means nothing.
fn of_bridge<E: SolEvent>(log: &Log) -> Option<E> {
    if log.address != BRIDGE {
        return None;
    }
    let event = E::decode_log_data(&log.data).ok()?;
    (event.encode_log_data() == log.data).then_some(event)
}

/// The bridge counts in 64 bits.
fn id(number: U256) -> Option<u64> {
    number.try_into().ok()
}

fn burn(log_index: u64, request: &Log, terms: &Log) -> Option<Burn> {
    let request: RequestPegOut = of_bridge(request)?;
    let terms: PegOutTerms = of_bridge(terms)?;
    Some(Burn {
        log_index,
        id: id(terms.id)?,
        burner: request.evmAddress,
        bitcoin_address: request.bitcoinAddress,
        value: request.value,
        max_fee: terms.maxFee,
    })
}

fn cancellation(log_index: u64, log: &Log) -> Option<Cancellation> {
    let event: CancelPegOut = of_bridge(log)?;
    Some(Cancellation { log_index, id: id(event.id)?, burner: event.evmAddress })
}

/// The facts that a VALID comes with.
pub(crate) fn consensus_facts(block: &ExecutedBlock) -> ExecutionFacts {
    ExecutionFacts {
        burns: burns(&block.receipts),
        cancellations: cancellations(&block.receipts),
        fees: block.facts.fees,
        gas: block.facts.gas_used,
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256, Bytes, LogData};

    use super::*;

    const BURNER: Address = Address::repeat_byte(7);
    const ELSEWHERE: Address = Address::repeat_byte(1);

    fn log(address: Address, event: &impl SolEvent) -> Log {
        Log { address, data: event.encode_log_data() }
    }

    fn request(address: Address, value: u64) -> Log {
        let bitcoin = Bytes::from_static(b"bc1q");
        let value = U256::from(value);
        log(address, &RequestPegOut { evmAddress: BURNER, bitcoinAddress: bitcoin, value })
    }

    fn terms(address: Address, id: u64) -> Log {
        log(address, &PegOutTerms { id: U256::from(id), maxFee: U256::MAX })
    }

    fn cancel(address: Address, id: U256) -> Log {
        log(address, &CancelPegOut { evmAddress: BURNER, id })
    }

    fn receipt(success: bool, logs: Vec<Log>) -> Receipt {
        Receipt { success, logs, ..Receipt::default() }
    }

    /// How many burns these logs of one transaction are.
    fn count(logs: Vec<Log>) -> usize {
        burns(&[receipt(true, logs)]).len()
    }

    /// `constructor-burn`
    #[test]
    fn constructor_burn_the_event_of_any_other_address_is_no_burn() {
        assert_eq!(count(vec![request(ELSEWHERE, 5), terms(ELSEWHERE, 0)]), 0);
        assert_eq!(count(vec![request(ELSEWHERE, 5), terms(BRIDGE, 0)]), 0);
        assert_eq!(count(vec![request(BRIDGE, 5), terms(ELSEWHERE, 0)]), 0);
        assert!(cancellations(&[receipt(true, vec![cancel(ELSEWHERE, U256::ZERO)])]).is_empty());
    }

    #[test]
    fn a_burn_is_named_by_its_place_among_all_logs_of_the_block() {
        let other = Log { address: ELSEWHERE, data: LogData::default() };
        let receipts = [
            receipt(true, vec![other.clone(), request(BRIDGE, 5), terms(BRIDGE, 8)]),
            receipt(true, vec![other.clone()]),
            receipt(true, vec![request(BRIDGE, 6), terms(BRIDGE, 9), cancel(BRIDGE, U256::from(8))]),
            receipt(true, vec![request(BRIDGE, 7), terms(BRIDGE, 10)]),
        ];
        let found: Vec<_> = burns(&receipts).into_iter().map(|b| (b.log_index, b.id, b.value)).collect();
        assert_eq!(found, [(1, 8, U256::from(5)), (4, 9, U256::from(6)), (7, 10, U256::from(7))]);
        let first = &burns(&receipts)[0];
        assert_eq!((first.burner, &first.bitcoin_address[..]), (BURNER, &b"bc1q"[..]));
        assert_eq!(cancellations(&receipts), [Cancellation { log_index: 6, id: 8, burner: BURNER }]);
    }

    #[test]
    fn a_failed_transaction_burns_and_cancels_nothing() {
        let logs = vec![request(BRIDGE, 5), terms(BRIDGE, 0), cancel(BRIDGE, U256::ZERO)];
        assert_eq!(burns(&[receipt(true, logs.clone())]).len(), 1);
        assert!(burns(&[receipt(false, logs.clone())]).is_empty());
        assert_eq!(cancellations(&[receipt(true, logs.clone())]).len(), 1);
        assert!(cancellations(&[receipt(false, logs)]).is_empty());
    }

    #[test]
    fn a_pair_torn_apart_is_no_burn() {
        let between = Log { address: ELSEWHERE, data: LogData::default() };
        assert_eq!(count(vec![request(BRIDGE, 5)]), 0);
        assert_eq!(count(vec![terms(BRIDGE, 0)]), 0);
        assert_eq!(count(vec![terms(BRIDGE, 0), request(BRIDGE, 5)]), 0);
        assert_eq!(count(vec![request(BRIDGE, 5), between, terms(BRIDGE, 0)]), 0);
        // Not over the border of two transactions either.
        let receipts = [receipt(true, vec![request(BRIDGE, 5)]), receipt(true, vec![terms(BRIDGE, 0)])];
        assert!(burns(&receipts).is_empty());
        // The second of two requests has terms, the first has none.
        assert_eq!(
            count(vec![request(BRIDGE, 5), request(BRIDGE, 6), terms(BRIDGE, 0), terms(BRIDGE, 1)]),
            1
        );
    }

    #[test]
    fn another_log_of_the_bridge_is_no_burn_and_no_cancellation() {
        let topics = vec![B256::repeat_byte(1)];
        let strange = Log { address: BRIDGE, data: LogData::new_unchecked(topics, Bytes::new()) };
        let mut cut = request(BRIDGE, 5);
        cut.data.data = cut.data.data.slice(..40);
        let mut longer = request(BRIDGE, 5);
        longer.data.data = [&longer.data.data[..], &[0; 32]].concat().into();
        for first in [strange.clone(), cut, longer] {
            assert_eq!(count(vec![first, terms(BRIDGE, 0)]), 0);
        }
        let beyond = U256::from(u64::MAX) + U256::ONE;
        let high = log(BRIDGE, &PegOutTerms { id: beyond, maxFee: U256::ZERO });
        assert_eq!(count(vec![request(BRIDGE, 5), high]), 0);
        assert!(cancellations(&[receipt(true, vec![strange, cancel(BRIDGE, beyond)])]).is_empty());
    }
}
