//! Building a payload: attributes, a source of transactions, a reason to stop.

use std::sync::Arc;

use alloy_eips::Encodable2718;
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B256, Bytes};
use alloy_rpc_types_engine::ExecutionPayloadV3;

use crate::chain::{self, BuiltBlock, ExecutedBlock, ImportError, World};
use crate::config::Rules;
use crate::execute::{
    Environment, ExecutionFacts, Executor, RecoveredTransaction, TransactError, next_base_fee,
    next_excess_blob_gas,
};

/// Less gas than any transaction needs (Yellow Paper, appendix G).
const MIN_TRANSACTION_GAS: u64 = 21_000;

/// What a payload to be built must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildAttributes {
    /// The block it extends: the base or a candidate.
    pub parent: B256,
    /// In seconds; after the parent's.
    pub timestamp: u64,
    /// `PREVRANDAO`.
    pub prev_randao: B256,
    /// Who gets the tips.
    pub fee_recipient: Address,
    /// Amounts in gwei.
    pub withdrawals: Vec<Withdrawal>,
    /// EIP-4788.
    pub parent_beacon_block_root: B256,
    /// The block's gas limit.
    pub gas_limit: u64,
    /// The most bytes its transactions may have together.
    pub max_bytes: usize,
    /// At most 32 bytes.
    pub extra_data: Bytes,
}

/// Why a transaction was left out of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOut {
    /// It does not fit into what is left of this block; a later one may take it.
    NoRoom,
    /// It may not be executed on this state.
    Refused(String),
}

/// Where a builder takes transactions from, the best first.
pub trait TransactionSource {
    /// The next best transaction, or `None` where there is no more.
    fn next(&mut self) -> Option<RecoveredTransaction>;

    /// The one returned last was left out. Later ones of the same sender can hardly do better: the
    /// source had better pass over them.
    fn left_out(&mut self, transaction: &RecoveredTransaction, why: LeftOut);
}

/// A source without transactions.
impl TransactionSource for () {
    fn next(&mut self) -> Option<RecoveredTransaction> {
        None
    }

    fn left_out(&mut self, _: &RecoveredTransaction, _: LeftOut) {}
}

/// Transactions in a given order; what is left out is forgotten.
impl TransactionSource for std::vec::IntoIter<RecoveredTransaction> {
    fn next(&mut self) -> Option<RecoveredTransaction> {
        Iterator::next(self)
    }

    fn left_out(&mut self, _: &RecoveredTransaction, _: LeftOut) {}
}

/// A payload built here, executed and sealed.
#[derive(Debug, Clone)]
pub struct BuiltPayload {
    pub(crate) candidate: BuiltBlock,
}

impl BuiltPayload {
    /// The block.
    #[must_use]
    pub fn block(&self) -> &Arc<ExecutedBlock> {
        &self.candidate.block
    }

    /// The payload of the Engine API.
    #[must_use]
    pub fn payload(&self) -> ExecutionPayloadV3 {
        self.candidate.block.payload()
    }

    /// The execution requests that go beside it (EIP-7685).
    #[must_use]
    pub fn execution_requests(&self) -> Vec<Bytes> {
        self.candidate.block.requests.iter().cloned().collect()
    }

    /// Fees and gas.
    #[must_use]
    pub fn facts(&self) -> ExecutionFacts {
        self.candidate.block.facts
    }
}

/// Builds a payload. `stop` is asked before each transaction; when it says yes, what has been
/// executed so far is sealed.
///
/// # Errors
/// [`ImportError`]: an unknown parent, attributes that no valid block can have, a state that cannot
/// be read.
pub(crate) fn build(
    rules: &Rules,
    world: &Arc<World>,
    attributes: BuildAttributes,
    source: &mut dyn TransactionSource,
    stop: &mut dyn FnMut() -> bool,
) -> Result<BuiltPayload, ImportError> {
    let parent = chain::parent(world, &attributes.parent)?;
    let environment = Environment {
        number: parent.header.number + 1,
        timestamp: attributes.timestamp,
        beneficiary: attributes.fee_recipient,
        gas_limit: attributes.gas_limit,
        base_fee: next_base_fee(&parent.header),
        prev_randao: attributes.prev_randao,
        parent_hash: attributes.parent,
        parent_beacon_block_root: Some(attributes.parent_beacon_block_root),
        excess_blob_gas: next_excess_blob_gas(rules, &parent.header),
    };
    let state = world.block_state(&attributes.parent)?;
    let mut executor = Executor::begin(rules, &environment, state)?;
    let transactions = fill(&mut executor, attributes.max_bytes, source, stop)?;
    let outcome = executor.finish(&attributes.withdrawals)?;
    let (extra, withdrawals) = (attributes.extra_data, attributes.withdrawals);
    let candidate = chain::seal(&environment, extra, transactions, withdrawals, outcome)?;
    // A builder that is handed attributes out of bounds must not hand out an invalid block.
    crate::execute::check_against_parent(rules, &candidate.block.header, &parent.header)?;
    Ok(BuiltPayload { candidate: Arc::new(candidate) })
}

fn fill(
    executor: &mut Executor<'_>,
    max_bytes: usize,
    source: &mut dyn TransactionSource,
    stop: &mut dyn FnMut() -> bool,
) -> Result<Vec<RecoveredTransaction>, ImportError> {
    let mut transactions = Vec::new();
    let mut bytes = 0usize;
    while executor.gas_left() >= MIN_TRANSACTION_GAS && !stop() {
        let Some(tx) = source.next() else {
            break;
        };
        let size = tx.inner().encode_2718_len();
        if bytes.saturating_add(size) > max_bytes {
            source.left_out(&tx, LeftOut::NoRoom);
            continue;
        }
        match executor.transact(&tx) {
            Ok(()) => {
                bytes += size;
                transactions.push(tx);
            }
            Err(TransactError::NoRoom { .. }) => source.left_out(&tx, LeftOut::NoRoom),
            Err(error @ (TransactError::Refused(_) | TransactError::Blobs)) => {
                source.left_out(&tx, LeftOut::Refused(error.to_string()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(transactions)
}
