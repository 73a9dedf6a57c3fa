//! Engine: the execution client, embedded or behind the Engine API.
//!
//! Two kinds of messages: those by which chain builds, judges and follows blocks, and those by which
//! wallets read state and send transactions (through rpc). Payload hashes are execution block hashes.

use std::sync::Arc;

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rpc_types_eth as eth;
use alys_primitives::{Block, ExecutionFacts, ExecutionPayloadV3, payload::PayloadRules};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::query::{AccountInfo, PoolStatus, QueryError, TransactionRefusal};
use crate::{Reply, protocol_kinds};

/// Names a payload under construction.
pub type PayloadId = [u8; 8];

/// What the engine can be asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum EngineMessage {
    /// Begin to build a payload on `rules.parent_hash`. Sent by chain when it knows the parent.
    ///
    /// Answered at once with an id, building goes on. Idempotent: the same rules give the same id.
    /// [`EngineError::Unavailable`] where the parent is not executed.
    BuildExecutionPayload {
        /// Every field that this side of the chain prescribes.
        rules: Box<PayloadRules>,
        /// The id to seal it by.
        reply: Reply<PayloadId, EngineError>,
    },
    /// Take the best payload built so far; ends the building. Sent by chain.
    ///
    /// [`EngineError::UnknownPayload`] where no such building is under way, as after a restart.
    SealPayload {
        /// From [`BuildExecutionPayload`](EngineMessage::BuildExecutionPayload).
        id: PayloadId,
        /// The payload.
        reply: Reply<Box<SealedPayload>, EngineError>,
    },
    /// Execute a block's payload on its parent and judge it. Sent by chain, after the block is durable.
    ///
    /// Idempotent. INVALID is this client's word, and may be a fault of its disk; chain withholds the
    /// vote and may ask again. A VALID comes with its facts.
    ValidatePayload {
        /// The block; `check_copy` passed.
        block: Arc<Block>,
        /// The judgement.
        reply: Reply<PayloadVerdict, EngineError>,
    },
    /// Make `head` the client's head, and mark what is safe and finalized. Sent by chain.
    ///
    /// Idempotent. The answer is the client's own latest block, read back: VALID proves nothing.
    ForkchoiceUpdate {
        /// Payload hashes of head, safe and finalized.
        choice: Forkchoice,
        /// Where the client really stands.
        reply: Reply<EngineHead, EngineError>,
    },
    /// The client's own latest block. Sent by chain; whoever asks for wallets, of a client behind the Engine API, asks
    /// its JSON-RPC instead, for an answer that does not come in time takes the client for away.
    Head {
        /// Where the client stands.
        reply: Reply<EngineHead, EngineError>,
    },
    /// Check a signed transaction and take it into the pool. Sent by rpc and network.
    ///
    /// Answered with its hash when it is in the pool.
    SubmitTransaction {
        /// The EIP-2718 encoding.
        raw: Bytes,
        /// Its hash.
        reply: Reply<B256, TransactionRefusal>,
    },
    /// An account's nonce, balance and code hash. Sent by rpc. `Pending` counts the pool's nonces.
    Account {
        /// Whose.
        address: Address,
        /// At which block.
        at: BlockId,
        /// All zero where there is no such account.
        reply: Reply<AccountInfo, QueryError>,
    },
    /// An account's code. Sent by rpc.
    Code {
        /// Whose.
        address: Address,
        /// At which block.
        at: BlockId,
        /// Empty for an account of a key.
        reply: Reply<Bytes, QueryError>,
    },
    /// One storage slot. Sent by rpc.
    Storage {
        /// Whose.
        address: Address,
        /// Which slot.
        slot: U256,
        /// At which block.
        at: BlockId,
        /// Zero where it was never set.
        reply: Reply<B256, QueryError>,
    },
    /// Execute a call without a transaction. Sent by rpc; bounded by the gas cap of the configuration.
    Call {
        /// The call.
        request: Box<eth::TransactionRequest>,
        /// On the state after which block.
        at: BlockId,
        /// Its output; a revert is [`QueryError::Reverted`] with its data.
        reply: Reply<Bytes, QueryError>,
    },
    /// The least gas limit with which a transaction succeeds. Sent by rpc.
    EstimateGas {
        /// The transaction.
        request: Box<eth::TransactionRequest>,
        /// On the state after which block.
        at: BlockId,
        /// Units of gas.
        reply: Reply<u64, QueryError>,
    },
    /// As [`Call`](EngineMessage::Call), on a state and in a block that are changed for it alone.
    CallOverridden {
        /// The call.
        request: Box<eth::TransactionRequest>,
        /// On the state after which block.
        at: BlockId,
        /// What is changed.
        overrides: Box<eth::state::EvmOverrides>,
        /// Its output; a revert is [`QueryError::Reverted`] with its data.
        reply: Reply<Bytes, QueryError>,
    },
    /// As [`EstimateGas`](EngineMessage::EstimateGas), on a state and in a block that are changed for it alone.
    EstimateOverridden {
        /// The transaction.
        request: Box<eth::TransactionRequest>,
        /// On the state after which block.
        at: BlockId,
        /// What is changed.
        overrides: Box<eth::state::EvmOverrides>,
        /// Units of gas.
        reply: Reply<u64, QueryError>,
    },
    /// Which accounts and slots a transaction would touch (EIP-2930). Sent by rpc.
    AccessList {
        /// The transaction.
        request: Box<eth::TransactionRequest>,
        /// On the state after which block.
        at: BlockId,
        /// What is changed, if anything.
        overrides: Box<eth::state::EvmOverrides>,
        /// The list, the gas used with it, and why the transaction fails, where it does.
        reply: Reply<Box<eth::AccessListResult>, QueryError>,
    },
    /// An account and some of its slots with their proofs (EIP-1186). Sent by rpc, which bounds the slots.
    Proof {
        /// Whose.
        address: Address,
        /// Which slots.
        slots: Vec<U256>,
        /// At which block.
        at: BlockId,
        /// The slots in the order they were asked for.
        reply: Reply<Box<eth::EIP1186AccountProofResponse>, QueryError>,
    },
    /// An execution block. Sent by rpc.
    BlockBy {
        /// Which.
        at: BlockId,
        /// Whole transactions, or their hashes.
        full: bool,
        /// `None` where there is none.
        reply: Reply<Option<Box<eth::Block>>, QueryError>,
    },
    /// A transaction, mined or in the pool. Sent by rpc.
    Transaction {
        /// Its hash.
        hash: B256,
        /// `None` where it is not known.
        reply: Reply<Option<Box<eth::Transaction>>, QueryError>,
    },
    /// The receipt of a mined transaction. Sent by rpc.
    Receipt {
        /// The transaction's hash.
        hash: B256,
        /// `None` where it is not mined.
        reply: Reply<Option<Box<eth::TransactionReceipt>>, QueryError>,
    },
    /// All receipts of a block. Sent by rpc.
    BlockReceipts {
        /// Which block.
        at: BlockId,
        /// In the order of the transactions; `None` where there is no such block.
        reply: Reply<Option<Vec<eth::TransactionReceipt>>, QueryError>,
    },
    /// Logs that match a filter. Sent by rpc; bounded by range and count of the configuration.
    Logs {
        /// The filter.
        filter: Box<eth::Filter>,
        /// In chain order.
        reply: Reply<Vec<eth::Log>, QueryError>,
    },
    /// Base fees, fullness and tips of past blocks (EIP-1559 wallets). Sent by rpc.
    FeeHistory {
        /// How many blocks.
        count: u64,
        /// The newest of them.
        newest: BlockNumberOrTag,
        /// Which percentiles of the tips, rising, 0 to 100.
        percentiles: Vec<f64>,
        /// The history.
        reply: Reply<Box<eth::FeeHistory>, QueryError>,
    },
    /// A tip per gas, in wei, with which a transaction should be in the next blocks. Sent by rpc.
    SuggestedTip {
        /// Wei per gas.
        reply: Reply<u128, QueryError>,
    },
    /// How many transactions wait. Sent by anyone.
    PoolStatus {
        /// The counts.
        reply: Reply<PoolStatus, QueryError>,
    },
    /// A question for the client's own JSON-RPC, in its words. Sent by rpc where the client has a
    /// JSON-RPC of its own; the embedded client has none and does not support this.
    ///
    /// A refusal of the client is [`QueryError::Client`], as it came.
    Forward {
        /// The method, as `eth_getProof`.
        method: String,
        /// Its parameters, a JSON array or object; none is an empty array.
        params: Option<Box<RawValue>>,
        /// The result, as it came.
        reply: Reply<Box<RawValue>, QueryError>,
    },
    /// Throw the client's data away and begin at genesis again. Sent by chain, as its last resort, when
    /// replays do not bring the client to where storage is.
    ///
    /// Answered when the client stands at genesis. [`EngineError::NotManaged`] where the client is not in
    /// this node's hands: an operator has to do it, and the text says how.
    Reset {
        /// Done.
        reply: Reply<(), EngineError>,
    },
}

protocol_kinds!(
    EngineMessage,
    "engine",
    [
        BuildExecutionPayload,
        SealPayload,
        ValidatePayload,
        ForkchoiceUpdate,
        Head,
        SubmitTransaction,
        Account,
        Code,
        Storage,
        Call,
        EstimateGas,
        CallOverridden,
        EstimateOverridden,
        AccessList,
        Proof,
        BlockBy,
        Transaction,
        Receipt,
        BlockReceipts,
        Logs,
        FeeHistory,
        SuggestedTip,
        PoolStatus,
        Forward,
        Reset,
    ]
);

/// A payload ready to be proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedPayload {
    /// The payload.
    pub payload: ExecutionPayloadV3,
    /// Its execution requests (EIP-7685).
    pub requests: Vec<Bytes>,
    /// Fees it collects, in wei.
    pub fees: U256,
}

/// A client's judgement of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayloadVerdict {
    /// Executed; all of its claims are true.
    Valid(ExecutionFacts),
    /// The client says no.
    Invalid {
        /// Why, in the client's words.
        reason: String,
    },
    /// It cannot be judged now.
    Unavailable {
        /// What is missing.
        lack: Lack,
        /// The same in words.
        what: String,
    },
}

/// What keeps a payload from being judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lack {
    /// The parent, or one below it: the client has to be given those first.
    Parent,
    /// An answer: the client is out of reach, or too slow.
    Answer,
    /// A judgement: the client answers, and with an error.
    Judgement,
    /// The facts: it says VALID, and what the payload did cannot be had.
    Facts,
}

/// Payload hashes that the client shall follow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forkchoice {
    /// `latest`: the notarized head.
    pub head: B256,
    /// `safe`: final by the federation.
    pub safe: B256,
    /// `finalized`: anchored in Bitcoin by a final block.
    pub finalized: B256,
}

/// Where a client stands, by its own word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EngineHead {
    /// The number of its latest block.
    pub number: u64,
    /// The hash of its latest block.
    pub hash: B256,
    /// The height whose state is durable: payloads below it need not be replayed after a crash.
    pub durable: u64,
}

/// How the execution client fares. Published as [`Latest`](crate::Latest) whenever it changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EngineHealth {
    /// It answers, and executes what it is given. The embedded client always.
    #[default]
    Synced,
    /// It answers, and has not the parents of what it is given, or is not where it was sent.
    Syncing,
    /// It does not answer, or not in time, or is another chain's.
    Offline,
    /// It refuses this node's token: the two have different JWT secrets, or clocks.
    AuthFailed,
}

/// Why the engine could not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Something is missing that may come; ask again.
    #[error("the execution client cannot do this now: {0}")]
    Unavailable(String),
    /// No payload is being built under this id.
    #[error("no payload is being built under this id")]
    UnknownPayload,
    /// The client answers, and does not do it: it broke its contract, or its disk failed.
    #[error("the execution client failed: {0}")]
    Failed(String),
    /// The client's data are not this node's to throw away, or not again: an operator is needed, and this says what for.
    #[error("{0}")]
    NotManaged(String),
}
