//! Judging a block: every check a client must make, then execution, then its results.

use std::sync::Arc;

use alloy_consensus::{Header, Transaction as _};
use alloy_eips::eip7685::Requests;
use alloy_primitives::{B64, B256, Bloom};

use super::block::{Candidate, ExecutedBlock};
use super::world::World;
use crate::config::Rules;
use crate::error::StateError;
use crate::execute::{
    Environment, Executor, InvalidPayload, Outcome, PayloadBlock, RecoveredTransaction, SenderCache,
    TransactError, check_against_parent,
};
use crate::state::seal_overlay;

/// Why a block was not imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// It breaks a rule; it does for everybody.
    #[error("invalid payload: {0}")]
    Invalid(#[from] InvalidPayload),
    /// Its parent is not here. Nothing is said about the block: fetch the parent, try again.
    #[error("parent {0} is not known")]
    UnknownParent(B256),
    /// Its parent lies below the base: roll back to it first.
    #[error("parent {parent} lies below the base at {base}; roll back first")]
    BelowBase {
        /// The parent's hash.
        parent: B256,
        /// The base's height.
        base: u64,
    },
    /// Too many candidates wait above the base: let the head or finality move on.
    #[error("{0} candidates wait above the base already")]
    TooManyCandidates(usize),
    /// The state could not be read. Nothing is said about the block.
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<TransactError> for ImportError {
    fn from(error: TransactError) -> Self {
        match error {
            TransactError::Invalid(invalid) => Self::Invalid(invalid),
            TransactError::State(error) => Self::State(error),
            // Transactions are told apart where they are executed; this is for completeness.
            other => Self::Invalid(InvalidPayload::Undecodable(other.to_string())),
        }
    }
}

/// Checks and executes `payload` on its parent, which must be the base or a candidate.
///
/// # Errors
/// [`ImportError`].
pub(crate) fn execute(
    rules: &Rules,
    world: &Arc<World>,
    senders: &SenderCache,
    payload: PayloadBlock,
) -> Result<Candidate, ImportError> {
    let PayloadBlock { hash, block, requests } = payload;
    let parent_hash = block.header.parent_hash;
    let parent = parent(world, &parent_hash)?;
    check_against_parent(rules, &block.header, &parent.header)?;
    let header = block.header;
    let withdrawals = block.body.withdrawals.unwrap_or_default().into_inner();
    let transactions = recover(rules, senders, block.body.transactions)?;
    let blob_gas: u64 = transactions.iter().filter_map(|tx| tx.blob_gas_used()).fold(0, u64::saturating_add);
    if let Some(found) = header.blob_gas_used
        && found != blob_gas
    {
        return Err(InvalidPayload::BlobGasUsed { found, expected: blob_gas }.into());
    }

    let environment = environment(&header);
    let mut executor = Executor::begin(rules, &environment, world.block_state(&parent_hash)?)?;
    for (index, tx) in transactions.iter().enumerate() {
        executor.transact(tx).map_err(|error| refused(error, index, tx))?;
    }
    let outcome = executor.finish(&withdrawals)?;
    check_outcome(&header, requests.as_ref(), &outcome)?;
    let (state_root, overlay) = seal_overlay(&outcome.view, outcome.changes)?;
    if state_root != header.state_root {
        let found = header.state_root;
        return Err(InvalidPayload::StateRoot { found, expected: state_root }.into());
    }
    let block = ExecutedBlock {
        hash,
        header,
        transactions,
        withdrawals,
        receipts: outcome.receipts,
        requests: outcome.requests,
        facts: outcome.facts,
    };
    Ok(Candidate::new(block, overlay))
}

/// The parent of a block to be, which must be the base or a candidate.
pub(crate) fn parent(world: &World, hash: &B256) -> Result<Arc<ExecutedBlock>, ImportError> {
    if world.branch(hash).is_none() {
        return Err(match world.block(hash)? {
            Some(_) => ImportError::BelowBase { parent: *hash, base: world.base_block.header.number },
            None => ImportError::UnknownParent(*hash),
        });
    }
    world.block(hash)?.ok_or(ImportError::UnknownParent(*hash))
}

fn environment(header: &Header) -> Environment {
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

fn recover(
    rules: &Rules,
    senders: &SenderCache,
    transactions: Vec<crate::execute::Transaction>,
) -> Result<Vec<RecoveredTransaction>, InvalidPayload> {
    let blobs = rules.forks.blobs.max_blob_count > 0;
    let blob = transactions.iter().position(|tx| tx.is_eip4844() && !blobs);
    if let Some(index) = blob {
        return Err(InvalidPayload::BlobTransaction { index });
    }
    senders.recover_all(transactions).map_err(|index| InvalidPayload::Signature { index })
}

fn refused(error: TransactError, index: usize, tx: &RecoveredTransaction) -> ImportError {
    match error {
        TransactError::Blobs => InvalidPayload::BlobTransaction { index }.into(),
        TransactError::Refused(_) | TransactError::NoRoom { .. } => {
            InvalidPayload::Transaction { index, sender: tx.signer(), reason: error.to_string() }.into()
        }
        other => other.into(),
    }
}

fn check_outcome(header: &Header, given: Option<&Requests>, outcome: &Outcome) -> Result<(), InvalidPayload> {
    let expected = outcome.facts.gas_used;
    if header.gas_used != expected {
        return Err(InvalidPayload::GasUsed { found: header.gas_used, expected });
    }
    let roots = ReceiptRoots::of(&outcome.receipts);
    if header.receipts_root != roots.root {
        let (found, expected) = (header.receipts_root, roots.root);
        return Err(InvalidPayload::ReceiptsRoot { found, expected });
    }
    if header.logs_bloom != roots.bloom {
        return Err(InvalidPayload::LogsBloom);
    }
    if let Some(found) = header.requests_hash {
        let expected = outcome.requests.requests_hash();
        // The list itself too: the hash sorts, a client that is handed the list does not.
        if found != expected || given.is_some_and(|given| *given != outcome.requests) {
            return Err(InvalidPayload::Requests { found, expected });
        }
    }
    Ok(())
}

/// What a header says about receipts.
struct ReceiptRoots {
    root: B256,
    bloom: Bloom,
}

impl ReceiptRoots {
    fn of(receipts: &[crate::execute::Receipt]) -> Self {
        use alloy_consensus::TxReceipt;
        let receipts: Vec<_> = receipts.iter().map(TxReceipt::with_bloom_ref).collect();
        let bloom = receipts.iter().fold(Bloom::ZERO, |bloom, one| bloom | one.logs_bloom);
        Self { root: alloy_consensus::proofs::calculate_receipt_root(&receipts), bloom }
    }
}

/// Makes the block that `outcome` leads to; the builder's counterpart of [`execute`].
///
/// # Errors
/// [`StateError`] where the state cannot be read.
pub(crate) fn seal(
    environment: &Environment,
    extra_data: alloy_primitives::Bytes,
    transactions: Vec<RecoveredTransaction>,
    withdrawals: Vec<alloy_eips::eip4895::Withdrawal>,
    outcome: Outcome,
) -> Result<Candidate, StateError> {
    let roots = ReceiptRoots::of(&outcome.receipts);
    let (state_root, overlay) = seal_overlay(&outcome.view, outcome.changes)?;
    let plain: Vec<_> = transactions.iter().map(|tx| tx.inner()).collect();
    let header = Header {
        parent_hash: environment.parent_hash,
        ommers_hash: alloy_consensus::EMPTY_OMMER_ROOT_HASH,
        beneficiary: environment.beneficiary,
        state_root,
        transactions_root: alloy_consensus::proofs::calculate_transaction_root(&plain),
        receipts_root: roots.root,
        logs_bloom: roots.bloom,
        number: environment.number,
        gas_limit: environment.gas_limit,
        gas_used: outcome.facts.gas_used,
        timestamp: environment.timestamp,
        extra_data,
        mix_hash: environment.prev_randao,
        nonce: B64::ZERO,
        base_fee_per_gas: Some(environment.base_fee),
        withdrawals_root: Some(alloy_consensus::proofs::calculate_withdrawals_root(&withdrawals)),
        blob_gas_used: Some(outcome.blob_gas_used),
        excess_blob_gas: Some(environment.excess_blob_gas),
        parent_beacon_block_root: environment.parent_beacon_block_root,
        requests_hash: Some(outcome.requests.requests_hash()),
        ..Header::default()
    };
    let block = ExecutedBlock {
        hash: header.hash_slow(),
        header,
        transactions,
        withdrawals,
        receipts: outcome.receipts,
        requests: outcome.requests,
        facts: outcome.facts,
    };
    Ok(Candidate::new(block, overlay))
}
