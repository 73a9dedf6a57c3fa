//! Bytes from outside.

use alloy_primitives::Bytes;
use alloy_rpc_types_engine::ExecutionPayloadV3;
use alys_engine::InvalidPayload;
use alys_engine::execute::{block_from_payload, decode_block};
use proptest::prelude::*;

use crate::common::{Send, build, engine, finalize, genesis_with, import};

/// A block with a few transactions, RLP.
fn block_bytes() -> Vec<u8> {
    let genesis = genesis_with(3, true);
    let mut engine = engine(&genesis);
    let txs = (0..3).map(|key| Send::transfer(key, 0, crate::common::FEE_SINK, 5).sign()).collect();
    let built = build(&engine, engine.head().hash, txs);
    import(&mut engine, &built);
    finalize(&mut engine, built.block().hash);
    let block = built.block();
    let body = alloy_consensus::BlockBody {
        transactions: block.transactions.iter().map(|tx| tx.inner().clone()).collect::<Vec<_>>(),
        ommers: Vec::new(),
        withdrawals: Some(Default::default()),
    };
    alloy_rlp::encode(alloy_consensus::Block { header: block.header.clone(), body })
}

#[test]
fn an_rlp_block_is_read_back_whole() {
    let bytes = block_bytes();
    let block = decode_block(&bytes).unwrap();
    assert_eq!(block.block.body.transactions.len(), 3);
    assert_eq!(alloy_rlp::encode(&block.block), bytes);
    let mut longer = bytes;
    longer.push(0);
    assert!(matches!(decode_block(&longer), Err(InvalidPayload::Undecodable(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn arbitrary_block_bytes_are_an_error_not_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = decode_block(&bytes);
    }

    #[test]
    fn a_block_with_changed_bytes_is_another_block_or_none(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let bytes = BYTES.get_or_init(block_bytes);
        let mut changed = bytes.clone();
        let at = at.index(changed.len());
        prop_assume!(changed[at] != byte);
        changed[at] = byte;
        if let Ok(block) = decode_block(&changed) {
            prop_assert_ne!(block.hash, decode_block(bytes).unwrap().hash);
        }
    }

    #[test]
    fn a_payload_of_arbitrary_transactions_is_an_error_not_a_panic(
        txs in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..4),
    ) {
        let mut payload: ExecutionPayloadV3 = serde_json::from_str(EMPTY_PAYLOAD).unwrap();
        payload.payload_inner.payload_inner.transactions = txs.into_iter().map(Bytes::from).collect();
        let refused = block_from_payload(&payload, Default::default(), &[]).unwrap_err();
        // With the right hash the transactions are looked at.
        let InvalidPayload::BlockHash { found, .. } = refused else { panic!("{refused}") };
        payload.payload_inner.payload_inner.block_hash = found;
        let _ = block_from_payload(&payload, Default::default(), &[]);
    }
}

#[test]
fn poisoned_copy_an_altered_payload_is_told_by_its_hash() {
    let genesis = genesis_with(1, true);
    let engine = engine(&genesis);
    let built =
        build(&engine, engine.head().hash, vec![Send::transfer(0, 0, crate::common::FEE_SINK, 5).sign()]);
    let root = built.block().header.parent_beacon_block_root.unwrap();
    let mut payload = built.payload();
    payload.payload_inner.payload_inner.transactions.clear();
    let refused = block_from_payload(&payload, root, &[]).unwrap_err();
    assert!(matches!(refused, InvalidPayload::BlockHash { expected, .. } if expected == built.block().hash));
}

const EMPTY_PAYLOAD: &str = r#"{
    "parentHash": "0x0000000000000000000000000000000000000000000000000000000000000001",
    "feeRecipient": "0x0000000000000000000000000000000000000002",
    "stateRoot": "0x0000000000000000000000000000000000000000000000000000000000000003",
    "receiptsRoot": "0x0000000000000000000000000000000000000000000000000000000000000004",
    "logsBloom": "0x00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    "prevRandao": "0x0000000000000000000000000000000000000000000000000000000000000005",
    "blockNumber": "0x1",
    "gasLimit": "0x1c9c380",
    "gasUsed": "0x0",
    "timestamp": "0x5",
    "extraData": "0x",
    "baseFeePerGas": "0x7",
    "blockHash": "0x0000000000000000000000000000000000000000000000000000000000000006",
    "transactions": [],
    "withdrawals": [],
    "blobGasUsed": "0x0",
    "excessBlobGas": "0x0"
}"#;
