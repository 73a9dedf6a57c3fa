//! Random programs: code that runs most of the time, touches every opcode, and shows what it saw.
//!
//! A program is a row of statements that leave the stack as they found it. Whatever a statement
//! learns (the result of an addition, the gas left, the success of a call) goes into the
//! *accumulator*, the word at memory 0, which ends in storage, logs or return data; so that any
//! difference between two clients ends in a root.
//!
//! Memory: the accumulator at 0, scratch up to 0x200, data of calls and creations above.

use alloy_primitives::{Address, B256, Bytes, U256};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use revm::bytecode::opcode as op;

use crate::asm::{Asm, deployer};
use crate::inputs::Inputs;
use crate::pick;

/// Where scratch memory ends and the data of calls begins, in bytes.
const SCRATCH: usize = 0x200;

/// How many storage slots programs share: few, so that they are written again and again.
const SLOTS: u64 = 12;

/// Opcodes that take two words and give one.
const BINARY: &[u8] = &[
    op::ADD,
    op::MUL,
    op::SUB,
    op::DIV,
    op::SDIV,
    op::MOD,
    op::SMOD,
    op::EXP,
    op::SIGNEXTEND,
    op::LT,
    op::GT,
    op::SLT,
    op::SGT,
    op::EQ,
    op::AND,
    op::OR,
    op::XOR,
    op::BYTE,
    op::SHL,
    op::SHR,
    op::SAR,
];

/// Opcodes that take nothing and give one word.
const SOURCES: &[u8] = &[
    op::ADDRESS,
    op::ORIGIN,
    op::CALLER,
    op::CALLVALUE,
    op::CALLDATASIZE,
    op::CODESIZE,
    op::GASPRICE,
    op::RETURNDATASIZE,
    op::COINBASE,
    op::TIMESTAMP,
    op::NUMBER,
    op::DIFFICULTY,
    op::GASLIMIT,
    op::CHAINID,
    op::SELFBALANCE,
    op::BASEFEE,
    op::BLOBBASEFEE,
    op::PC,
    op::MSIZE,
    op::GAS,
];

/// Bytes that are no opcodes in Prague: some were never, some become ones later (0x1e is `CLZ` in
/// Osaka, 0xe0 to 0xef were meant for EOF).
const UNASSIGNED: &[u8] =
    &[0x0c, 0x0f, 0x1e, 0x1f, 0x21, 0x2f, 0x4b, 0xa5, 0xb0, 0xd0, 0xe0, 0xec, 0xef, 0xf6, 0xfb];

/// What a program may name.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    /// Accounts: contracts, keys, some that do not exist.
    pub accounts: &'a [Address],
    /// Inputs of precompiles.
    pub inputs: &'a Inputs,
    /// How many levels of code inside code are left.
    pub depth: u8,
}

impl Scope<'_> {
    fn account(&self, rng: &mut ChaCha8Rng) -> Address {
        if self.accounts.is_empty() || rng.random_bool(0.05) {
            return Address::from_slice(&rng.random::<[u8; 20]>());
        }
        *pick(rng, self.accounts)
    }

    fn deeper(&self) -> Self {
        Self { depth: self.depth.saturating_sub(1), ..self.clone() }
    }
}

/// A random program.
#[must_use]
pub fn program(rng: &mut ChaCha8Rng, scope: &Scope<'_>) -> Bytes {
    let mut asm = Asm::new();
    let statements = rng.random_range(2..if scope.depth > 1 { 14 } else { 7 });
    for _ in 0..statements {
        statement(&mut asm, rng, scope);
    }
    end(&mut asm, rng, scope);
    asm.finish()
}

/// Init code: mostly what leaves a random program behind, sometimes something worse.
#[must_use]
pub fn init_code(rng: &mut ChaCha8Rng, scope: &Scope<'_>) -> Bytes {
    let inner = scope.deeper();
    match rng.random_range(0..20) {
        // A program run as init code: what it returns becomes code.
        0..3 => program(rng, &inner),
        // A constructor that does something first.
        3..6 => {
            let runtime = program(rng, &inner);
            let mut asm = Asm::new();
            statement(&mut asm, rng, &inner);
            asm.copy_data(runtime.clone(), 0);
            asm.push_usize(runtime.len()).ops(&[op::PUSH0, op::RETURN]);
            asm.finish()
        }
        // Destroys itself while it is made.
        6 => {
            let mut asm = Asm::new();
            asm.push(1u64).push(rng.random_range(0..SLOTS)).op(op::SSTORE);
            asm.push_address(scope.account(rng)).op(op::SELFDESTRUCT);
            asm.finish()
        }
        // Code that begins with 0xef is refused (EIP-3541).
        7 => deployer(Bytes::from_static(&[0xef, 0x01, 0x00])),
        // One byte more than EIP-170 allows, which costs 4.9 million gas to find out.
        8 if rng.random_bool(0.2) => {
            let mut asm = Asm::new();
            asm.push(24_577u64 - rng.random_range(0..2)).ops(&[op::PUSH0, op::RETURN]);
            asm.finish()
        }
        // No code at all.
        9 => Bytes::new(),
        // A contract that destroys itself when called.
        10..12 => {
            let mut asm = Asm::new();
            asm.op(op::CALLER).op(op::SELFDESTRUCT);
            deployer(asm.finish())
        }
        _ => deployer(program(rng, &inner)),
    }
}

/// Adds the word on the stack to the accumulator.
fn keep(asm: &mut Asm) {
    asm.ops(&[op::PUSH0, op::MLOAD]).push(3u64).ops(&[op::MUL, op::ADD, op::PUSH0, op::MSTORE]);
}

/// Pushes a word worth computing with.
fn operand(asm: &mut Asm, rng: &mut ChaCha8Rng) {
    match rng.random_range(0..10) {
        0 => asm.push(rng.random_range(0..4u64)),
        1 => asm.push(rng.random_range(0..1024u64)),
        2 => asm.push(U256::from(1) << rng.random_range(0..256usize)),
        3 => asm.push((U256::from(1) << rng.random_range(0..256usize)) - U256::from(1)),
        4 => asm.push(U256::MAX),
        // The least signed number, and others with the sign bit.
        5 => asm.push((U256::from(1) << 255) | U256::from(rng.random_range(0..2u64))),
        6 => asm.push_bytes(&rng.random::<[u8; 32]>()),
        7 => {
            // Any width, so that every PUSH is used.
            let bytes: [u8; 32] = rng.random();
            let width = rng.random_range(0..=32);
            asm.push_bytes(&bytes[..width])
        }
        8 => asm.push(rng.random_range(0..96u64)).op(op::CALLDATALOAD),
        _ => asm.ops(&[op::PUSH0, op::MLOAD]),
    };
}

/// Pushes a place in memory and pushes a length, the length below: `[.., length, offset]`.
fn range(asm: &mut Asm, rng: &mut ChaCha8Rng) {
    asm.push(rng.random_range(0..100u64)).push(rng.random_range(0..SCRATCH as u64));
}

fn statement(asm: &mut Asm, rng: &mut ChaCha8Rng, scope: &Scope<'_>) {
    match rng.random_range(0..100) {
        0..14 => compute(asm, rng),
        14..30 => store(asm, rng),
        30..36 => transient(asm, rng),
        36..43 => memory(asm, rng),
        43..49 => copies(asm, rng, scope),
        49..56 => log(asm, rng),
        56..64 => environment(asm, rng, scope),
        64..69 => stack(asm, rng),
        69..73 => repeat(asm, rng),
        73..83 => call_account(asm, rng, scope),
        83..91 => call_precompile(asm, rng, scope),
        91..97 if scope.depth > 0 => create(asm, rng, scope),
        97 => branch(asm, rng),
        98 if rng.random_bool(0.3) => broken(asm, rng),
        _ => {
            asm.op(op::GAS);
            keep(asm);
        }
    }
}

fn compute(asm: &mut Asm, rng: &mut ChaCha8Rng) {
    for _ in 0..rng.random_range(1..4) {
        match rng.random_range(0..8) {
            0 => {
                operand(asm, rng);
                asm.op(*pick(rng, &[op::ISZERO, op::NOT]));
            }
            1 => {
                (0..3).for_each(|_| operand(asm, rng));
                asm.op(*pick(rng, &[op::ADDMOD, op::MULMOD]));
            }
            2 => {
                // Shifts and bytes by amounts that matter.
                operand(asm, rng);
                asm.push(rng.random_range(0..260u64));
                asm.op(*pick(rng, &[op::SHL, op::SHR, op::SAR, op::BYTE, op::SIGNEXTEND]));
            }
            _ => {
                operand(asm, rng);
                operand(asm, rng);
                asm.op(*pick(rng, BINARY));
            }
        }
        keep(asm);
    }
}

/// Storage: the refunds of EIP-3529 come from writing few slots again and again.
fn store(asm: &mut Asm, rng: &mut ChaCha8Rng) {
    for _ in 0..rng.random_range(1..4) {
        let slot = rng.random_range(0..SLOTS);
        if rng.random_bool(0.3) {
            asm.push(slot).op(op::SLOAD);
            keep(asm);
            continue;
        }
        match rng.random_range(0..5) {
            0 | 1 => asm.op(op::PUSH0),
            2 => asm.push(rng.random_range(1..3u64)),
            3 => asm.push(slot).op(op::SLOAD),
            _ => asm.ops(&[op::PUSH0, op::MLOAD]),
        };
        asm.push(slot).op(op::SSTORE);
    }
}

fn transient(asm: &mut Asm, rng: &mut ChaCha8Rng) {
    let slot = rng.random_range(0..4u64);
    if rng.random_bool(0.5) {
        operand(asm, rng);
        asm.push(slot).op(op::TSTORE);
    }
    asm.push(slot).op(op::TLOAD);
    keep(asm);
}

fn memory(asm: &mut Asm, rng: &mut ChaCha8Rng) {
    match rng.random_range(0..5) {
        0 => {
            operand(asm, rng);
            asm.push(rng.random_range(32..SCRATCH as u64)).op(op::MSTORE);
        }
        1 => {
            operand(asm, rng);
            asm.push(rng.random_range(32..SCRATCH as u64)).op(op::MSTORE8);
        }
        2 => {
            // Source and destination may overlap.
            range(asm, rng);
            asm.push(rng.random_range(0..SCRATCH as u64)).op(op::MCOPY);
        }
        3 => {
            // Far out now and then: memory grows, and is paid for.
            let far = if rng.random_bool(0.2) { rng.random_range(0..40_000u64) } else { 300 };
            asm.push(far).op(op::MLOAD);
            keep(asm);
        }
        _ => {
            range(asm, rng);
            asm.op(op::KECCAK256);
            keep(asm);
        }
    }
}

fn copies(asm: &mut Asm, rng: &mut ChaCha8Rng, scope: &Scope<'_>) {
    let length = rng.random_range(0..80u64);
    let from = rng.random_range(0..100u64);
    let to = rng.random_range(32..SCRATCH as u64);
    match rng.random_range(0..4) {
        0 => asm.push(length).push(from).push(to).op(op::CALLDATACOPY),
        1 => asm.push(length).push(from).push(to).op(op::CODECOPY),
        2 => asm.push(length).push(from).push(to).push_address(scope.account(rng)).op(op::EXTCODECOPY),
        // Beyond the end of return data is an error (EIP-211).
        _ if rng.random_bool(0.1) => asm.push(length).push(from).push(to).op(op::RETURNDATACOPY),
        _ => asm.ops(&[op::RETURNDATASIZE, op::PUSH0]).push(to).op(op::RETURNDATACOPY),
    };
}

fn log(asm: &mut Asm, rng: &mut ChaCha8Rng) {
    let topics = rng.random_range(0..5u8);
    (0..topics).for_each(|_| operand(asm, rng));
    range(asm, rng);
    asm.op(op::LOG0 + topics);
}

/// What the block and other accounts tell.
fn environment(asm: &mut Asm, rng: &mut ChaCha8Rng, scope: &Scope<'_>) {
    match rng.random_range(0..8) {
        0 | 1 => {
            let opcode = *pick(rng, &[op::BALANCE, op::EXTCODESIZE, op::EXTCODEHASH]);
            asm.push_address(scope.account(rng)).op(opcode);
        }
        2 => {
            // An ancestor, this block, one to come, one too old.
            let back = *pick(rng, &[0u64, 1, 2, 5, 30, 255, 256, 257]);
            asm.push(back).ops(&[op::NUMBER, op::SUB, op::BLOCKHASH]);
        }
        3 => {
            asm.push(rng.random_range(0..2u64)).op(op::BLOBHASH);
        }
        _ => {
            for _ in 0..3 {
                asm.op(*pick(rng, SOURCES));
                keep(asm);
            }
            asm.op(op::GAS);
        }
    }
    keep(asm);
}

/// Every DUP and SWAP.
fn stack(asm: &mut Asm, rng: &mut ChaCha8Rng) {
    let height = rng.random_range(2..=17u8);
    for at in 0..height {
        asm.push(u64::from(at) * 7 + 1);
    }
    let mut extra = 0;
    for _ in 0..rng.random_range(2..12) {
        if rng.random_bool(0.5) {
            asm.op(op::DUP1 + rng.random_range(0..height.min(16)));
            extra += 1;
        } else {
            asm.op(op::SWAP1 + rng.random_range(0..(height - 1).min(16)));
        }
    }
    keep(asm);
    for _ in 1..height + extra {
        asm.op(op::POP);
    }
}

/// A short loop: the counter stays on the stack.
fn repeat(asm: &mut Asm, rng: &mut ChaCha8Rng) {
    let top = asm.label();
    asm.push(rng.random_range(1..12u64)).place(top);
    match rng.random_range(0..3) {
        0 => {
            asm.op(op::DUP1);
            keep(asm);
        }
        1 => {
            // The counter's slot gets the counter.
            asm.ops(&[op::DUP1, op::DUP1, op::SSTORE]);
        }
        _ => {
            asm.push(64u64).ops(&[op::PUSH0, op::KECCAK256]);
            keep(asm);
        }
    }
    asm.push(1u64).ops(&[op::SWAP1, op::SUB, op::DUP1]).push_label(top).ops(&[op::JUMPI, op::POP]);
}

/// Jumps over something, or not.
fn branch(asm: &mut Asm, rng: &mut ChaCha8Rng) {
    let over = asm.label();
    operand(asm, rng);
    asm.push_label(over).op(op::JUMPI);
    store(asm, rng);
    asm.place(over);
}

/// Something that ends the frame with an error.
fn broken(asm: &mut Asm, rng: &mut ChaCha8Rng) {
    match rng.random_range(0..6) {
        0 => asm.op(op::INVALID),
        1 => asm.op(*pick(rng, UNASSIGNED)),
        // Stack underflow.
        2 => asm.ops(&[op::POP, op::POP, op::POP]),
        // A jump into nowhere, and one into the data of a push.
        3 => asm.push(60_000u64).op(op::JUMP),
        4 => asm.ops(&[op::PC]).push(5u64).ops(&[op::ADD, op::JUMP, op::PUSH1, op::JUMPDEST]),
        // Memory that nobody can pay.
        _ => asm.push(U256::MAX >> 1).op(op::MLOAD).op(op::POP),
    };
}

/// Pushes an amount of gas to call with.
fn call_gas(asm: &mut Asm, rng: &mut ChaCha8Rng) {
    match rng.random_range(0..8) {
        0 => asm.push(rng.random_range(0..3_000u64)),
        1 => asm.push(rng.random_range(3_000..100_000u64)),
        2 => asm.push(U256::MAX),
        _ => asm.op(op::GAS),
    };
}

/// Keeps a call's success, and what it returned.
fn after_call(asm: &mut Asm) {
    keep(asm);
    asm.op(op::RETURNDATASIZE);
    keep(asm);
    asm.ops(&[op::RETURNDATASIZE, op::PUSH0]).push_usize(SCRATCH).op(op::RETURNDATACOPY);
    asm.op(op::RETURNDATASIZE).push_usize(SCRATCH).op(op::KECCAK256);
    keep(asm);
    asm.op(op::GAS);
    keep(asm);
}

fn call_account(asm: &mut Asm, rng: &mut ChaCha8Rng, scope: &Scope<'_>) {
    let opcode = *pick(rng, &[op::CALL, op::CALL, op::CALL, op::CALLCODE, op::DELEGATECALL, op::STATICCALL]);
    // Where output goes, then where input is.
    asm.push(rng.random_range(0..40u64)).push(32 + rng.random_range(0..200u64));
    range(asm, rng);
    if opcode == op::CALL || opcode == op::CALLCODE {
        match rng.random_range(0..6) {
            0 => asm.push(rng.random_range(1..1_000u64)),
            // More than there is.
            1 if rng.random_bool(0.3) => asm.push(U256::from(1) << 200),
            2 => asm.ops(&[op::SELFBALANCE]).push(2u64).ops(&[op::SWAP1, op::DIV]),
            _ => asm.op(op::PUSH0),
        };
    }
    if rng.random_bool(0.1) {
        asm.op(op::ADDRESS);
    } else {
        asm.push_address(scope.account(rng));
    }
    call_gas(asm, rng);
    asm.op(opcode);
    after_call(asm);
}

fn call_precompile(asm: &mut Asm, rng: &mut ChaCha8Rng, scope: &Scope<'_>) {
    let (address, input) = scope.inputs.random(rng);
    let length = input.len();
    asm.copy_data(input, SCRATCH);
    let opcode = *pick(rng, &[op::CALL, op::STATICCALL, op::STATICCALL, op::DELEGATECALL, op::CALLCODE]);
    asm.ops(&[op::PUSH0, op::PUSH0]).push_usize(length).push_usize(SCRATCH);
    if opcode == op::CALL || opcode == op::CALLCODE {
        asm.push(u64::from(rng.random_bool(0.1)));
    }
    asm.push_address(address);
    call_gas(asm, rng);
    asm.op(opcode);
    after_call(asm);
}

fn create(asm: &mut Asm, rng: &mut ChaCha8Rng, scope: &Scope<'_>) {
    let code = init_code(rng, scope);
    let length = code.len();
    asm.copy_data(code, SCRATCH);
    let twice = rng.random_bool(0.5);
    if twice {
        // Few salts: the second creation of the same code finds the first.
        asm.push(rng.random_range(0..3u64));
    }
    asm.push_usize(length).push_usize(SCRATCH).push(u64::from(rng.random_bool(0.2)));
    asm.op(if twice { op::CREATE2 } else { op::CREATE });
    if rng.random_bool(0.5) {
        // Call what was made: `[.., address]` becomes the argument of the call.
        asm.op(op::DUP1);
        asm.ops(&[op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0]).ops(&[
            op::SWAP5,
            op::GAS,
            op::CALL,
        ]);
        keep(asm);
    }
    keep(asm);
    asm.op(op::RETURNDATASIZE);
    keep(asm);
}

fn end(asm: &mut Asm, rng: &mut ChaCha8Rng, scope: &Scope<'_>) {
    // What was seen is written down.
    match rng.random_range(0..4) {
        0 => {
            asm.ops(&[op::PUSH0, op::MLOAD]).push(rng.random_range(0..SLOTS)).op(op::SSTORE);
        }
        1 => {
            asm.push(32u64).ops(&[op::PUSH0, op::LOG0]);
        }
        2 => {
            asm.ops(&[op::PUSH0, op::MLOAD]).push(32u64).ops(&[op::PUSH0, op::LOG1]);
        }
        _ => {}
    }
    match rng.random_range(0..20) {
        0..8 => {
            asm.op(op::STOP);
        }
        8..15 => {
            asm.push(32u64).ops(&[op::PUSH0, op::RETURN]);
        }
        15 | 16 => {
            asm.push(32u64).ops(&[op::PUSH0, op::REVERT]);
        }
        17 => {
            asm.push_address(scope.account(rng)).op(op::SELFDESTRUCT);
        }
        18 => {
            asm.ops(&[op::ADDRESS, op::SELFDESTRUCT]);
        }
        _ => {
            // Until the gas is gone.
            let top = asm.label();
            asm.place(top).ops(&[op::PUSH0, op::MLOAD, op::PUSH0, op::SSTORE]).push_label(top).op(op::JUMP);
        }
    }
}

/// Call data: some words, mostly small.
#[must_use]
pub fn call_data(rng: &mut ChaCha8Rng) -> Bytes {
    let words = rng.random_range(0..5);
    let mut data = Vec::new();
    for _ in 0..words {
        let word = match rng.random_range(0..3) {
            0 => B256::from(rng.random::<[u8; 32]>()),
            _ => B256::from(U256::from(rng.random_range(0..20u64))),
        };
        data.extend_from_slice(word.as_slice());
    }
    data.truncate(data.len().saturating_sub(rng.random_range(0..8)));
    data.into()
}
