//! From the bytes of a payload, or of an RLP block, to a block whose hash is checked.

use alloy_consensus::{BlockBody, EMPTY_OMMER_ROOT_HASH, Header, proofs};
use alloy_eips::eip7685::Requests;
use alloy_eips::{Decodable2718, Encodable2718};
use alloy_primitives::{B256, Bytes};
use alloy_rlp::Decodable;
use alloy_rpc_types_engine::ExecutionPayloadV3;

use super::{Block, InvalidPayload, Transaction};

/// A block with its hash, and the requests that came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadBlock {
    /// The block's hash, computed here.
    pub hash: B256,
    /// The block; the roots of its transactions and withdrawals match its header.
    pub block: Block,
    /// The requests beside the payload; `None` where the block came without them.
    pub requests: Option<Requests>,
}

/// Takes a payload of the Engine API (V3 with the fields of V4 beside it) apart.
///
/// # Errors
/// [`InvalidPayload`]: bytes that are no transactions, a hash that is not the header's.
pub fn block_from_payload(
    payload: &ExecutionPayloadV3,
    parent_beacon_block_root: B256,
    execution_requests: &[Bytes],
) -> Result<PayloadBlock, InvalidPayload> {
    let (v2, v1) = (&payload.payload_inner, &payload.payload_inner.payload_inner);
    let base_fee = u64::try_from(v1.base_fee_per_gas)
        .map_err(|_| InvalidPayload::BaseFee { found: v1.base_fee_per_gas, expected: u64::MAX })?;
    let requests = Requests::new(execution_requests.to_vec());
    let header = Header {
        parent_hash: v1.parent_hash,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: v1.fee_recipient,
        state_root: v1.state_root,
        transactions_root: proofs::ordered_trie_root_encoded(&v1.transactions),
        receipts_root: v1.receipts_root,
        logs_bloom: v1.logs_bloom,
        number: v1.block_number,
        gas_limit: v1.gas_limit,
        gas_used: v1.gas_used,
        timestamp: v1.timestamp,
        extra_data: v1.extra_data.clone(),
        mix_hash: v1.prev_randao,
        base_fee_per_gas: Some(base_fee),
        withdrawals_root: Some(proofs::calculate_withdrawals_root(&v2.withdrawals)),
        blob_gas_used: Some(payload.blob_gas_used),
        excess_blob_gas: Some(payload.excess_blob_gas),
        parent_beacon_block_root: Some(parent_beacon_block_root),
        requests_hash: Some(requests.requests_hash()),
        ..Header::default()
    };
    let found = header.hash_slow();
    if found != v1.block_hash {
        return Err(InvalidPayload::BlockHash { found, expected: v1.block_hash });
    }
    let transactions = v1
        .transactions
        .iter()
        .enumerate()
        .map(|(index, bytes)| {
            decode_transaction(bytes)
                .map_err(|reason| InvalidPayload::UndecodableTransaction { index, reason })
        })
        .collect::<Result<_, _>>()?;
    let withdrawals = Some(v2.withdrawals.clone().into());
    let body = BlockBody { transactions, ommers: Vec::new(), withdrawals };
    Ok(PayloadBlock { hash: found, block: Block { header, body }, requests: Some(requests) })
}

/// Decoders are lenient here and there; only the bytes that encoding gives back are the transaction
/// whose hash the header commits to.
fn decode_transaction(bytes: &Bytes) -> Result<Transaction, String> {
    let transaction = Transaction::decode_2718_exact(bytes).map_err(|error| error.to_string())?;
    if transaction.encoded_2718() != bytes.as_ref() {
        return Err("not in its canonical encoding".into());
    }
    Ok(transaction)
}

/// Reads an RLP block, as files and test vectors carry it.
///
/// # Errors
/// [`InvalidPayload`] for bytes that are no block, or roots that are not those of its body.
pub fn decode_block(bytes: &[u8]) -> Result<PayloadBlock, InvalidPayload> {
    let undecodable = |error: alloy_rlp::Error| InvalidPayload::Undecodable(error.to_string());
    let mut rest = bytes;
    let block = Block::decode(&mut rest).map_err(undecodable)?;
    // The inner length of a typed transaction, among others, is not checked by the decoder.
    if !rest.is_empty() || alloy_rlp::encode(&block) != bytes {
        return Err(InvalidPayload::Undecodable("not in its canonical encoding".into()));
    }
    if !block.body.ommers.is_empty() {
        return Err(InvalidPayload::FixedField("ommers_hash"));
    }
    let found = proofs::calculate_transaction_root(&block.body.transactions);
    let expected = block.header.transactions_root;
    if found != expected {
        return Err(InvalidPayload::TransactionsRoot { found, expected });
    }
    match (block.body.calculate_withdrawals_root(), block.header.withdrawals_root) {
        (Some(found), Some(expected)) if found != expected => {
            return Err(InvalidPayload::WithdrawalsRoot { found, expected });
        }
        (Some(_), Some(_)) => {}
        _ => return Err(InvalidPayload::ForkField("withdrawals_root")),
    }
    Ok(PayloadBlock { hash: block.header.hash_slow(), block, requests: None })
}
