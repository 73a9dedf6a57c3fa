//! A copy is checked against its header, and a payload against this side of the chain.

use alloy_eips::eip4895::Withdrawal;
use alys_primitives::{
    Address, B256, Block, Body, Bytes, ExecutionPayloadV3, Header,
    block::BadCopy,
    payload::{PayloadError, PayloadRules, block_hash},
    vote::{Certificate, VoteData, VoteKind},
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use ssz_types::VariableList;

use crate::specs::spec;

/// Genesis, dressed as a block with a parent, so that its header can be rebuilt at will.
fn block() -> Block {
    let mut block = spec().genesis().block;
    block.header.parent = B256::repeat_byte(9);
    let hash = block_hash(&block.payload, block.header.parent, &block.execution_requests).unwrap();
    block.payload.payload_inner.payload_inner.block_hash = hash;
    block.header.payload_hash = hash;
    block
}

#[test]
fn an_honest_copy_passes() {
    assert_eq!(block().check_copy(), Ok(()));
}

/// `poisoned-copy`: a true header with an altered body or payload is dropped, and not judged.
#[test]
fn poisoned_copy() {
    let original = block();
    let mut body = original.clone();
    body.body.evidence = VariableList::new(vec![Default::default()]).unwrap();
    assert!(matches!(body.check_copy(), Err(BadCopy::Body { .. })));

    let mut gas = original.clone();
    gas.payload.payload_inner.payload_inner.gas_used += 1;
    assert!(matches!(gas.check_copy(), Err(BadCopy::Payload { .. })));

    let mut named = original.clone();
    named.payload.payload_inner.payload_inner.block_hash = B256::ZERO;
    assert!(matches!(named.check_copy(), Err(BadCopy::Payload { .. })));

    let mut requests = original.clone();
    requests.execution_requests = VariableList::new(vec![VariableList::new(vec![1, 2]).unwrap()]).unwrap();
    assert!(matches!(requests.check_copy(), Err(BadCopy::Payload { .. })));

    let mut extra = original;
    extra.payload.payload_inner.payload_inner.extra_data = vec![0; 33].into();
    assert!(extra.check_copy().is_err());
}

fn rules(payload: &ExecutionPayloadV3) -> PayloadRules {
    let inner = &payload.payload_inner.payload_inner;
    PayloadRules {
        parent_hash: inner.parent_hash,
        block_number: inner.block_number,
        timestamp: inner.timestamp,
        prev_randao: inner.prev_randao,
        fee_recipient: inner.fee_recipient,
        gas_limit: inner.gas_limit,
        parent_beacon_block_root: B256::repeat_byte(9),
        withdrawals: payload.payload_inner.withdrawals.clone(),
    }
}

type Change = (&'static str, fn(&mut ExecutionPayloadV3));

/// `gas-limit-drift` and every other field this side prescribes.
#[test]
fn gas_limit_drift_and_every_prescribed_field_is_compared() {
    let changes: &[Change] = &[
        ("parent_hash", |p| p.payload_inner.payload_inner.parent_hash.0[0] ^= 1),
        ("block_number", |p| p.payload_inner.payload_inner.block_number += 1),
        ("timestamp", |p| p.payload_inner.payload_inner.timestamp += 1),
        ("prev_randao", |p| p.payload_inner.payload_inner.prev_randao.0[0] ^= 1),
        ("fee_recipient", |p| p.payload_inner.payload_inner.fee_recipient.0[0] ^= 1),
        ("gas_limit", |p| p.payload_inner.payload_inner.gas_limit += 1),
        ("blob_gas_used", |p| p.blob_gas_used = 131_072),
        ("excess_blob_gas", |p| p.excess_blob_gas = 1),
    ];
    let payload = block().payload;
    let rules = rules(&payload);
    assert_eq!(rules.check(&payload), Ok(()));
    for (name, change) in changes {
        let mut changed = payload.clone();
        change(&mut changed);
        match rules.check(&changed) {
            Err(PayloadError::Field { field, .. }) => assert_eq!(field, *name),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn blob_transactions_are_refused() {
    let mut payload = block().payload;
    payload.payload_inner.payload_inner.transactions = vec![Bytes::from(vec![2, 0]), Bytes::from(vec![3, 0])];
    assert_eq!(rules(&payload).check(&payload), Err(PayloadError::Blob { at: 1 }));
}

fn withdrawals() -> impl Strategy<Value = Vec<Withdrawal>> {
    let one = (0u64..3, 0u64..3, 0u8..3, 0u64..3).prop_map(|(index, kind, address, amount)| Withdrawal {
        index,
        validator_index: kind,
        address: Address::repeat_byte(address),
        amount,
    });
    prop::collection::vec(one, 0..4)
}

proptest! {
    /// `free-mint`: extra, missing, reordered or altered entries are refused; only equality passes.
    #[test]
    fn free_mint(expected in withdrawals(), found in withdrawals()) {
        let mut payload = block().payload;
        payload.payload_inner.withdrawals = expected.clone();
        let rules = rules(&payload);
        payload.payload_inner.withdrawals = found.clone();
        prop_assert_eq!(rules.check(&payload).is_ok(), found == expected);
    }
}

#[test]
fn randao_is_the_hash_of_what_certified_the_parent() {
    let certificate = Certificate {
        data: VoteData { epoch: 0, kind: VoteKind::Notarize, slot: 1, height: 1, block: B256::ZERO },
        signature: alys_primitives::BlsSignature::repeat_byte(5),
    };
    let body = Body { justification: VariableList::new(vec![certificate]).unwrap(), ..Body::default() };
    assert_eq!(body.prev_randao(B256::ZERO), B256::from_slice(&Sha256::digest([5; 96])));
    let first = Body::default().prev_randao(B256::repeat_byte(2));
    assert_eq!(first, B256::from_slice(&Sha256::digest([2; 32])));
}

#[test]
fn a_header_hash_covers_every_field() {
    let base = Header::default();
    let changed = [
        Header { version: 2, ..base.clone() },
        Header { epoch: 2, ..base.clone() },
        Header { height: 2, ..base.clone() },
        Header { slot: 2, ..base.clone() },
        Header { proposer: 2, ..base.clone() },
        Header { parent: B256::repeat_byte(2), ..base.clone() },
        Header { payload_hash: B256::repeat_byte(2), ..base.clone() },
        Header { body_root: B256::repeat_byte(2), ..base.clone() },
        Header { peg_root: B256::repeat_byte(2), ..base.clone() },
    ];
    let hashes: std::collections::BTreeSet<_> = changed.iter().chain([&base]).map(Header::hash).collect();
    assert_eq!(hashes.len(), 10);
}
