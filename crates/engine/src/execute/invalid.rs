//! Why a payload is not valid.

use alloy_primitives::{Address, B256, U256};

/// The rule that a payload breaks. Whoever executes the same payload finds the same.
///
/// Nothing in here depends on what this node happens to have: an unknown parent or a disk fault is
/// another error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPayload {
    /// The bytes are no block.
    #[error("not a block: {0}")]
    Undecodable(String),
    /// A transaction's bytes are no transaction (EIP-2718).
    #[error("transaction {index} cannot be decoded: {reason}")]
    UndecodableTransaction {
        /// Its place in the block.
        index: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The block hash it names is not that of its header.
    #[error("block hash is {found}, the payload says {expected}")]
    BlockHash {
        /// Computed here.
        found: B256,
        /// In the payload.
        expected: B256,
    },
    /// More than 32 bytes of extra data.
    #[error("{0} bytes of extra data, at most 32 are allowed")]
    ExtraData(usize),
    /// The height is not the parent's plus one.
    #[error("height {found}, expected {expected}")]
    Height {
        /// In the payload.
        found: u64,
        /// The parent's plus one.
        expected: u64,
    },
    /// The timestamp is not after the parent's.
    #[error("timestamp {found} is not after the parent's {parent}")]
    Timestamp {
        /// In the payload, in seconds.
        found: u64,
        /// The parent's.
        parent: u64,
    },
    /// The gas limit is not the chain's.
    #[error("gas limit {found}, the chain's is {expected}")]
    GasLimit {
        /// In the payload.
        found: u64,
        /// In the chain's rules.
        expected: u64,
    },
    /// The gas limit moved by 1/1024 of the parent's or more, or is below 5,000.
    #[error("gas limit {found} is out of the bounds that the parent's {parent} sets")]
    GasLimitBound {
        /// In the payload.
        found: u64,
        /// The parent's.
        parent: u64,
    },
    /// More gas used than the limit.
    #[error("{used} gas used, the limit is {limit}")]
    GasUsedAboveLimit {
        /// In the payload.
        used: u64,
        /// The block's gas limit.
        limit: u64,
    },
    /// The base fee is not what EIP-1559 computes.
    #[error("base fee {found} wei, expected {expected}")]
    BaseFee {
        /// In the payload.
        found: U256,
        /// From the parent.
        expected: u64,
    },
    /// A header field that proof of stake fixes has another value.
    #[error("header field {0} must have its fixed value")]
    FixedField(&'static str),
    /// A header field that the fork needs is missing, or one is there that it does not know.
    #[error("header field {0} is missing, or there too early")]
    ForkField(&'static str),
    /// The transactions' root is another.
    #[error("transactions root is {found}, the header says {expected}")]
    TransactionsRoot {
        /// Computed here.
        found: B256,
        /// In the header.
        expected: B256,
    },
    /// The withdrawals' root is another.
    #[error("withdrawals root is {found}, the header says {expected}")]
    WithdrawalsRoot {
        /// Computed here.
        found: B256,
        /// In the header.
        expected: B256,
    },
    /// A blob transaction, on a chain without blobs.
    #[error("transaction {index} carries blobs, which this chain does not take")]
    BlobTransaction {
        /// Its place in the block.
        index: usize,
    },
    /// Blob gas used is not what the transactions use, or above the limit.
    #[error("{found} blob gas used, expected {expected}")]
    BlobGasUsed {
        /// In the payload.
        found: u64,
        /// From the transactions.
        expected: u64,
    },
    /// The excess blob gas does not follow from the parent.
    #[error("excess blob gas {found}, expected {expected}")]
    ExcessBlobGas {
        /// In the payload.
        found: u64,
        /// From the parent.
        expected: u64,
    },
    /// A transaction's signature is no signature.
    #[error("transaction {index}: no sender can be recovered from its signature")]
    Signature {
        /// Its place in the block.
        index: usize,
    },
    /// A transaction may not be executed where it stands.
    #[error("transaction {index} of {sender}: {reason}")]
    Transaction {
        /// Its place in the block.
        index: usize,
        /// Its sender.
        sender: Address,
        /// Which rule it breaks.
        reason: String,
    },
    /// A system contract failed.
    #[error("system call to {contract} failed: {reason}")]
    SystemCall {
        /// The contract.
        contract: Address,
        /// How it ended.
        reason: String,
    },
    /// A deposit log cannot be read (EIP-6110).
    #[error("a deposit log cannot be read: {0}")]
    DepositLog(String),
    /// The execution requests are not those that execution gives (EIP-7685).
    #[error("execution requests hash to {found}, expected {expected}")]
    Requests {
        /// Of the given requests.
        found: B256,
        /// Of those that execution gave.
        expected: B256,
    },
    /// Execution used another amount of gas.
    #[error("execution used {expected} gas, the payload says {found}")]
    GasUsed {
        /// In the payload.
        found: u64,
        /// By execution.
        expected: u64,
    },
    /// Execution gave other receipts.
    #[error("receipts root is {expected}, the payload says {found}")]
    ReceiptsRoot {
        /// In the payload.
        found: B256,
        /// By execution.
        expected: B256,
    },
    /// Execution gave another bloom.
    #[error("the logs bloom is not that of the logs")]
    LogsBloom,
    /// Execution gave another state.
    #[error("state root is {expected}, the payload says {found}")]
    StateRoot {
        /// In the payload.
        found: B256,
        /// By execution.
        expected: B256,
    },
}
