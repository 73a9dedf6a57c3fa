//! Contracts for tests, assembled call by call.

use alloy_primitives::{Address, Bytes, U256};

const MSTORE: u8 = 0x52;
const POP: u8 = 0x50;
const JUMPI: u8 = 0x57;
const GAS: u8 = 0x5a;
const JUMPDEST: u8 = 0x5b;
const LOG0: u8 = 0xa0;
const CALL: u8 = 0xf1;
const DELEGATECALL: u8 = 0xf4;
const REVERT: u8 = 0xfd;
const SELFDESTRUCT: u8 = 0xff;

/// Code that does one thing after the other, and stops. As init code it does so in a constructor and
/// leaves no code behind; [`Script::deploy`] makes a contract that does so when it is called.
#[derive(Clone, Default)]
pub(super) struct Script(Vec<u8>);

impl Script {
    fn push(&mut self, value: impl TryInto<U256, Error: std::fmt::Debug>) -> &mut Self {
        self.0.push(0x7f);
        self.0.extend(value.try_into().unwrap().to_be_bytes::<32>());
        self
    }

    fn op(&mut self, op: u8) -> &mut Self {
        self.0.push(op);
        self
    }

    /// Puts `data` at the start of the memory.
    fn memory(&mut self, data: &[u8]) -> &mut Self {
        for (at, chunk) in data.chunks(32).enumerate() {
            let mut word = [0; 32];
            word[..chunk.len()].copy_from_slice(chunk);
            self.push(U256::from_be_bytes(word)).push(at * 32).op(MSTORE);
        }
        self
    }

    /// Leaves on the stack whether the call succeeded.
    fn raw_call(&mut self, op: u8, to: Address, wei: U256, input: &[u8]) -> &mut Self {
        self.memory(input).push(0).push(0).push(input.len()).push(0);
        if op == CALL {
            self.push(wei);
        }
        self.push(U256::from_be_slice(to.as_slice())).op(GAS).op(op)
    }

    /// Reverts unless the stack's top is true.
    fn require(&mut self) -> &mut Self {
        // PUSH32 destination, JUMPI, two PUSH32 zeros, REVERT.
        let destination = self.0.len() + 33 + 1 + 66 + 1;
        self.push(destination).op(JUMPI).push(0).push(0).op(REVERT).op(JUMPDEST)
    }

    /// A call that must succeed.
    pub(super) fn call(mut self, to: Address, wei: U256, input: &[u8]) -> Self {
        self.raw_call(CALL, to, wei, input).require();
        self
    }

    /// A call that may fail without a word.
    pub(super) fn try_call(mut self, to: Address, wei: U256, input: &[u8]) -> Self {
        self.raw_call(CALL, to, wei, input).op(POP);
        self
    }

    /// Runs the code of another account as its own; may fail without a word.
    pub(super) fn try_delegate(mut self, to: Address, input: &[u8]) -> Self {
        self.raw_call(DELEGATECALL, to, U256::ZERO, input).op(POP);
        self
    }

    /// A log of its own.
    pub(super) fn log(mut self, data: &alloy_primitives::LogData) -> Self {
        self.memory(&data.data);
        for topic in data.topics().iter().rev() {
            self.push(U256::from_be_bytes(topic.0));
        }
        self.push(data.data.len()).push(0).op(LOG0 + data.topics().len() as u8);
        self
    }

    /// Undoes all that it did.
    pub(super) fn revert(mut self) -> Self {
        self.push(0).push(0).op(REVERT);
        self
    }

    /// Ends with all its coins forced upon `heir`.
    pub(super) fn destroy(mut self, heir: Address) -> Self {
        self.push(U256::from_be_slice(heir.as_slice())).op(SELFDESTRUCT);
        self
    }

    /// Init code that runs the script.
    pub(super) fn construct(mut self) -> Bytes {
        self.op(0x00);
        self.0.into()
    }

    /// Init code of a contract that runs the script.
    pub(super) fn deploy(mut self) -> Bytes {
        self.op(0x00);
        leave_behind(&self.0)
    }
}

/// Init code that leaves `code` behind.
pub(super) fn leave_behind(code: &[u8]) -> Bytes {
    let length = u16::try_from(code.len()).unwrap().to_be_bytes();
    // PUSH2 length, DUP1, PUSH1 12, PUSH1 0, CODECOPY, PUSH1 0, RETURN.
    let head = [0x61, length[0], length[1], 0x80, 0x60, 12, 0x60, 0, 0x39, 0x60, 0, 0xf3];
    [&head[..], code].concat().into()
}

/// Init code of a contract that passes calls on to `to`, with their data and coins, and fails where
/// that fails.
pub(super) fn deploy_forwarder(to: Address) -> Bytes {
    // CALLDATACOPY(0, 0, CALLDATASIZE); CALL(GAS, to, CALLVALUE, 0, CALLDATASIZE, 0, 0)
    let mut code = vec![0x36, 0x5f, 0x5f, 0x37, 0x5f, 0x5f, 0x36, 0x5f, 0x34, 0x73];
    code.extend(to.as_slice());
    code.extend([GAS, CALL]);
    // PUSH1 destination, JUMPI, REVERT(0, 0), JUMPDEST, STOP
    let destination = u8::try_from(code.len()).unwrap() + 6;
    code.extend([0x60, destination, JUMPI, 0x5f, 0x5f, REVERT, JUMPDEST, 0x00]);
    leave_behind(&code)
}
