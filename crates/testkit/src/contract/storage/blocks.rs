//! Blocks that fit together as far as storage can tell; no client has executed them. For the suite, and for a storage's own tests.

use std::sync::Arc;

use alloy_primitives::{FixedBytes, keccak256};
use alloy_rpc_types_engine::{ExecutionPayloadV1, ExecutionPayloadV2};
use alys_bus::protocol::storage::{BlockChange, BlockRef, HeadUpdate};
use alys_primitives::{
    B256, Block as Unsigned, Body, Bytes, Certificate, ExecutionFacts, ExecutionPayloadV3, Header, PegState,
    SignedProposal, U256, VoteKind, block::VERSION, payload::block_hash, vote::VoteData,
};

use super::Block;

/// The first block of every chain here.
pub fn genesis() -> Block {
    make(None, 0, Vec::new())
}

/// A block on `parent` in `slot`; another slot is another block.
pub fn child(parent: &SignedProposal, slot: u64) -> Block {
    make(Some(parent), slot, vec![transaction(slot)])
}

/// Genesis and `count` blocks on it, so that each block's index is its height.
pub fn line(count: u64) -> Vec<Block> {
    let mut blocks = vec![genesis()];
    for slot in 1..=count {
        if let Some(parent) = blocks.last() {
            blocks.push(child(parent, slot));
        }
    }
    blocks
}

/// A block's hash.
pub fn hash(block: &SignedProposal) -> B256 {
    block.block.hash()
}

/// The hashes of blocks.
pub fn hashes(blocks: &[Block]) -> Vec<B256> {
    blocks.iter().map(|block| hash(block)).collect()
}

/// The hash of the one transaction that is in the block of this slot.
pub fn transaction_hash(slot: u64) -> B256 {
    keccak256(transaction(slot))
}

/// A block's place: height, slot, hash.
pub fn place(block: &SignedProposal) -> BlockRef {
    let header = &block.block.header;
    BlockRef { height: header.height, slot: header.slot, hash: header.hash() }
}

/// What executing a block told and changed: something else for every block.
pub fn change(block: &SignedProposal) -> BlockChange {
    let header = &block.block.header;
    BlockChange { block: header.hash(), facts: facts(block), peg: peg(header.height, header.slot) }
}

/// What executing a block showed: something else for every block.
pub fn facts(block: &SignedProposal) -> ExecutionFacts {
    let header = &block.block.header;
    ExecutionFacts {
        fees: U256::from(header.slot * 7),
        gas: 21_000 + header.height,
        ..ExecutionFacts::default()
    }
}

/// The peg state that the block in `slot` at `height` commits to: something else for every block.
pub fn peg(height: u64, slot: u64) -> PegState {
    PegState { fee_pot: U256::from(height * 1_000_003 + slot), next_withdrawal: slot, ..PegState::default() }
}

/// A certificate over `block`; storage does not judge its signature.
pub fn certificate(kind: VoteKind, block: &SignedProposal) -> Certificate {
    let BlockRef { height, slot, hash } = place(block);
    let data = VoteData { epoch: 0, kind, slot, height, block: hash };
    Certificate { data, signature: FixedBytes::repeat_byte(slot as u8) }
}

/// A move to `head` with `finalized` final, certified, with the change sets of `changed`.
pub fn update(head: &SignedProposal, finalized: &SignedProposal, changed: &[Block]) -> HeadUpdate {
    HeadUpdate {
        head: place(head),
        finalized: place(finalized),
        changes: changed.iter().map(|block| change(block)).collect(),
        finalization: Some(certificate(VoteKind::Finalize, finalized)),
        notarization: Some(certificate(VoteKind::Notarize, head)),
    }
}

fn transaction(slot: u64) -> Bytes {
    let mut bytes = b"\x02 bytes that storage does not look into ".to_vec();
    bytes.extend_from_slice(&slot.to_be_bytes());
    bytes.into()
}

/// A block on `parent`, or the first one, in `slot`, with these transactions.
pub fn make(parent: Option<&SignedProposal>, slot: u64, transactions: Vec<Bytes>) -> Block {
    let above = parent.map(|parent| &parent.block.header);
    let height = above.map_or(0, |header| header.height + 1);
    let parent = above.map_or(B256::ZERO, Header::hash);
    let payload_inner = ExecutionPayloadV1 {
        parent_hash: above.map_or(B256::ZERO, |header| header.payload_hash),
        fee_recipient: Default::default(),
        state_root: keccak256(slot.to_be_bytes()),
        receipts_root: B256::ZERO,
        logs_bloom: Default::default(),
        prev_randao: B256::ZERO,
        block_number: height,
        gas_limit: 30_000_000,
        gas_used: 0,
        timestamp: 2 * slot,
        extra_data: Bytes::new(),
        base_fee_per_gas: U256::from(7),
        block_hash: B256::ZERO,
        transactions,
    };
    let payload_inner = ExecutionPayloadV2 { payload_inner, withdrawals: Vec::new() };
    let mut payload = ExecutionPayloadV3 { payload_inner, blob_gas_used: 0, excess_blob_gas: 0 };
    let payload_hash = block_hash(&payload, parent, &[]).expect("the payload of a test is well formed");
    payload.payload_inner.payload_inner.block_hash = payload_hash;
    let body = Body::default();
    let header = Header {
        version: VERSION,
        epoch: 0,
        height,
        slot,
        proposer: 0,
        parent,
        payload_hash,
        body_root: body.root(),
        peg_root: peg(height, slot).root(),
    };
    let block = Unsigned { header, body, payload, execution_requests: Default::default() };
    let signature = if height == 0 { FixedBytes::ZERO } else { FixedBytes::repeat_byte(slot as u8) };
    Arc::new(SignedProposal { block, signature })
}
