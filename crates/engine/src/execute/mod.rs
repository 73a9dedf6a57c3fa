//! Executing blocks: system calls, transactions, withdrawals, requests; and judging a payload.
//!
//! One [`Executor`] serves validator and builder alike, so that what one makes the other accepts.
//! It runs on a [`BlockState`], which reads a [`StateView`](crate::state::StateView) and keeps what
//! changes; [`seal_overlay`](crate::state) turns the changes into a state root afterwards.

mod arithmetic;
mod block_state;
mod executor;
mod header;
mod invalid;
mod payload;
mod requests;
mod senders;
mod system;

pub(crate) use arithmetic::evm_factory;
pub use block_state::{BlockHashes, BlockState};
pub use executor::{Environment, ExecutionFacts, Executor, Outcome, TransactError};
pub(crate) use header::{check_against_parent, next_base_fee, next_excess_blob_gas};
pub use invalid::InvalidPayload;
pub use payload::{PayloadBlock, block_from_payload, decode_block};
pub use senders::SenderCache;

/// A transaction as blocks carry it: EIP-2718, blob transactions without their blobs.
pub type Transaction = alloy_consensus::EthereumTxEnvelope<alloy_consensus::TxEip4844>;

/// A transaction with its sender.
pub type RecoveredTransaction = alloy_consensus::transaction::Recovered<Transaction>;

/// A block: header, transactions, withdrawals.
pub type Block = alloy_consensus::Block<Transaction>;

/// A receipt without its bloom.
pub type Receipt = alloy_consensus::EthereumReceipt;
