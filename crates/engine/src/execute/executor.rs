//! Executing one block, transaction by transaction.

use alloy_consensus::Transaction as _;
use alloy_eips::eip4895::Withdrawal;
use alloy_eips::eip7685::Requests;
use alloy_evm::precompiles::PrecompilesMap;
use alloy_evm::{EthEvm, Evm, EvmEnv, EvmFactory};
use alloy_primitives::{Address, B256, U256};
use revm::context::{BlockEnv, CfgEnv};
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::context_interface::result::{EVMError, ExecutionResult, InvalidTransaction};
use revm::database_interface::DatabaseCommit;
use revm::inspector::NoOpInspector;
use revm::primitives::hardfork::SpecId;

use super::{BlockState, InvalidPayload, Receipt, RecoveredTransaction, arithmetic, requests, system};
use crate::config::Rules;
use crate::error::StateError;
use crate::state::{StateChanges, StateView};

/// The EVM as blocks run it.
pub(super) type BlockEvm = EthEvm<BlockState, NoOpInspector, PrecompilesMap>;

/// What a block's header gives its transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Height.
    pub number: u64,
    /// In seconds.
    pub timestamp: u64,
    /// Who gets the tips.
    pub beneficiary: Address,
    /// The block's gas limit.
    pub gas_limit: u64,
    /// In wei.
    pub base_fee: u64,
    /// `PREVRANDAO`.
    pub prev_randao: B256,
    /// The parent's hash.
    pub parent_hash: B256,
    /// EIP-4788; `None` before Cancun.
    pub parent_beacon_block_root: Option<B256>,
    /// EIP-4844.
    pub excess_blob_gas: u64,
}

impl Environment {
    /// revm's form of it.
    pub(crate) fn evm_env(&self, rules: &Rules) -> EvmEnv {
        let spec = rules.forks.spec_at(self.timestamp);
        let mut cfg = CfgEnv::new_with_spec(spec).with_chain_id(rules.chain_id);
        cfg.max_blobs_per_tx = Some(rules.forks.blobs.max_blobs_per_tx);
        let block = BlockEnv {
            number: U256::from(self.number),
            beneficiary: self.beneficiary,
            timestamp: U256::from(self.timestamp),
            gas_limit: self.gas_limit,
            basefee: self.base_fee,
            difficulty: U256::ZERO,
            prevrandao: Some(self.prev_randao),
            blob_excess_gas_and_price: spec.is_enabled_in(SpecId::CANCUN).then(|| BlobExcessGasAndPrice {
                excess_blob_gas: self.excess_blob_gas,
                blob_gasprice: rules.forks.blobs.calc_blob_fee(self.excess_blob_gas),
            }),
            slot_num: 0,
        };
        EvmEnv::new(cfg, block)
    }
}

/// Why a transaction or a system call was not executed.
#[derive(Debug, thiserror::Error)]
pub enum TransactError {
    /// The transaction may not stand here; the block can go on without it.
    #[error("{0}")]
    Refused(Box<InvalidTransaction>),
    /// More gas than the block has left; it may fit into another one.
    #[error("gas limit {wanted}, the block has {left} left")]
    NoRoom {
        /// The transaction's gas limit.
        wanted: u64,
        /// What the block has left.
        left: u64,
    },
    /// A blob transaction where the block has no room for blobs.
    #[error("blob transactions are not taken")]
    Blobs,
    /// The whole block breaks a rule.
    #[error(transparent)]
    Invalid(#[from] InvalidPayload),
    /// The state cannot be read; says nothing about the block.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What consensus wants to know about an executed block, besides its receipts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExecutionFacts {
    /// Base fee times gas used, plus tips, in wei.
    pub fees: U256,
    /// Gas used.
    pub gas_used: u64,
}

/// What executing a block gave.
#[derive(Debug)]
pub struct Outcome {
    /// One receipt for each transaction.
    pub receipts: Vec<Receipt>,
    /// EIP-7685; empty before Prague.
    pub requests: Requests,
    /// Gas used and fees.
    pub facts: ExecutionFacts,
    /// Blob gas used.
    pub blob_gas_used: u64,
    /// The parent's state.
    pub view: StateView,
    /// What has changed from it.
    pub changes: StateChanges,
}

/// One block in execution.
pub struct Executor<'a> {
    evm: BlockEvm,
    rules: &'a Rules,
    environment: &'a Environment,
    spec: SpecId,
    receipts: Vec<Receipt>,
    facts: ExecutionFacts,
    blob_gas_used: u64,
}

impl std::fmt::Debug for Executor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor").field("facts", &self.facts).finish_non_exhaustive()
    }
}

impl<'a> Executor<'a> {
    /// Starts a block: the system calls before the first transaction.
    ///
    /// # Errors
    /// [`TransactError::Invalid`] or [`TransactError::State`].
    pub fn begin(
        rules: &'a Rules,
        environment: &'a Environment,
        state: BlockState,
    ) -> Result<Self, TransactError> {
        let evm_env = environment.evm_env(rules);
        let spec = evm_env.cfg_env.spec;
        let mut evm = arithmetic::evm_factory().create_evm(state, evm_env);
        if spec.is_enabled_in(SpecId::PRAGUE) {
            system::store_parent_hash(&mut evm, environment.parent_hash)?;
        }
        if let Some(root) = environment.parent_beacon_block_root {
            system::store_beacon_root(&mut evm, root)?;
        }
        Ok(Self {
            evm,
            rules,
            environment,
            spec,
            receipts: Vec::new(),
            facts: ExecutionFacts::default(),
            blob_gas_used: 0,
        })
    }

    /// Gas that the block has left.
    #[must_use]
    pub fn gas_left(&self) -> u64 {
        self.environment.gas_limit.saturating_sub(self.facts.gas_used)
    }

    /// Executes one transaction and keeps what it did.
    ///
    /// # Errors
    /// On an error nothing has changed.
    pub fn transact(&mut self, transaction: &RecoveredTransaction) -> Result<(), TransactError> {
        let tx = transaction.inner();
        let (wanted, left) = (tx.gas_limit(), self.gas_left());
        if wanted > left {
            return Err(TransactError::NoRoom { wanted, left });
        }
        let blob_gas = tx.blob_gas_used().unwrap_or_default();
        let blobs = &self.rules.forks.blobs;
        let room = blobs.max_blob_gas_per_block().saturating_sub(self.blob_gas_used);
        if tx.is_eip4844() && (blob_gas > room || blobs.max_blob_count == 0) {
            return Err(TransactError::Blobs);
        }
        let done = self.evm.transact(transaction.as_recovered_ref()).map_err(|error| match error {
            EVMError::Transaction(reason) => TransactError::Refused(Box::new(reason)),
            EVMError::Database(error) => TransactError::State(error),
            other => TransactError::State(StateError::bad("the EVM", other)),
        })?;
        self.evm.db_mut().commit(done.state);
        self.settle(transaction, done.result, blob_gas);
        Ok(())
    }

    fn settle(&mut self, tx: &RecoveredTransaction, result: ExecutionResult, blob_gas: u64) {
        let gas_used = result.tx_gas_used();
        self.facts.gas_used = self.facts.gas_used.saturating_add(gas_used);
        // Base fee and tip together are the effective gas price (EIP-1559).
        let price = tx.effective_gas_price(Some(self.environment.base_fee));
        let fee = U256::from(price).saturating_mul(U256::from(gas_used));
        self.facts.fees = self.facts.fees.saturating_add(fee);
        self.blob_gas_used = self.blob_gas_used.saturating_add(blob_gas);
        self.receipts.push(Receipt {
            tx_type: tx.tx_type(),
            success: result.is_success(),
            cumulative_gas_used: self.facts.gas_used,
            logs: result.into_logs(),
        });
    }

    /// Ends the block: withdrawals and the system calls after the last transaction.
    ///
    /// # Errors
    /// [`TransactError::Invalid`] or [`TransactError::State`].
    pub fn finish(mut self, withdrawals: &[Withdrawal]) -> Result<Outcome, TransactError> {
        for withdrawal in withdrawals {
            self.evm.db_mut().credit(withdrawal.address, withdrawal.amount_wei())?;
        }
        let requests = if self.spec.is_enabled_in(SpecId::PRAGUE) {
            requests::collect(&mut self.evm, &self.receipts, self.rules.deposit_contract)?
        } else {
            Requests::default()
        };
        let (view, changes) = self.evm.into_db().into_changes()?;
        Ok(Outcome {
            receipts: self.receipts,
            requests,
            facts: self.facts,
            blob_gas_used: self.blob_gas_used,
            view,
            changes,
        })
    }
}
