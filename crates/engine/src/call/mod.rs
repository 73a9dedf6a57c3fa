//! Calls that leave no trace: `eth_call`, `eth_estimateGas` and `eth_createAccessList`, at any block in reach.
//!
//! Whoever asks for one brings a [`Stop`], which ends it wherever it is.

mod access_list;
mod estimate;
mod overrides;
mod watch;

use std::sync::Arc;

use alloy_eips::eip2930::AccessList;
use alloy_eips::eip7702::SignedAuthorization;
use alloy_evm::{EvmEnv, EvmFactory};
use alloy_primitives::{Address, Bytes, TxKind, U256};
use revm::context::TxEnv;
use revm::context_interface::either::Either;
use revm::context_interface::result::{EVMError, ExecutionResult, HaltReason, InvalidTransaction, Output};
use revm::{ExecuteEvm, InspectEvm as _, Inspector};

pub use access_list::Touched;
pub(crate) use access_list::access_list;
pub(crate) use estimate::estimate;
pub use overrides::Overrides;
pub(crate) use watch::Stop;
use watch::{Watched, Watching};

use crate::chain::{ExecutedBlock, World};
use crate::config::Rules;
use crate::error::StateError;
use crate::execute::{Environment, evm_factory};

/// What to call, as a wallet asks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CallRequest {
    /// Who calls; the zero address where nobody is named.
    pub from: Address,
    /// What is called; [`TxKind::Create`] makes a contract.
    pub to: TxKind,
    /// The most gas it may use; the engine's cap where none is named, and never more.
    pub gas: Option<u64>,
    /// In wei, for a legacy transaction; excludes the next two.
    pub gas_price: Option<u128>,
    /// In wei (EIP-1559).
    pub max_fee_per_gas: Option<u128>,
    /// In wei (EIP-1559).
    pub max_priority_fee_per_gas: Option<u128>,
    /// In wei.
    pub value: U256,
    /// The call's data, or a contract's init code.
    pub input: Bytes,
    /// EIP-2930.
    pub access_list: AccessList,
    /// EIP-7702.
    pub authorizations: Vec<SignedAuthorization>,
    /// What is changed for this call alone.
    pub overrides: Overrides,
}

/// A call that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSuccess {
    /// What it returned, or the code of the contract it made.
    pub output: Bytes,
    /// Gas used after refunds.
    pub gas_used: u64,
}

/// Why a call gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// It reverted; the data says why, in the contract's words (Solidity: `Error(string)`,
    /// `Panic(uint256)` or a custom error).
    #[error("execution reverted")]
    Reverted {
        /// What `REVERT` returned.
        data: Bytes,
        /// Gas used.
        gas_used: u64,
    },
    /// It ran into a fault and used up its gas.
    #[error("execution failed: {reason}")]
    Halted {
        /// Which fault.
        reason: String,
        /// Gas used.
        gas_used: u64,
    },
    /// It may not be executed: not enough funds, too little gas for its data, and the like.
    #[error("{0}")]
    Refused(String),
    /// An estimate needs more gas than is allowed or affordable.
    #[error("gas required exceeds allowance ({0})")]
    GasAllowance(u64),
    /// It was ended by whoever asked for it, before it ended itself.
    #[error("execution aborted")]
    Stopped,
    /// Both a gas price and EIP-1559 fees.
    #[error("both gasPrice and maxFeePerGas or maxPriorityFeePerGas specified")]
    TwoKindsOfFee,
    /// The state cannot be read, or the block is not known.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Where and under which rules a call runs.
pub(crate) struct CallSite<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) world: &'a Arc<World>,
    pub(crate) block: &'a ExecutedBlock,
    pub(crate) gas_cap: u64,
    pub(crate) stop: Stop<'a>,
}

/// How a call went, with what an estimate wants to know.
struct Run {
    result: ExecutionResult,
}

impl CallSite<'_> {
    /// Calls once, on the state after the block and in its surroundings.
    pub(crate) fn call(&self, request: &CallRequest) -> Result<CallSuccess, CallError> {
        let gas = request.gas.map_or(self.gas_cap, |gas| gas.min(self.gas_cap));
        self.run(request, gas)?.map_err(refused)?.into_call()
    }

    /// Runs once. What the EVM refuses is the inner error: an estimate learns from it.
    fn run(&self, request: &CallRequest, gas: u64) -> Result<Result<Run, InvalidTransaction>, CallError> {
        let (state, evm_env, tx) = self.prepared(request, gas)?;
        let mut evm = evm_factory().create_evm(state, evm_env).into_inner();
        watch::watch(&mut evm.instruction);
        let done = evm.transact(tx);
        concluded(done.map(|done| done.result), evm.ctx.journaled_state.database.stopped())
    }

    /// The same, with each step shown to `inspector`, which makes it slower.
    fn run_inspected<'i>(
        &'i self,
        request: &CallRequest,
        gas: u64,
        inspector: impl Inspector<Watching<'i>>,
    ) -> Result<Result<Run, InvalidTransaction>, CallError> {
        let (state, evm_env, tx) = self.prepared(request, gas)?;
        let mut evm = evm_factory().create_evm_with_inspector(state, evm_env, inspector).into_inner();
        watch::watch(&mut evm.instruction);
        let done = evm.inspect_tx(tx);
        concluded(done.map(|done| done.result), evm.ctx.journaled_state.database.stopped())
    }

    /// On what and in which surroundings it runs, and the transaction.
    fn prepared(&self, request: &CallRequest, gas: u64) -> Result<(Watched<'_>, EvmEnv, TxEnv), CallError> {
        // An estimate runs often, and each run may be too short to look by itself.
        if (self.stop)() {
            return Err(CallError::Stopped);
        }
        let (mut environment, tx) = (self.environment(), self.transaction(request, gas)?);
        request.overrides.surround(&mut environment);
        // Without a fee the base fee is taken to be none, so that no contract sees a price below it.
        if tx.gas_price == 0 && tx.gas_priority_fee.unwrap_or_default() == 0 {
            environment.base_fee = 0;
        }
        let mut evm_env = environment.evm_env(self.rules);
        let cfg = &mut evm_env.cfg_env;
        cfg.disable_nonce_check = true;
        cfg.disable_block_gas_limit = true;
        cfg.disable_base_fee = true;
        cfg.disable_eip3607 = true;
        let mut state = self.world.block_state(&self.block.hash)?;
        request.overrides.change(&mut state)?;
        Ok((Watched::new(state, self.stop), evm_env, tx))
    }

    fn environment(&self) -> Environment {
        let header = &self.block.header;
        Environment {
            number: header.number,
            timestamp: header.timestamp,
            beneficiary: header.beneficiary,
            gas_limit: header.gas_limit,
            base_fee: header.base_fee_per_gas.unwrap_or_default(),
            prev_randao: header.mix_hash,
            parent_hash: header.parent_hash,
            parent_beacon_block_root: header.parent_beacon_block_root,
            excess_blob_gas: header.excess_blob_gas.unwrap_or_default(),
        }
    }

    fn transaction(&self, request: &CallRequest, gas: u64) -> Result<TxEnv, CallError> {
        let price = request.gas_price.or(request.max_fee_per_gas).unwrap_or_default();
        let mut tx = TxEnv {
            caller: request.from,
            gas_limit: gas,
            gas_price: price,
            gas_priority_fee: request.max_priority_fee_per_gas,
            kind: request.to,
            value: request.value,
            data: request.input.clone(),
            chain_id: Some(self.rules.chain_id),
            access_list: request.access_list.clone(),
            authorization_list: request.authorizations.iter().cloned().map(Either::Left).collect(),
            ..TxEnv::default()
        };
        if request.max_fee_per_gas.is_some() && tx.gas_priority_fee.is_none() {
            tx.gas_priority_fee = Some(0);
        }
        if tx.kind.is_create() && !tx.authorization_list.is_empty() {
            return Err(CallError::Refused(format!(
                "err: EIP-7702 transaction cannot be used to create contract (sender {}) (supplied gas {gas})",
                request.from
            )));
        }
        // The kind follows from the fields.
        tx.derive_tx_type().map_err(|error| CallError::Refused(format!("not a transaction: {error:?}")))?;
        Ok(tx)
    }
}

impl CallRequest {
    pub(crate) fn check(&self) -> Result<(), CallError> {
        let modern = self.max_fee_per_gas.is_some() || self.max_priority_fee_per_gas.is_some();
        if self.gas_price.is_some() && modern {
            return Err(CallError::TwoKindsOfFee);
        }
        Ok(())
    }
}

/// What the EVM said, sorted.
fn concluded(
    done: Result<ExecutionResult, EVMError<StateError>>,
    stopped: bool,
) -> Result<Result<Run, InvalidTransaction>, CallError> {
    match done {
        Ok(result) => Ok(Ok(Run { result })),
        Err(_) if stopped => Err(CallError::Stopped),
        Err(EVMError::Transaction(reason)) => Ok(Err(reason)),
        Err(EVMError::Database(error)) => Err(CallError::State(error)),
        Err(other) => Err(CallError::Refused(other.to_string())),
    }
}

impl Run {
    /// Why it failed, in the words that clients know from Geth.
    fn fault(&self) -> Option<String> {
        match &self.result {
            ExecutionResult::Success { .. } => None,
            ExecutionResult::Revert { .. } => Some("execution reverted".into()),
            ExecutionResult::Halt { reason, .. } => Some(describe(reason)),
        }
    }

    fn into_call(self) -> Result<CallSuccess, CallError> {
        let gas_used = self.result.tx_gas_used();
        match self.result {
            ExecutionResult::Success { output: Output::Call(output), .. }
            | ExecutionResult::Success { output: Output::Create(output, _), .. } => {
                Ok(CallSuccess { output, gas_used })
            }
            ExecutionResult::Revert { output, .. } => Err(CallError::Reverted { data: output, gas_used }),
            ExecutionResult::Halt { reason, .. } => {
                Err(CallError::Halted { reason: describe(&reason), gas_used })
            }
        }
    }
}

/// Why a call is not executed, in the words that clients know from Geth where there are any.
fn refused(reason: InvalidTransaction) -> CallError {
    CallError::Refused(match reason {
        InvalidTransaction::CallGasCostMoreThanGasLimit { initial_gas, gas_limit } => {
            format!(
                "err: intrinsic gas too low: have {gas_limit}, want {initial_gas} (supplied gas {gas_limit})"
            )
        }
        InvalidTransaction::GasFloorMoreThanGasLimit { gas_floor, gas_limit } => format!(
            "err: insufficient gas for floor data gas cost: have {gas_limit}, want {gas_floor} (supplied gas {gas_limit})"
        ),
        other => other.to_string(),
    })
}

/// The fault in the words that clients know from Geth where there are any.
fn describe(reason: &HaltReason) -> String {
    match reason {
        HaltReason::OutOfGas(_) => "out of gas".into(),
        HaltReason::InvalidFEOpcode => "invalid opcode: INVALID".into(),
        HaltReason::OpcodeNotFound => "invalid opcode".into(),
        HaltReason::InvalidJump => "invalid jump destination".into(),
        HaltReason::StackUnderflow => "stack underflow".into(),
        HaltReason::StackOverflow => "stack limit reached 1024".into(),
        other => format!("{other:?}"),
    }
}
