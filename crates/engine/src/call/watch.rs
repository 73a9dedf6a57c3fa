//! Ending an execution that takes too long, from within.
//!
//! revm runs a transaction until it ends or its gas is used up, and tens of millions of gas can be seconds. So two kinds
//! of opcodes look, every some thousand steps, whether somebody still waits: `JUMPDEST`, which every loop passes, and those
//! that run other code. What lies between two of them is at most one contract's length. All other opcodes stay
//! revm's own, so that a call costs what it would cost unwatched; an inspector would be asked at each of them.

use std::fmt;

use alloy_evm::eth::EthEvmContext;
use alloy_primitives::{Address, B256, U256};
use revm::bytecode::opcode::{CALL, CALLCODE, CREATE, CREATE2, DELEGATECALL, JUMPDEST, STATICCALL};
use revm::context_interface::context::ContextError;
use revm::database_interface::Database;
use revm::handler::instructions::EthInstructions;
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::{
    Instruction, InstructionContext, InstructionExecResult, InstructionResult, instruction_table,
};
use revm::state::{AccountInfo, Bytecode};

use crate::error::StateError;
use crate::execute::BlockState;

/// Whether an execution is to end now. Asked often: it should be no more than a look at a clock.
pub(crate) type Stop<'a> = &'a dyn Fn() -> bool;

/// After so much gas, or where another frame runs, it is looked at again: some thousand steps, or some ten
/// microseconds.
const LOOK_EVERY: u64 = 20_000;

/// The state on which a call executes, with what ends it.
pub(super) struct Watched<'a> {
    state: BlockState,
    stop: Stop<'a>,
    /// The gas that was left at the last look.
    looked_at: u64,
    stopped: bool,
}

pub(super) type Watching<'a> = EthEvmContext<Watched<'a>>;

impl<'a> Watched<'a> {
    pub(super) fn new(state: BlockState, stop: Stop<'a>) -> Self {
        Self { state, stop, looked_at: 0, stopped: false }
    }

    /// Whether the execution was ended by its watch.
    pub(super) fn stopped(&self) -> bool {
        self.stopped
    }

    /// Whether to go on, where so much gas is left.
    #[inline]
    fn goes_on(&mut self, gas: u64) -> bool {
        // In another frame more may be left than before: then the difference wraps, and is large.
        self.looked_at.wrapping_sub(gas) <= LOOK_EVERY || self.look(gas)
    }

    #[cold]
    fn look(&mut self, gas: u64) -> bool {
        self.looked_at = gas;
        self.stopped = (self.stop)();
        !self.stopped
    }
}

/// Puts the looks into an EVM's instructions.
pub(super) fn watch<'a>(instructions: &mut EthInstructions<EthInterpreter, Watching<'a>>) {
    let table = instructions.instruction_table_mut();
    table[JUMPDEST as usize] = Instruction::new(watched::<JUMPDEST>);
    table[CALL as usize] = Instruction::new(watched::<CALL>);
    table[CALLCODE as usize] = Instruction::new(watched::<CALLCODE>);
    table[DELEGATECALL as usize] = Instruction::new(watched::<DELEGATECALL>);
    table[STATICCALL as usize] = Instruction::new(watched::<STATICCALL>);
    table[CREATE as usize] = Instruction::new(watched::<CREATE>);
    table[CREATE2 as usize] = Instruction::new(watched::<CREATE2>);
}

/// revm's own instruction, after a look.
fn watched<'a, const OPCODE: u8>(
    context: InstructionContext<'_, Watching<'a>, EthInterpreter>,
) -> InstructionExecResult {
    let gas = context.interpreter.gas.remaining();
    if !context.host.journaled_state.database.goes_on(gas) {
        // Not a halt of this frame alone, whose caller would go on: an error of the whole execution.
        context.host.error = Err(ContextError::Custom("stopped".to_owned()));
        return Err(InstructionResult::FatalExternalError);
    }
    const { instruction_table::<EthInterpreter, Watching<'a>>()[OPCODE as usize] }.execute(context)
}

impl fmt::Debug for Watched<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Database for Watched<'_> {
    type Error = StateError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.state.basic(address)
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, StateError> {
        self.state.code_by_hash(hash)
    }

    fn storage(&mut self, address: Address, index: U256) -> Result<U256, StateError> {
        self.state.storage(address, index)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateError> {
        self.state.block_hash(number)
    }
}
