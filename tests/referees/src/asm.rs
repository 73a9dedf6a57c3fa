//! A small assembler of EVM code: opcodes, pushes, labels, data behind the code.

use alloy_primitives::{Address, Bytes, U256};
use revm::bytecode::opcode as op;

/// A number that can be pushed.
pub trait Word {
    /// As the EVM holds it.
    fn word(self) -> U256;
}

impl Word for u64 {
    fn word(self) -> U256 {
        U256::from(self)
    }
}

impl Word for U256 {
    fn word(self) -> U256 {
        self
    }
}

/// A place in the code that can be named before it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label(usize);

/// EVM code being written.
///
/// Offsets are pushed as two bytes, so code may be as long as EIP-170 lets it be.
#[derive(Debug, Clone, Default)]
pub struct Asm {
    code: Vec<u8>,
    places: Vec<Option<usize>>,
    /// Where two bytes wait for a label's place.
    wanted: Vec<(usize, Label)>,
    /// What stands behind the code, with the labels of its pieces.
    data: Vec<(Label, Bytes)>,
}

impl Asm {
    /// Empty code.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How long the code is so far, in bytes, data left out.
    #[must_use]
    pub fn len(&self) -> usize {
        self.code.len()
    }

    /// Whether nothing has been written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.code.is_empty()
    }

    /// One opcode.
    pub fn op(&mut self, opcode: u8) -> &mut Self {
        self.code.push(opcode);
        self
    }

    /// Several opcodes.
    pub fn ops(&mut self, opcodes: &[u8]) -> &mut Self {
        self.code.extend_from_slice(opcodes);
        self
    }

    /// Pushes a number with as few bytes as it needs; zero by `PUSH0`.
    pub fn push(&mut self, value: impl Word) -> &mut Self {
        let bytes = value.word().to_be_bytes_trimmed_vec();
        self.push_bytes(&bytes)
    }

    /// Pushes a number that the host counts with.
    pub fn push_usize(&mut self, value: usize) -> &mut Self {
        self.push(U256::from(value))
    }

    /// Pushes an address with all its 20 bytes.
    pub fn push_address(&mut self, address: Address) -> &mut Self {
        self.push_bytes(address.as_slice())
    }

    /// Pushes bytes as they are: `PUSH0` to `PUSH32`, as many as there are.
    pub fn push_bytes(&mut self, bytes: &[u8]) -> &mut Self {
        let bytes = &bytes[..bytes.len().min(32)];
        self.code.push(op::PUSH0 + u8::try_from(bytes.len()).unwrap_or(32));
        self.code.extend_from_slice(bytes);
        self
    }

    /// A label to be placed later.
    pub fn label(&mut self) -> Label {
        self.places.push(None);
        Label(self.places.len() - 1)
    }

    /// Places a label here, with a `JUMPDEST`.
    pub fn place(&mut self, label: Label) -> &mut Self {
        self.places[label.0] = Some(self.code.len());
        self.op(op::JUMPDEST)
    }

    /// Pushes a label's place.
    pub fn push_label(&mut self, label: Label) -> &mut Self {
        self.code.push(op::PUSH2);
        self.wanted.push((self.code.len(), label));
        self.code.extend_from_slice(&[0, 0]);
        self
    }

    /// Keeps `bytes` behind the code and copies them to memory at `to`; leaves nothing on the stack.
    pub fn copy_data(&mut self, bytes: Bytes, to: usize) -> &mut Self {
        let label = self.label();
        self.push_usize(bytes.len());
        self.push_label(label);
        self.push_usize(to).op(op::CODECOPY);
        self.data.push((label, bytes));
        self
    }

    /// The code, with all labels resolved and the data behind it.
    #[must_use]
    pub fn finish(mut self) -> Bytes {
        if !self.data.is_empty() {
            // Data must not be run into.
            self.code.push(op::STOP);
        }
        for (label, bytes) in std::mem::take(&mut self.data) {
            self.places[label.0] = Some(self.code.len());
            self.code.extend_from_slice(&bytes);
        }
        for (at, label) in self.wanted {
            // A label that was never placed leads to no JUMPDEST, which is an error of the EVM.
            let place = self.places[label.0].and_then(|place| u16::try_from(place).ok()).unwrap_or(u16::MAX);
            self.code[at..at + 2].copy_from_slice(&place.to_be_bytes());
        }
        self.code.into()
    }
}

/// Init code that leaves `runtime` behind.
#[must_use]
pub fn deployer(runtime: Bytes) -> Bytes {
    let length = runtime.len();
    let mut asm = Asm::new();
    asm.copy_data(runtime, 0);
    asm.push_usize(length).op(op::PUSH0).op(op::RETURN);
    asm.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_data_are_resolved_to_their_places() {
        let mut asm = Asm::new();
        let end = asm.label();
        asm.push_label(end).op(op::JUMP).op(op::INVALID).place(end);
        asm.copy_data(Bytes::from_static(&[0xaa, 0xbb]), 3);
        let code = asm.finish();
        let expected = [
            op::PUSH2,
            0,
            5,
            op::JUMP,
            op::INVALID,
            op::JUMPDEST, // the jump
            op::PUSH1,
            2,
            op::PUSH2,
            0,
            15,
            op::PUSH1,
            3,
            op::CODECOPY,
            op::STOP, // the copy
            0xaa,
            0xbb,
        ];
        assert_eq!(&code[..], expected);
    }

    #[test]
    fn a_push_takes_as_few_bytes_as_its_number_needs() {
        let mut asm = Asm::new();
        asm.push(U256::ZERO).push(U256::from(255)).push(U256::from(256));
        assert_eq!(&asm.finish()[..], [op::PUSH0, op::PUSH1, 255, op::PUSH2, 1, 0]);
    }
}
