//! Contracts that stand in the genesis, each for one thing that transactions do with them.
//!
//! Words of call data are named `in[0]`, `in[1]`, …

use alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS;
use alloy_eips::eip4788::BEACON_ROOTS_ADDRESS;
use alloy_primitives::{Address, Bytes, address};
use revm::bytecode::opcode as op;

use crate::asm::Asm;

/// Writes pairs: slot `in[2i]` becomes `in[2i+1]`.
pub const STORE: Address = address!("5700000000000000000000000000000000000001");
/// Emits `in[0]` logs of `in[1]` bytes, with 0 to 4 topics in turn.
pub const LOGGER: Address = address!("1060000000000000000000000000000000000002");
/// `CREATE2` with salt `in[0]` of the init code behind it; logs the address.
pub const FACTORY2: Address = address!("fac2000000000000000000000000000000000003");
/// `CREATE` of the init code in the call data; logs the address.
pub const FACTORY: Address = address!("fac1000000000000000000000000000000000004");
/// Calls `in[0]` with what is behind it and the value sent; logs success, return data and gas.
pub const CALLER: Address = address!("ca11000000000000000000000000000000000005");
/// Runs the code of `in[0]` as its own; logs success.
pub const PROXY: Address = address!("de1e000000000000000000000000000000000006");
/// Destroys itself in favour of `in[0]`. It was not made in the same transaction, so only its coins go (EIP-6780).
pub const DESTROYER: Address = address!("de57000000000000000000000000000000000007");
/// Logs the hash of block `in[0]`, by opcode and by the history contract, and the beacon root at `in[1]`.
pub const HISTORIAN: Address = address!("4157000000000000000000000000000000000008");
/// Calls itself until the gas is gone, counting in transient storage; writes the depth to slot 0.
pub const RECURSIVE: Address = address!("4ec4000000000000000000000000000000000009");
/// Reverts with its call data.
pub const REVERTER: Address = address!("4e4e00000000000000000000000000000000000a");
/// Burns gas: `in[0]` rounds of hashing, the result to slot 0.
pub const BURNER: Address = address!("b04e00000000000000000000000000000000000b");
/// A guard in transient storage: calls its caller back, which must not come in again (EIP-1153).
pub const GUARD: Address = address!("904d00000000000000000000000000000000000c");

/// All of them, with their code.
#[must_use]
pub fn all() -> Vec<(Address, Bytes)> {
    vec![
        (STORE, store()),
        (LOGGER, logger()),
        (FACTORY2, factory(true)),
        (FACTORY, factory(false)),
        (CALLER, caller()),
        (PROXY, proxy()),
        (DESTROYER, destroyer()),
        (HISTORIAN, historian()),
        (RECURSIVE, recursive()),
        (REVERTER, reverter()),
        (BURNER, burner()),
        (GUARD, guard()),
    ]
}

/// Pushes `in[index]`.
fn word(asm: &mut Asm, index: u64) {
    asm.push(index * 32).op(op::CALLDATALOAD);
}

/// Logs the word on the stack, without topics.
fn log_word(asm: &mut Asm) {
    asm.ops(&[op::PUSH0, op::MSTORE]).push(32u64).ops(&[op::PUSH0, op::LOG0]);
}

/// Copies the call data from `skip` on to memory 0; leaves its length on the stack.
fn load_rest(asm: &mut Asm, skip: u64) {
    asm.push(skip).ops(&[op::CALLDATASIZE, op::SUB]);
    asm.op(op::DUP1).push(skip).ops(&[op::PUSH0, op::CALLDATACOPY]);
}

fn store() -> Bytes {
    let mut asm = Asm::new();
    let (top, end) = (asm.label(), asm.label());
    asm.op(op::PUSH0).place(top);
    // The place in the call data is on the stack: at its end?
    asm.ops(&[op::CALLDATASIZE, op::DUP2, op::LT, op::ISZERO]).push_label(end).op(op::JUMPI);
    asm.op(op::DUP1).push(32u64).ops(&[op::ADD, op::CALLDATALOAD]);
    asm.ops(&[op::DUP2, op::CALLDATALOAD, op::SSTORE]);
    asm.push(64u64).op(op::ADD).push_label(top).op(op::JUMP);
    asm.place(end).op(op::STOP);
    asm.finish()
}

fn logger() -> Bytes {
    let mut asm = Asm::new();
    let (top, end) = (asm.label(), asm.label());
    word(&mut asm, 0);
    asm.place(top).ops(&[op::DUP1, op::ISZERO]).push_label(end).op(op::JUMPI);
    for topics in 0..5u8 {
        // Topics: the counter itself, again and again; data: memory as it stands.
        (0..topics).for_each(|at| {
            asm.op(op::DUP1 + at);
        });
        word(&mut asm, 1);
        asm.op(op::PUSH0).op(op::LOG0 + topics);
        asm.ops(&[op::DUP1, op::PUSH0, op::MSTORE]);
    }
    asm.push(1u64).ops(&[op::SWAP1, op::SUB]).push_label(top).op(op::JUMP);
    asm.place(end).op(op::STOP);
    asm.finish()
}

fn factory(second: bool) -> Bytes {
    let mut asm = Asm::new();
    if second {
        word(&mut asm, 0);
        load_rest(&mut asm, 32);
        asm.ops(&[op::PUSH0, op::CALLVALUE, op::CREATE2]);
    } else {
        load_rest(&mut asm, 0);
        asm.ops(&[op::PUSH0, op::CALLVALUE, op::CREATE]);
    }
    log_word(&mut asm);
    asm.finish()
}

fn caller() -> Bytes {
    let mut asm = Asm::new();
    // Output nowhere; [.., 0, 0, length, 0, value, address, gas].
    asm.ops(&[op::PUSH0, op::PUSH0]);
    load_rest(&mut asm, 32);
    asm.ops(&[op::PUSH0, op::CALLVALUE]);
    word(&mut asm, 0);
    asm.ops(&[op::GAS, op::CALL]);
    // Return data behind the success, then the gas that is left.
    asm.ops(&[op::PUSH0, op::MSTORE]);
    asm.ops(&[op::RETURNDATASIZE, op::PUSH0]).push(32u64).op(op::RETURNDATACOPY);
    asm.op(op::GAS).push(32u64).ops(&[op::RETURNDATASIZE, op::ADD, op::PUSH0, op::LOG1]);
    asm.finish()
}

fn proxy() -> Bytes {
    let mut asm = Asm::new();
    asm.ops(&[op::PUSH0, op::PUSH0]);
    load_rest(&mut asm, 32);
    asm.op(op::PUSH0);
    word(&mut asm, 0);
    asm.ops(&[op::GAS, op::DELEGATECALL]);
    log_word(&mut asm);
    asm.finish()
}

fn destroyer() -> Bytes {
    let mut asm = Asm::new();
    word(&mut asm, 0);
    asm.op(op::SELFDESTRUCT);
    asm.finish()
}

fn historian() -> Bytes {
    let mut asm = Asm::new();
    word(&mut asm, 0);
    asm.op(op::BLOCKHASH);
    log_word(&mut asm);
    for (contract, index) in [(HISTORY_STORAGE_ADDRESS, 0), (BEACON_ROOTS_ADDRESS, 1)] {
        word(&mut asm, index);
        asm.ops(&[op::PUSH0, op::MSTORE]);
        // The answer lands behind the question; without one it stays as it was.
        asm.push(32u64).push(32u64).push(32u64).op(op::PUSH0).push_address(contract);
        asm.ops(&[op::GAS, op::STATICCALL]);
        asm.push(64u64).op(op::PUSH0).op(op::LOG1);
    }
    asm.finish()
}

fn recursive() -> Bytes {
    let mut asm = Asm::new();
    // Depth + 1, in transient storage.
    asm.ops(&[op::PUSH0, op::TLOAD]).push(1u64).ops(&[op::ADD, op::PUSH0, op::TSTORE]);
    asm.ops(&[
        op::PUSH0,
        op::PUSH0,
        op::PUSH0,
        op::PUSH0,
        op::PUSH0,
        op::ADDRESS,
        op::GAS,
        op::CALL,
        op::POP,
    ]);
    asm.ops(&[op::PUSH0, op::TLOAD, op::PUSH0, op::SSTORE]);
    asm.finish()
}

fn reverter() -> Bytes {
    let mut asm = Asm::new();
    load_rest(&mut asm, 0);
    asm.ops(&[op::PUSH0, op::REVERT]);
    asm.finish()
}

fn burner() -> Bytes {
    let mut asm = Asm::new();
    let (top, end) = (asm.label(), asm.label());
    word(&mut asm, 0);
    asm.place(top).ops(&[op::DUP1, op::ISZERO]).push_label(end).op(op::JUMPI);
    asm.push(64u64).ops(&[op::PUSH0, op::KECCAK256, op::PUSH0, op::MSTORE]);
    asm.push(1u64).ops(&[op::SWAP1, op::SUB]).push_label(top).op(op::JUMP);
    asm.place(end).ops(&[op::PUSH0, op::MLOAD, op::PUSH0, op::SSTORE]);
    asm.finish()
}

fn guard() -> Bytes {
    let mut asm = Asm::new();
    let free = asm.label();
    asm.ops(&[op::PUSH0, op::TLOAD, op::ISZERO]).push_label(free).op(op::JUMPI);
    asm.ops(&[op::PUSH0, op::PUSH0, op::REVERT]);
    asm.place(free).push(1u64).ops(&[op::PUSH0, op::TSTORE]);
    asm.ops(&[op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0, op::CALLER, op::GAS, op::CALL]);
    log_word(&mut asm);
    asm.ops(&[op::PUSH0, op::PUSH0, op::TSTORE]);
    asm.finish()
}
