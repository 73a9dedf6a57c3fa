//! What wallets' questions to the engine are answered with, and why they are refused.
//!
//! The wording of refusals is what wallets parse: it begins as Geth's does.

use alloy_primitives::{B256, Bytes, U256};
use serde::{Deserialize, Serialize};

/// An account without its code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountInfo {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Wei.
    pub balance: U256,
    /// Keccak-256 of the code.
    pub code_hash: B256,
}

/// How many transactions the pool holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolStatus {
    /// Ready for the next block.
    pub pending: u64,
    /// Waiting for an earlier nonce or a lower base fee.
    pub queued: u64,
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// There is no such block.
    #[error("header not found: {0}")]
    BlockNotFound(String),
    /// The state of that block is no longer kept.
    #[error("state of block {asked} is not kept any more; the oldest is {oldest}")]
    HistoryGone {
        /// The block asked for.
        asked: u64,
        /// The oldest that can be asked for.
        oldest: u64,
    },
    /// The call reverted.
    #[error("execution reverted{}", reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default())]
    Reverted {
        /// The revert data.
        output: Bytes,
        /// The reason, where the data is `Error(string)` or `Panic(uint256)`.
        reason: Option<String>,
    },
    /// The call ended without a revert: out of gas, a bad opcode, a stack overflow.
    #[error("{reason}")]
    Halted {
        /// Which end.
        reason: String,
    },
    /// A transaction like this would not be taken.
    #[error(transparent)]
    Refused(#[from] TransactionRefusal),
    /// The question is malformed.
    #[error("{0}")]
    InvalidQuery(String),
    /// The question spans more blocks, or finds more, than this node's configuration allows.
    #[error("{0}")]
    LimitExceeded(String),
    /// The asker's deadline passed before the answer was there: of a search, or of an execution.
    #[error("the question took too long")]
    TimedOut,
    /// The engine cannot answer now.
    #[error("{0}")]
    Unavailable(String),
    /// A refusal by an execution client's own JSON-RPC, as it came.
    #[error("{message}")]
    Client {
        /// The JSON-RPC error code.
        code: i32,
        /// Its message.
        message: String,
        /// Its data, JSON text.
        data: Option<String>,
    },
}

/// Why a transaction was not taken into the pool. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransactionRefusal {
    /// The bytes are no signed transaction.
    #[error("invalid transaction encoding: {0}")]
    Malformed(String),
    /// Blob transactions have no place here.
    #[error("transaction type not supported")]
    TypeNotSupported,
    /// Signed for another chain, or for none.
    #[error("invalid chain id for signer: have {have:?} want {want}")]
    WrongChain {
        /// The transaction's chain id.
        have: Option<u64>,
        /// This chain's.
        want: u64,
    },
    /// The signature yields no sender.
    #[error("invalid sender")]
    InvalidSender,
    /// The pool has this very transaction.
    #[error("already known")]
    AlreadyKnown,
    /// The nonce was used.
    #[error("nonce too low: next nonce {next}, tx nonce {nonce}")]
    NonceTooLow {
        /// The account's next nonce.
        next: u64,
        /// The transaction's.
        nonce: u64,
    },
    /// The nonce lies too far ahead to be queued.
    #[error("nonce too high: next nonce {next}, tx nonce {nonce}, at most {ahead} ahead are queued")]
    NonceTooFarAhead {
        /// The account's next nonce.
        next: u64,
        /// The transaction's.
        nonce: u64,
        /// How many are queued per account.
        ahead: u64,
    },
    /// The account cannot pay value and gas.
    #[error("insufficient funds for gas * price + value: balance {balance}, tx cost {cost}")]
    InsufficientFunds {
        /// Wei the account has.
        balance: U256,
        /// Wei the transaction may cost.
        cost: U256,
    },
    /// The gas limit does not cover the intrinsic gas, or the calldata floor (EIP-7623).
    #[error("intrinsic gas too low: gas {gas}, minimum needed {needed}")]
    IntrinsicGas {
        /// The transaction's gas limit.
        gas: u64,
        /// The least.
        needed: u64,
    },
    /// The gas limit exceeds a block's.
    #[error("exceeds block gas limit: gas {gas}, limit {limit}")]
    ExceedsBlockGasLimit {
        /// The transaction's gas limit.
        gas: u64,
        /// A block's.
        limit: u64,
    },
    /// The fee cap is below the next block's base fee (calls only; the pool queues such ones).
    #[error("max fee per gas less than block base fee: maxFeePerGas: {cap}, baseFee: {base}")]
    FeeCapTooLow {
        /// Wei per gas offered.
        cap: u128,
        /// Wei per gas needed.
        base: u64,
    },
    /// The tip exceeds the fee cap.
    #[error(
        "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: {tip}, maxFeePerGas: {cap}"
    )]
    TipAboveFeeCap {
        /// Wei per gas of tip.
        tip: u128,
        /// Wei per gas in all.
        cap: u128,
    },
    /// The tip is below what this node takes.
    #[error("transaction underpriced: tip needed {needed}, tip permitted {tip}")]
    Underpriced {
        /// Wei per gas offered.
        tip: u128,
        /// Wei per gas needed.
        needed: u128,
    },
    /// Another transaction of that nonce waits, and this one does not pay a tenth more.
    #[error("replacement transaction underpriced")]
    ReplacementUnderpriced,
    /// The creation code is longer than EIP-3860 allows.
    #[error("max initcode size exceeded: code size {size}, limit {limit}")]
    InitCodeTooLarge {
        /// Bytes.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The account has code and is no delegation (EIP-3607, EIP-7702).
    #[error("sender not an eoa: address {0}")]
    SenderNotEoa(alloy_primitives::Address),
    /// An EIP-7702 transaction without authorizations, or creating a contract.
    #[error("{0}")]
    SetCode(String),
    /// The pool is full of better ones.
    #[error("txpool is full")]
    PoolFull,
    /// Too large for gossip and blocks.
    #[error("oversized data: transaction size {size}, limit {limit}")]
    Oversized {
        /// Bytes.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Anything else that execution would refuse, in the EVM's words.
    #[error("{0}")]
    Invalid(String),
    /// The pool cannot look at it now; says nothing about the transaction. Send it again.
    #[error("{0}")]
    Unavailable(String),
}
