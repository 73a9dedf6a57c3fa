//! What the methods take and give, where alloy's types are wider or narrower than what clients send.

use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{B64, B256, Bloom, Bytes, U64, U256};
use alloy_rpc_types_engine::ExecutionPayloadV3;
use serde::{Deserialize, Serialize};

use crate::status::PayloadStatus;

/// Names a payload that a client is building: 8 bytes of its choice.
pub type PayloadId = B64;

/// `ForkchoiceStateV1`. `safe` and `finalized` are zero, or ancestors of `head` (or `head` itself), or the
/// client answers -38002.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forkchoice {
    /// The head's block hash.
    #[serde(rename = "headBlockHash")]
    pub head: B256,
    /// The safe block's.
    #[serde(rename = "safeBlockHash")]
    pub safe: B256,
    /// The finalized block's.
    #[serde(rename = "finalizedBlockHash")]
    pub finalized: B256,
}

/// What a forkchoice is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForkchoiceUpdated {
    /// Of the head. VALID proves nothing: read the head back.
    pub payload_status: PayloadStatus,
    /// The payload that is being built, if one was asked for, and the client could begin.
    #[serde(default)]
    pub payload_id: Option<PayloadId>,
}

/// A payload that the client has built.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuiltPayload {
    /// The payload.
    #[serde(rename = "executionPayload")]
    pub payload: ExecutionPayloadV3,
    /// What the fee recipient gains, in wei, by the client's word: tips without base fees.
    pub block_value: U256,
    /// Execution requests (EIP-7685); none before Prague.
    #[serde(default, rename = "executionRequests")]
    pub requests: Vec<Bytes>,
}

/// `ExecutionPayloadBodyV1`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PayloadBody {
    /// EIP-2718 encodings.
    pub transactions: Vec<Bytes>,
    /// `None` before Shanghai.
    #[serde(default)]
    pub withdrawals: Option<Vec<Withdrawal>>,
}

/// `ClientVersionV1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientVersion {
    /// Two letters, as `GE`.
    pub code: String,
    /// As `Geth`.
    pub name: String,
    /// As `v1.17.8-stable`.
    pub version: String,
    /// Four bytes in hex.
    pub commit: String,
}

/// What makes a client one of this chain, or of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The EVM chain id.
    pub chain_id: u64,
    /// The hash of its block 0.
    pub genesis: B256,
}

/// The part of a block that says where a client stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeadBlock {
    /// Its hash.
    pub hash: B256,
    /// Its height.
    #[serde(deserialize_with = "quantity")]
    pub number: u64,
    /// Its parent's hash.
    pub parent_hash: B256,
    /// Its receipts' root.
    pub receipts_root: B256,
    /// Its logs' bloom.
    pub logs_bloom: Bloom,
    /// Its timestamp, in Unix seconds.
    #[serde(deserialize_with = "quantity")]
    pub timestamp: u64,
}

/// A number in 0x-hex without leading zeros.
fn quantity<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    U64::deserialize(deserializer).map(|number| number.to())
}

/// The answer of `eth_syncing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Syncing {
    /// `false`: not syncing, as the client sees it.
    No(bool),
    /// How far it is.
    Yes {
        /// The block it is at.
        #[serde(rename = "currentBlock")]
        current: U64,
        /// The block it knows of.
        #[serde(rename = "highestBlock")]
        highest: U64,
    },
}

impl Syncing {
    /// Whether it syncs.
    #[must_use]
    pub fn is_syncing(&self) -> bool {
        !matches!(self, Self::No(false))
    }
}
