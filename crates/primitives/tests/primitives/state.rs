//! The peg state moves by one function, the same for proposer and verifier.

use alys_primitives::{
    Address, Body, Burn, Bytes, ExecutionFacts, PegState, U256,
    peg::{Deposit, Settlement},
    state::StateError,
    withdrawals::{Credit, expected_withdrawals},
};
use proptest::prelude::*;
use ssz_types::VariableList;

#[test]
fn fees_and_burns_of_the_parent_enter_the_state_to_the_wei() {
    let burn = Burn {
        log_index: 3,
        id: 0,
        burner: Address::ZERO,
        bitcoin_address: Bytes::new(),
        value: U256::from(10),
        max_fee: U256::MAX,
    };
    let facts = ExecutionFacts {
        burns: vec![burn.clone(), burn],
        cancellations: Vec::new(),
        fees: U256::from(7),
        gas: 21_000,
    };
    let next = PegState::default().next(&facts, &Body::default(), 64).unwrap();
    assert_eq!((next.fee_pot, next.burned), (U256::from(7), U256::from(20)));
    let again = next.next(&facts, &Body::default(), 64).unwrap();
    assert_eq!((again.fee_pot, again.burned), (U256::from(14), U256::from(40)));
    assert_ne!(again.root(), next.root());
}

#[test]
fn items_whose_rules_are_not_in_force_make_a_block_invalid_by_name() {
    let facts = ExecutionFacts::default();
    let body = Body { deposits: VariableList::new(vec![Deposit::default()]).unwrap(), ..Body::default() };
    let error = PegState::default().next(&facts, &body, 64).unwrap_err();
    assert_eq!(error, StateError::NotInForce("deposits"));
    let body =
        Body { settlements: VariableList::new(vec![Settlement::default()]).unwrap(), ..Body::default() };
    let error = PegState::default().next(&facts, &body, 64).unwrap_err();
    assert_eq!(error, StateError::NotInForce("settlements"));
}

#[test]
fn sums_out_of_range_are_errors_not_panics() {
    let full = PegState { fee_pot: U256::MAX, ..PegState::default() };
    let facts = ExecutionFacts { fees: U256::ONE, ..ExecutionFacts::default() };
    assert!(matches!(full.next(&facts, &Body::default(), 64), Err(StateError::Overflow(_))));
    let full = PegState { next_withdrawal: u64::MAX, deposits_due: due(&[1]), ..PegState::default() };
    let facts = ExecutionFacts::default();
    assert!(matches!(full.next(&facts, &Body::default(), 64), Err(StateError::Overflow(_))));
}

fn due<N: ssz_types::typenum::Unsigned>(amounts: &[u64]) -> VariableList<Credit, N> {
    let credit =
        |(at, gwei): (usize, &u64)| Credit { address: Address::with_last_byte(at as u8), gwei: *gwei };
    VariableList::new(amounts.iter().enumerate().map(credit).collect()).unwrap()
}

proptest! {
    #[test]
    fn what_a_payload_pays_is_what_leaves_the_state(
        deposits in prop::collection::vec(1u64..100, 0..80),
        remints in prop::collection::vec(1u64..100, 0..80),
        max in 18usize..70,
    ) {
        let state = PegState { deposits_due: due(&deposits), remints_due: due(&remints), ..PegState::default() };
        let body = Body::default();
        let paid = expected_withdrawals(&state, &body, max);
        let next = state.next(&ExecutionFacts::default(), &body, max).unwrap();
        let sum = |s: &PegState| s.deposits_due.iter().chain(&s.remints_due).map(|c| c.gwei).sum::<u64>();
        let out: u64 = paid.withdrawals.iter().map(|w| w.amount).sum();
        prop_assert_eq!(sum(&state), sum(&next) + out);
        prop_assert_eq!(next.next_withdrawal, paid.withdrawals.len() as u64);
        prop_assert_eq!(PegState::decode(&next.encode()).unwrap(), next);
    }
}
