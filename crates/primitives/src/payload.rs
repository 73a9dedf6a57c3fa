//! What an execution payload must repeat from this side of the chain, and its block hash.

use alloy_consensus::BlockHeader as _;
use alloy_eips::{eip4895::Withdrawal, eip7685::Requests};
use alloy_primitives::{Address, B256, Bytes};
use alloy_rpc_types_engine::{
    CancunPayloadFields, ExecutionPayload, ExecutionPayloadSidecar, ExecutionPayloadV3, PraguePayloadFields,
};

use crate::block::RequestBytes;

/// The EIP-2718 type byte of a blob transaction.
const BLOB_TYPE: u8 = 3;

/// What this side of the chain prescribes to an execution payload. The builder hands it to the
/// execution client as attributes; the verifier compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadRules {
    /// The parent's `payload_hash`.
    pub parent_hash: B256,
    /// The block's height.
    pub block_number: u64,
    /// The slot's start, Unix seconds.
    pub timestamp: u64,
    /// SHA-256 of the parent's certificate signatures.
    pub prev_randao: B256,
    /// The fee sink of the spec.
    pub fee_recipient: Address,
    /// The gas limit of the spec, exactly.
    pub gas_limit: u64,
    /// The parent's block hash: the EVM side commits to this side by it (EIP-4788).
    pub parent_beacon_block_root: B256,
    /// What [`crate::withdrawals::expected_withdrawals`] returns.
    pub withdrawals: Vec<Withdrawal>,
}

/// Where a payload departs from the rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// One field is not what it must be.
    #[error("payload.{field} is {found}, must be {expected}")]
    Field {
        /// The field's name in the payload.
        field: &'static str,
        /// What stands there.
        found: String,
        /// What must stand there.
        expected: String,
    },
    /// The withdrawals differ from the expected ones, first at this place.
    #[error("payload.withdrawals differ at entry {at}: found {found}, expected {expected}")]
    Withdrawals {
        /// The index of the first entry that differs.
        at: usize,
        /// The entry found, or `nothing`.
        found: String,
        /// The entry expected, or `nothing`.
        expected: String,
    },
    /// A blob transaction (EIP-4844): there is no blob space on this chain.
    #[error("payload.transactions[{at}] is a blob transaction; this chain has no blobs")]
    Blob {
        /// The transaction's index.
        at: usize,
    },
    /// The payload cannot be decoded into an execution block.
    #[error("{0}")]
    Malformed(String),
}

impl PayloadRules {
    /// Compares every prescribed field.
    ///
    /// # Errors
    /// The first field that differs.
    pub fn check(&self, payload: &ExecutionPayloadV3) -> Result<(), PayloadError> {
        let inner = &payload.payload_inner.payload_inner;
        field("parent_hash", inner.parent_hash, self.parent_hash)?;
        field("block_number", inner.block_number, self.block_number)?;
        field("timestamp", inner.timestamp, self.timestamp)?;
        field("prev_randao", inner.prev_randao, self.prev_randao)?;
        field("fee_recipient", inner.fee_recipient, self.fee_recipient)?;
        field("gas_limit", inner.gas_limit, self.gas_limit)?;
        field("blob_gas_used", payload.blob_gas_used, 0)?;
        field("excess_blob_gas", payload.excess_blob_gas, 0)?;
        if let Some(at) = inner.transactions.iter().position(|tx| tx.first() == Some(&BLOB_TYPE)) {
            return Err(PayloadError::Blob { at });
        }
        self.check_withdrawals(&payload.payload_inner.withdrawals)
    }

    fn check_withdrawals(&self, found: &[Withdrawal]) -> Result<(), PayloadError> {
        let longest = found.len().max(self.withdrawals.len());
        let show = |w: Option<&Withdrawal>| w.map_or("nothing".to_owned(), |w| format!("{w:?}"));
        match (0..longest).find(|at| found.get(*at) != self.withdrawals.get(*at)) {
            None => Ok(()),
            Some(at) => Err(PayloadError::Withdrawals {
                at,
                found: show(found.get(at)),
                expected: show(self.withdrawals.get(at)),
            }),
        }
    }
}

fn field<T: PartialEq + std::fmt::Debug>(
    field: &'static str,
    found: T,
    expected: T,
) -> Result<(), PayloadError> {
    if found == expected {
        return Ok(());
    }
    let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
    Err(PayloadError::Field { field, found, expected })
}

/// The execution block hash of (payload, parent, requests), recomputed: the keccak-256 of the RLP of
/// the execution header, whose `parent_beacon_block_root` is our parent's hash.
///
/// The hash that the payload names itself is not believed.
///
/// # Errors
/// [`PayloadError::Malformed`] where a transaction or the extra data cannot be decoded.
pub fn block_hash(
    payload: &ExecutionPayloadV3,
    parent: B256,
    requests: &[RequestBytes],
) -> Result<B256, PayloadError> {
    let sidecar = ExecutionPayloadSidecar::v4(
        CancunPayloadFields { parent_beacon_block_root: parent, versioned_hashes: Vec::new() },
        PraguePayloadFields::new(to_requests(requests)),
    );
    // Only the header is wanted; raw transactions keep the roots exact without decoding each.
    let block = ExecutionPayload::V3(payload.clone())
        .into_block_with_sidecar_raw(&sidecar)
        .map_err(|error| PayloadError::Malformed(error.to_string()))?;
    debug_assert_eq!(block.header.parent_hash(), payload.payload_inner.payload_inner.parent_hash);
    Ok(block.header.hash_slow())
}

/// Execution requests in alloy's form.
#[must_use]
pub fn to_requests(requests: &[RequestBytes]) -> Requests {
    Requests::new(requests.iter().map(|r| Bytes::copy_from_slice(r)).collect())
}
