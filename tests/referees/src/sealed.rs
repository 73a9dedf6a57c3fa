//! A block as clients hand it to each other, and what they say about it.

use std::fmt;

use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header, proofs};
use alloy_eips::eip7685::Requests;
use alloy_primitives::{B256, Bytes};
use alloy_rpc_types_engine::ExecutionPayloadV3;
use alys_engine::BuiltPayload;
use eyre::OptionExt;

/// A payload with what the Engine API carries beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The payload.
    pub payload: ExecutionPayloadV3,
    /// EIP-4788.
    pub parent_beacon_block_root: B256,
    /// EIP-7685.
    pub requests: Vec<Bytes>,
}

impl Sealed {
    /// A payload that the embedded engine has built.
    ///
    /// # Errors
    /// None under Prague, whose headers have a beacon root.
    pub fn built(built: &BuiltPayload) -> eyre::Result<Self> {
        let root = built.block().header.parent_beacon_block_root.ok_or_eyre("a header of Prague")?;
        let requests = built.execution_requests();
        Ok(Self { payload: built.payload(), parent_beacon_block_root: root, requests })
    }

    /// The hash that the payload names.
    #[must_use]
    pub fn hash(&self) -> B256 {
        self.payload.payload_inner.payload_inner.block_hash
    }

    /// Its height.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.payload.payload_inner.payload_inner.block_number
    }

    /// The header that these fields make.
    ///
    /// # Errors
    /// A base fee of more than 64 bits, which no header here holds.
    pub fn header(&self) -> eyre::Result<Header> {
        let inner = &self.payload.payload_inner.payload_inner;
        Ok(Header {
            parent_hash: inner.parent_hash,
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: inner.fee_recipient,
            state_root: inner.state_root,
            transactions_root: proofs::ordered_trie_root_encoded(&inner.transactions),
            receipts_root: inner.receipts_root,
            logs_bloom: inner.logs_bloom,
            number: inner.block_number,
            gas_limit: inner.gas_limit,
            gas_used: inner.gas_used,
            timestamp: inner.timestamp,
            extra_data: inner.extra_data.clone(),
            mix_hash: inner.prev_randao,
            base_fee_per_gas: Some(u64::try_from(inner.base_fee_per_gas)?),
            withdrawals_root: Some(proofs::calculate_withdrawals_root(
                &self.payload.payload_inner.withdrawals,
            )),
            blob_gas_used: Some(self.payload.blob_gas_used),
            excess_blob_gas: Some(self.payload.excess_blob_gas),
            parent_beacon_block_root: Some(self.parent_beacon_block_root),
            requests_hash: Some(Requests::new(self.requests.clone()).requests_hash()),
            ..Header::default()
        })
    }

    /// Gives it the hash that its fields make, as a forger would.
    ///
    /// # Errors
    /// As [`Sealed::header`].
    pub fn rehash(mut self) -> eyre::Result<Self> {
        let hash = self.header()?.hash_slow();
        self.payload.payload_inner.payload_inner.block_hash = hash;
        Ok(self)
    }
}

/// What a client says about a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is valid, under the hash that it names.
    Valid,
    /// It breaks a rule.
    Invalid(String),
    /// The client cannot tell: it has no parent for it.
    Unknown,
}

impl Verdict {
    /// Whether both say the same; reasons are each client's own.
    #[must_use]
    pub fn agrees(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Valid => f.write_str("VALID"),
            Self::Invalid(reason) => write!(f, "INVALID ({reason})"),
            Self::Unknown => f.write_str("parent unknown"),
        }
    }
}
