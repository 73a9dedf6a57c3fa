//! A block that has been executed, and how it is stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_consensus::{BlockBody, Header};
use alloy_eips::Encodable2718;
use alloy_eips::eip4895::{Withdrawal, Withdrawals};
use alloy_eips::eip7685::Requests;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use alloy_rpc_types_engine::{ExecutionPayloadV1, ExecutionPayloadV2, ExecutionPayloadV3};

use crate::error::StateError;
use crate::execute::{Block, ExecutionFacts, Receipt, RecoveredTransaction};
use crate::state::Overlay;

/// A block's height and hash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct BlockRef {
    /// Its height.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
}

/// A block with all that executing it gave, but for the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutedBlock {
    /// The block's hash.
    pub hash: B256,
    /// Its header.
    pub header: Header,
    /// Its transactions with their senders.
    pub transactions: Vec<RecoveredTransaction>,
    /// Its withdrawals (EIP-4895), amounts in gwei.
    pub withdrawals: Vec<Withdrawal>,
    /// One receipt for each transaction.
    pub receipts: Vec<Receipt>,
    /// EIP-7685.
    pub requests: Requests,
    /// Fees and gas.
    pub facts: ExecutionFacts,
}

/// A block above the base: executed, with the state it leads to.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) block: Arc<ExecutedBlock>,
    pub(crate) overlay: Arc<Overlay>,
    /// Where each transaction stands.
    pub(crate) index: BTreeMap<B256, u64>,
}

/// A candidate made here; kept opaque until it is adopted.
pub(crate) type BuiltBlock = Arc<Candidate>;

impl ExecutedBlock {
    /// Height and hash.
    #[must_use]
    pub fn reference(&self) -> BlockRef {
        BlockRef { number: self.header.number, hash: self.hash }
    }

    /// The payload of the Engine API (V3); the beacon root and the requests go beside it.
    #[must_use]
    pub fn payload(&self) -> ExecutionPayloadV3 {
        let header = &self.header;
        let transactions = self.transactions.iter().map(|tx| tx.inner().encoded_2718().into()).collect();
        let payload_inner = ExecutionPayloadV1 {
            parent_hash: header.parent_hash,
            fee_recipient: header.beneficiary,
            state_root: header.state_root,
            receipts_root: header.receipts_root,
            logs_bloom: header.logs_bloom,
            prev_randao: header.mix_hash,
            block_number: header.number,
            gas_limit: header.gas_limit,
            gas_used: header.gas_used,
            timestamp: header.timestamp,
            extra_data: header.extra_data.clone(),
            base_fee_per_gas: U256::from(header.base_fee_per_gas.unwrap_or_default()),
            block_hash: self.hash,
            transactions,
        };
        ExecutionPayloadV3 {
            payload_inner: ExecutionPayloadV2 { payload_inner, withdrawals: self.withdrawals.clone() },
            blob_gas_used: header.blob_gas_used.unwrap_or_default(),
            excess_blob_gas: header.excess_blob_gas.unwrap_or_default(),
        }
    }
}

impl Candidate {
    pub(crate) fn new(block: ExecutedBlock, overlay: Overlay) -> Self {
        let hashes = block.transactions.iter().map(|tx| *tx.inner().tx_hash());
        let index = hashes.zip(0u64..).collect();
        Self { block: Arc::new(block), overlay: Arc::new(overlay), index }
    }

    /// About how many bytes committing it writes.
    pub(crate) fn weight(&self) -> usize {
        let nodes: usize = self
            .overlay
            .nodes
            .values()
            .map(|change| {
                let length = |node: &Option<Bytes>| node.as_ref().map_or(0, |rlp| rlp.len());
                length(&change.before) + length(&change.after) + 100
            })
            .sum();
        let flat = self.overlay.accounts.len() * 400 + self.overlay.slots.len() * 300;
        let transactions = self.block.transactions.len() * 700;
        nodes + flat + transactions + 1
    }
}

/// What is stored under a block's hash. Senders are kept so that nobody recovers them again.
#[derive(RlpEncodable, RlpDecodable)]
struct BlockRecord {
    block: Block,
    senders: Vec<Address>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct ReceiptsRecord {
    receipts: Vec<Receipt>,
    requests: Vec<Bytes>,
    fees: U256,
}

/// The two records of a block: block with senders, and what executing it gave.
pub(super) fn encode(block: &ExecutedBlock) -> (Vec<u8>, Vec<u8>) {
    let body = BlockBody {
        transactions: block.transactions.iter().map(|tx| tx.inner().clone()).collect(),
        ommers: Vec::new(),
        withdrawals: Some(Withdrawals::new(block.withdrawals.clone())),
    };
    let record = BlockRecord {
        block: Block { header: block.header.clone(), body },
        senders: block.transactions.iter().map(|tx| tx.signer()).collect(),
    };
    let receipts = ReceiptsRecord {
        receipts: block.receipts.clone(),
        requests: block.requests.iter().cloned().collect(),
        fees: block.facts.fees,
    };
    (alloy_rlp::encode(record), alloy_rlp::encode(receipts))
}

/// The block of two records made by [`encode`].
pub(super) fn decode(hash: B256, block: &[u8], receipts: &[u8]) -> Result<ExecutedBlock, StateError> {
    let bad = |reason: String| StateError::bad(format!("block {hash}"), reason);
    let BlockRecord { block, senders } =
        alloy_rlp::decode_exact(block).map_err(|error| bad(error.to_string()))?;
    let results: ReceiptsRecord =
        alloy_rlp::decode_exact(receipts).map_err(|error| bad(error.to_string()))?;
    if block.header.hash_slow() != hash {
        return Err(bad("its header has another hash".into()));
    }
    let count = block.body.transactions.len();
    if senders.len() != count || results.receipts.len() != count {
        return Err(bad("senders, receipts and transactions are not equally many".into()));
    }
    let transactions = block
        .body
        .transactions
        .into_iter()
        .zip(senders)
        .map(|(tx, sender)| RecoveredTransaction::new_unchecked(tx, sender))
        .collect();
    let gas_used = block.header.gas_used;
    Ok(ExecutedBlock {
        hash,
        header: block.header,
        transactions,
        withdrawals: block.body.withdrawals.unwrap_or_default().into_inner(),
        receipts: results.receipts,
        requests: Requests::new(results.requests),
        facts: ExecutionFacts { fees: results.fees, gas_used },
    })
}
