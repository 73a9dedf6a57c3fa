//! A page: a block that holds one line of text, and names the page before it.

use std::sync::Arc;

use alys_primitives::{
    Address, B256, Block, Body, Bytes, ExecutionFacts, ExecutionPayloadV1, ExecutionPayloadV2,
    ExecutionPayloadV3, Header, PegState, SignedProposal, U256,
    block::{DecodeError, VERSION},
    payload::{PayloadError, block_hash},
};
use alys_storage::{BlockChange, BlockRef, HeadUpdate};

/// The page after `before`; without one, the cover at height 0.
pub(crate) fn write(before: Option<&Header>, text: &str) -> Result<Arc<SignedProposal>, PayloadError> {
    let height = before.map_or(0, |before| before.height + 1);
    let parent = before.map_or(B256::ZERO, Header::hash);
    let mut payload = payload(height, before.map_or(B256::ZERO, |before| before.payload_hash), text);
    // What the integrity check recomputes: the text is bound to the page's hash.
    let payload_hash = block_hash(&payload, parent, &[])?;
    payload.payload_inner.payload_inner.block_hash = payload_hash;
    let body = Body::default();
    let header = Header {
        version: VERSION,
        height,
        slot: height,
        parent,
        payload_hash,
        body_root: body.root(),
        peg_root: PegState::default().root(),
        ..Header::default()
    };
    let block = Block { header, body, payload, execution_requests: Default::default() };
    Ok(Arc::new(SignedProposal { block, signature: Default::default() }))
}

fn payload(height: u64, parent_hash: B256, text: &str) -> ExecutionPayloadV3 {
    // The height is what a nonce is to a transaction: the same line twice is two entries.
    let transactions = vec![Bytes::from([&height.to_be_bytes(), text.as_bytes()].concat())];
    let payload_inner = ExecutionPayloadV1 {
        parent_hash,
        fee_recipient: Address::ZERO,
        state_root: B256::ZERO,
        receipts_root: B256::ZERO,
        logs_bloom: Default::default(),
        prev_randao: B256::ZERO,
        block_number: height,
        gas_limit: 0,
        gas_used: 0,
        timestamp: height,
        extra_data: Bytes::new(),
        base_fee_per_gas: U256::ZERO,
        block_hash: B256::ZERO,
        transactions,
    };
    let payload_inner = ExecutionPayloadV2 { payload_inner, withdrawals: Vec::new() };
    ExecutionPayloadV3 { payload_inner, blob_gas_used: 0, excess_blob_gas: 0 }
}

/// The text of a page.
pub(crate) fn text(page: &SignedProposal) -> Result<String, DecodeError> {
    let lines = &page.block.payload.payload_inner.payload_inner.transactions;
    let line = lines.first().and_then(|line| line.get(8..));
    let line = line.ok_or_else(|| DecodeError("the page is empty".to_owned()))?;
    String::from_utf8(line.to_vec()).map_err(|error| DecodeError(error.to_string()))
}

/// The move that makes a page the last one: it is final at once, for nobody else writes here.
pub(crate) fn turn_to(page: &SignedProposal) -> HeadUpdate {
    let header = &page.block.header;
    let place = BlockRef { height: header.height, slot: header.slot, hash: header.hash() };
    HeadUpdate {
        head: place,
        finalized: place,
        changes: vec![BlockChange {
            block: place.hash,
            facts: ExecutionFacts::default(),
            peg: PegState::default(),
        }],
        finalization: None,
        notarization: None,
    }
}
