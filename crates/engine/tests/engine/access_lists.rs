//! What a transaction touches (EIP-2930).

use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address};
use alys_engine::{BlockId, CallError, CallRequest, Touched};

use crate::common::{Engine, FEE_SINK, LOADER, REVERTER, STORE, engine, genesis_with, signer};

const STRANGER: Address = Address::repeat_byte(0x77);

fn touched(engine: &Engine, request: &CallRequest) -> Touched {
    engine.reads().access_list_until(BlockId::Head, request, &|| false).unwrap()
}

/// Addresses, and the slots of each as numbers.
fn listed(touched: &Touched) -> Vec<(Address, Vec<u64>)> {
    let slots = |keys: &[B256]| keys.iter().map(|key| U256::from_be_bytes(key.0).to()).collect();
    touched.access_list.0.iter().map(|item| (item.address, slots(&item.storage_keys))).collect()
}

/// `PUSH20 of address`, then the opcode and a `POP`.
fn of(opcode: u8, address: Address) -> Vec<u8> {
    [&[0x73], address.as_slice(), &[opcode, 0x50]].concat()
}

/// A `STATICCALL` with a word of memory, which is `slot`.
fn calls(address: Address, slot: u8) -> Vec<u8> {
    let store = [0x60, slot, 0x60, 0, 0x52];
    let call =
        [&[0x60, 0, 0x60, 0, 0x60, 0x20, 0x60, 0, 0x73], address.as_slice(), &[0x5a, 0xfa, 0x50]].concat();
    [store.to_vec(), call].concat()
}

fn create(code: Vec<u8>) -> CallRequest {
    CallRequest { from: signer(0).address(), input: code.into(), ..CallRequest::default() }
}

#[test]
fn the_receiver_is_listed_with_its_slots_and_a_transfer_touches_nothing_more() {
    let engine = engine(&genesis_with(1, true));
    let input = Bytes::from([[0; 31].as_slice(), &[9], &[0; 32]].concat());
    let call =
        CallRequest { from: signer(0).address(), to: TxKind::Call(STORE), input, ..Default::default() };
    let found = touched(&engine, &call);
    assert_eq!(listed(&found), [(STORE, vec![9])]);
    // The list is one with which the transaction goes as it says.
    let with = CallRequest { access_list: found.access_list.clone(), ..call };
    assert_eq!(engine.reads().call(BlockId::Head, &with).unwrap().gas_used, found.gas_used);
    assert_eq!(touched(&engine, &with), found, "and touches no more than it");

    let transfer = CallRequest { to: TxKind::Call(STRANGER), ..with };
    let transfer = CallRequest { access_list: Default::default(), input: Bytes::new(), ..transfer };
    let found = touched(&engine, &transfer);
    assert_eq!((listed(&found), found.gas_used, found.fault), (vec![], 21_000, None));
}

#[test]
fn accounts_are_listed_that_opcodes_touch_and_those_that_are_warm_are_not() {
    let engine = engine(&genesis_with(1, true));
    let sender = signer(0).address();
    let precompile = address!("0000000000000000000000000000000000000002");
    let code = [
        of(0x31, STRANGER),   // BALANCE
        of(0x31, sender),     // BALANCE
        of(0x31, precompile), // BALANCE
        of(0x3b, FEE_SINK),   // EXTCODESIZE
        of(0x3f, REVERTER),   // EXTCODEHASH
        calls(LOADER, 1),
        calls(precompile, 0),
        vec![0x60, 3, 0x54, 0x50, 0x00], // SLOAD of the new contract's slot 3, STOP
    ];
    let found = touched(&engine, &create(code.concat()));
    assert_eq!(found.fault, None);
    let mut expected = vec![
        (STRANGER, vec![]),
        (FEE_SINK, vec![]),
        (REVERTER, vec![]),
        (LOADER, vec![1]),
        (sender.create(0), vec![3]),
    ];
    expected.sort();
    assert_eq!(listed(&found), expected);
}

#[test]
fn one_that_fails_has_a_list_of_what_it_touched_and_the_reason() {
    let engine = engine(&genesis_with(1, true));
    for (end, reason) in
        [(vec![0x5f, 0x5f, 0xfd], "execution reverted"), (vec![0xfe], "invalid opcode: INVALID")]
    {
        let found = touched(&engine, &create([of(0x31, STRANGER), end].concat()));
        assert_eq!((listed(&found), found.fault.as_deref()), (vec![(STRANGER, vec![])], Some(reason)));
    }
}

#[test]
fn what_is_touched_only_with_other_gas_costs_is_found_by_another_run() {
    let engine = engine(&genesis_with(1, true));
    // What SLOAD(1) cost is compared with 200: less where it was warm, and then the balance is asked for.
    let code = [
        vec![0x5a, 0x60, 1, 0x54, 0x50, 0x5a, 0x90, 0x03], // GAS, SLOAD(1), POP, GAS, SWAP1, SUB
        vec![0x60, 200, 0x11, 0x15, 0x60, 37, 0x57],       // PUSH 200, GT, ISZERO, JUMPI to the end
        of(0x31, STRANGER)[..22].to_vec(),                 // PUSH20, BALANCE
        vec![0x5b, 0x00],                                  // JUMPDEST, STOP
    ];
    let found = touched(&engine, &create(code.concat()));
    let contract = signer(0).address().create(0);
    let mut expected = vec![(contract, vec![1]), (STRANGER, vec![])];
    expected.sort();
    assert_eq!((listed(&found), found.fault), (expected, None));
}

#[test]
fn a_search_for_a_list_ends_where_its_asker_says_so() {
    let engine = engine(&genesis_with(1, true));
    // JUMPDEST PUSH1 0 JUMP
    let endless = create(vec![0x5b, 0x60, 0x00, 0x56]);
    let looked = std::cell::Cell::new(0);
    let stop = || {
        looked.set(looked.get() + 1);
        looked.get() > 3
    };
    let error = engine.reads().access_list_until(BlockId::Head, &endless, &stop).unwrap_err();
    assert!(matches!(error, CallError::Stopped), "{error}");
}
