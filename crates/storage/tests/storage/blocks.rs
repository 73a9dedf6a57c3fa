//! Blocks that fit together, without an execution client.

use std::ops::Bound;
use std::sync::Arc;

use alloy_primitives::FixedBytes;
use alloy_rpc_types_engine::{ExecutionPayloadV1, ExecutionPayloadV2};
use alys_database::{Database, Order};
use alys_primitives::block::VERSION;
use alys_primitives::payload::block_hash;
use alys_primitives::vote::VoteData;
use alys_primitives::{
    B256, Block, Body, Bytes, Certificate, ExecutionFacts, ExecutionPayloadV3, Header, PegState,
    SignedProposal, U256, VoteKind,
};
use alys_storage::{BlockChange, BlockRef, HeadUpdate};

/// The peg state that the block in `slot` at `height` commits to: any that differs from block to block.
pub(crate) fn peg(height: u64, slot: u64) -> PegState {
    PegState { fee_pot: U256::from(height * 1_000_003 + slot), next_withdrawal: slot, ..PegState::default() }
}

pub(crate) fn facts(block: &SignedProposal) -> ExecutionFacts {
    let header = &block.block.header;
    ExecutionFacts { fees: U256::from(header.slot * 7), gas: 21_000 + header.height, burns: Vec::new() }
}

/// What executing a block changed.
pub(crate) fn change(block: &SignedProposal) -> BlockChange {
    let header = &block.block.header;
    BlockChange { block: header.hash(), facts: facts(block), peg: peg(header.height, header.slot) }
}

pub(crate) fn named(block: &SignedProposal) -> BlockRef {
    let header = &block.block.header;
    BlockRef { height: header.height, slot: header.slot, hash: header.hash() }
}

pub(crate) fn hash(block: &SignedProposal) -> B256 {
    block.block.hash()
}

pub(crate) fn genesis() -> Arc<SignedProposal> {
    make(None, 0, Vec::new())
}

/// A block on `parent`, in `slot`, with these transactions.
pub(crate) fn child(parent: &SignedProposal, slot: u64, transactions: Vec<Bytes>) -> Arc<SignedProposal> {
    make(Some(parent), slot, transactions)
}

/// `count` blocks in a row on `parent`, each with two transactions.
pub(crate) fn line(parent: &SignedProposal, count: u64) -> Vec<Arc<SignedProposal>> {
    let mut blocks: Vec<Arc<SignedProposal>> = Vec::new();
    for n in 0..count {
        let parent = blocks.last().map_or(parent, |last| last.as_ref());
        let slot = parent.block.header.slot + 1;
        let block =
            child(parent, slot, vec![transaction(slot * 1000 + n), transaction(slot * 1000 + n + 500)]);
        blocks.push(block);
    }
    blocks
}

/// The bytes of a transaction: storage never looks into them.
pub(crate) fn transaction(seed: u64) -> Bytes {
    let mut bytes = b"\x02 a transaction of no particular meaning ".to_vec();
    bytes.extend_from_slice(&seed.to_be_bytes());
    bytes.into()
}

fn make(parent: Option<&SignedProposal>, slot: u64, transactions: Vec<Bytes>) -> Arc<SignedProposal> {
    let above = parent.map(|parent| &parent.block.header);
    let height = above.map_or(0, |header| header.height + 1);
    let parent = above.map_or(B256::ZERO, Header::hash);
    let payload_inner = ExecutionPayloadV1 {
        parent_hash: above.map_or(B256::ZERO, |header| header.payload_hash),
        fee_recipient: Default::default(),
        state_root: B256::with_last_byte(slot as u8),
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
    let payload_hash = block_hash(&payload, parent, &[]).unwrap();
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
    let block = Block { header, body, payload, execution_requests: Default::default() };
    let signature = if height == 0 { FixedBytes::ZERO } else { FixedBytes::repeat_byte(slot as u8) };
    Arc::new(SignedProposal { block, signature })
}

/// A certificate over `block`; storage does not judge its signature.
pub(crate) fn certificate(kind: VoteKind, block: &SignedProposal) -> Certificate {
    let BlockRef { height, slot, hash } = named(block);
    let data = VoteData { epoch: 0, kind, slot, height, block: hash };
    Certificate { data, signature: FixedBytes::repeat_byte(height as u8) }
}

/// A move to `head` with `finalized` final, with the change sets of `changed`.
pub(crate) fn update(
    head: &SignedProposal,
    finalized: &SignedProposal,
    changed: &[Arc<SignedProposal>],
) -> HeadUpdate {
    HeadUpdate {
        head: named(head),
        finalized: named(finalized),
        changes: changed.iter().map(|block| change(block)).collect(),
        finalization: Some(certificate(VoteKind::Finalize, finalized)),
        notarization: Some(certificate(VoteKind::Notarize, head)),
    }
}

/// Everything a database holds.
pub(crate) fn dump(db: &dyn Database) -> Vec<(Vec<u8>, Vec<u8>)> {
    db.scan((Bound::Unbounded, Bound::Unbounded), Order::Ascending, usize::MAX).unwrap()
}
