//! A token's `transfer`, by hand: what benches load nodes with without a compiler.
//!
//! Two loads, two stores, a log. Balances are a mapping at slot 0.

use alloy_primitives::{Address, B256, Bytes, hex, keccak256};

/// The deployed code: `transfer(address,uint256)` with a check of the balance and its event. It answers to any
/// other selector as if it were that one.
#[must_use]
pub fn code() -> Bytes {
    let event = keccak256("Transfer(address,address,uint256)");
    let mut code = hex!("602435 33600052 6040600020 80 54 82 81 10").to_vec();
    code.extend(hex!("60 00 57")); // JUMPI to the revert; its place is filled in below
    let fail_at = code.len() - 2;
    code.extend(hex!("82 90 03 90 55"));
    code.extend(hex!("600435 600052 6040600020 80 54 82 01 90 55"));
    code.extend(hex!("80 600052 600435 33 7f"));
    code.extend(event.as_slice());
    code.extend(hex!("6020 6000 a3 6001 600052 6020 6000 f3"));
    code[fail_at] = u8::try_from(code.len()).expect("it is short");
    code.extend(hex!("5b 6000 6000 fd"));
    code.into()
}

/// Creation code of a token in which each of `owners`, at most some hundreds, has coins.
#[must_use]
pub fn creation(owners: impl IntoIterator<Item = Address>) -> Bytes {
    let mut creation = Vec::new();
    for owner in owners {
        // PUSH4 balance, PUSH32 slot, SSTORE
        creation.extend(hex!("63 7fffffff 7f"));
        creation.extend(balance_slot(owner).as_slice());
        creation.push(0x55);
    }
    let code = code();
    let at = u16::try_from(creation.len() + 14).expect("it fits into a contract").to_be_bytes();
    let length = u8::try_from(code.len()).expect("it is short");
    // PUSH1 length, PUSH2 at, PUSH1 0, CODECOPY, PUSH1 length, PUSH1 0, RETURN
    creation.extend([0x60, length, 0x61, at[0], at[1], 0x60, 0x00, 0x39, 0x60, length, 0x60, 0x00, 0xf3]);
    creation.push(0x00);
    creation.extend(code);
    creation.into()
}

/// Where the balance of `owner` is stored.
#[must_use]
pub fn balance_slot(owner: Address) -> B256 {
    keccak256([owner.into_word().as_slice(), B256::ZERO.as_slice()].concat())
}

/// The call that sends one unit to `to`.
#[must_use]
pub fn transfer_call(to: Address) -> Bytes {
    let amount = B256::with_last_byte(1);
    [&hex!("a9059cbb")[..], to.into_word().as_slice(), amount.as_slice()].concat().into()
}
