//! What Prague brought, and what this chain leaves out of it.

use std::collections::BTreeSet;

use alloy_consensus::{SignableTransaction, TxEip4844, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS;
use alloy_eips::eip4788::BEACON_ROOTS_ADDRESS;
use alloy_eips::eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS;
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_signer::SignerSync;
use alys_engine::execute::{RecoveredTransaction, Transaction};
use alys_engine::{BlockId, CallRequest, GenesisBlock, ImportError, InvalidPayload};
use alys_primitives::ChainSpec;
use alys_testkit::contract::engine::spec;
use serde_json::Value;

use crate::common::{
    CHAIN_ID, FEE_SINK, STORE, Send, attributes, build, delegate, engine, finalize, genesis_with, import,
    rules, sign_legacy, signer,
};

fn word(bytes: &Bytes) -> B256 {
    B256::from_slice(bytes)
}

#[test]
fn the_genesis_header_is_prague_s() {
    let genesis = GenesisBlock::new(&genesis_with(1, true), &rules()).unwrap();
    let header = genesis.header();
    assert_eq!(header.requests_hash, Some(EMPTY_REQUESTS_HASH));
    assert_eq!(header.parent_beacon_block_root, Some(B256::ZERO));
    assert_eq!(header.withdrawals_root, Some(alloy_consensus::EMPTY_ROOT_HASH));
    assert_eq!((header.blob_gas_used, header.excess_blob_gas), (Some(0), Some(0)));
    assert_eq!(header.base_fee_per_gas, Some(1_000_000_000));
}

#[test]
fn beacon_roots_and_parent_hashes_are_stored_at_the_start_of_each_block() {
    let mut engine = engine(&genesis_with(1, true));
    let first = build(&engine, engine.head().hash, vec![]);
    import(&mut engine, &first);
    let second = build(&engine, first.block().hash, vec![]);
    import(&mut engine, &second);
    finalize(&mut engine, second.block().hash);
    let ask = |to: Address, input: U256| {
        let input = Bytes::copy_from_slice(&input.to_be_bytes::<32>());
        let request = CallRequest { to: TxKind::Call(to), input, ..CallRequest::default() };
        word(&engine.reads().call(BlockId::Head, &request).unwrap().output)
    };
    assert_eq!(ask(HISTORY_STORAGE_ADDRESS, U256::from(1)), first.block().hash);
    let time = U256::from(first.block().header.timestamp);
    let root = first.block().header.parent_beacon_block_root.unwrap();
    assert_eq!(ask(BEACON_ROOTS_ADDRESS, time), root);
    assert_eq!(root, keccak256(engine.reads().canonical_hash(0).unwrap().unwrap()));
}

#[test]
fn withdrawal_requests_come_out_of_execution_and_must_be_those_given() {
    let genesis = genesis_with(2, true);
    let (ours, mut theirs) = (engine(&genesis), engine(&genesis));
    // 48 bytes of a validator's key, 8 of an amount; the fee is 1 wei at first (EIP-7002).
    let request = Send {
        value: U256::from(1),
        input: vec![0xab; 56].into(),
        gas: 300_000,
        ..Send::transfer(0, 0, WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, 1)
    };
    let built = build(&ours, ours.head().hash, vec![request.sign()]);
    let requests = built.execution_requests();
    assert_eq!(requests.len(), 1);
    assert_eq!((requests[0][0], requests[0].len()), (1, 1 + 76));
    assert_eq!(&requests[0][1..21], signer(0).address().as_slice());
    let root = built.block().header.parent_beacon_block_root.unwrap();
    // Without them the hash is another block's.
    let none = theirs.import(&built.payload(), root, &[]).unwrap_err();
    assert!(matches!(none, ImportError::Invalid(InvalidPayload::BlockHash { .. })), "{none}");
    // Invented ones, under a hash that commits to them.
    let invented = [Bytes::from(vec![1, 2, 3])];
    let mut payload = built.payload();
    if let Err(InvalidPayload::BlockHash { found, .. }) =
        alys_engine::execute::block_from_payload(&payload, root, &invented)
    {
        payload.payload_inner.payload_inner.block_hash = found;
    }
    let refused = theirs.import(&payload, root, &invented).unwrap_err();
    assert!(matches!(refused, ImportError::Invalid(InvalidPayload::Requests { .. })), "{refused}");
    import(&mut theirs, &built);
}

#[test]
fn a_delegated_account_runs_the_code_it_points_to() {
    let mut engine = engine(&genesis_with(3, true));
    let authority = signer(2).address();
    let txs = vec![delegate(0, 0, 2, STORE), Send::store(1, 0, authority, 5, 6).sign()];
    let built = build(&engine, engine.head().hash, txs);
    assert_eq!(built.block().receipts.len(), 2);
    import(&mut engine, &built);
    finalize(&mut engine, built.block().hash);
    let state = engine.reads().state(BlockId::Head).unwrap();
    let code = state.code(authority).unwrap();
    assert_eq!(code, Bytes::from([&[0xef, 0x01, 0x00][..], STORE.as_slice()].concat()));
    assert_eq!(state.storage(authority, U256::from(5)).unwrap(), U256::from(6));
    assert_eq!(state.account(authority).unwrap().unwrap().nonce, 1);
    // Its key still signs for it.
    let next = build(&engine, built.block().hash, vec![Send::transfer(2, 1, FEE_SINK, 1).sign()]);
    assert_eq!(next.block().transactions.len(), 1);
    import(&mut engine, &next);
}

#[test]
fn blob_max_zero_blob_transactions_are_refused() {
    let genesis = genesis_with(1, true);
    let mut engine = engine(&genesis);
    let tx = TxEip4844 {
        chain_id: CHAIN_ID,
        gas_limit: 100_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1,
        to: FEE_SINK,
        blob_versioned_hashes: vec![B256::with_last_byte(1)],
        max_fee_per_blob_gas: 100,
        ..TxEip4844::default()
    };
    let key = signer(0);
    let signature = key.sign_hash_sync(&tx.signature_hash()).unwrap();
    let tx = Transaction::from(tx.into_signed(signature));
    let recovered = RecoveredTransaction::new_unchecked(tx.clone(), key.address());
    let built = build(&engine, engine.head().hash, vec![recovered]);
    assert!(built.block().transactions.is_empty(), "the builder passes over it");
    let root = built.block().header.parent_beacon_block_root.unwrap();
    let mut payload = built.payload();
    payload.payload_inner.payload_inner.transactions.push(tx.encoded_2718().into());
    payload.blob_gas_used = 131_072;
    if let Err(InvalidPayload::BlockHash { found, .. }) =
        alys_engine::execute::block_from_payload(&payload, root, &[])
    {
        payload.payload_inner.payload_inner.block_hash = found;
    }
    let refused = engine.import(&payload, root, &[]).unwrap_err();
    let expected = InvalidPayload::BlobTransaction { index: 0 };
    assert!(matches!(refused, ImportError::Invalid(reason) if reason == expected));
}

/// Under Osaka a blob schedule with max 0 divides by zero: that fork must never begin.
#[test]
fn blob_max_zero_neither_a_spec_nor_a_genesis_turns_osaka_on() {
    // No spec can ask for it.
    for place in ["", "/blocks", "/execution_genesis"] {
        let mut json: Value = serde_json::from_str(&spec().to_json()).unwrap();
        json.pointer_mut(place).unwrap()["osaka_time"] = 0.into();
        let refused = ChainSpec::from_json(&json.to_string()).unwrap_err().to_string();
        assert!(refused.contains("osaka_time"), "{place}: {refused}");
    }
    // What Geth and others are given ends with Prague.
    let config = serde_json::to_value(spec().execution_genesis_file().config).unwrap();
    let forks: BTreeSet<_> =
        config.as_object().unwrap().keys().filter_map(|key| key.strip_suffix("Time")).collect();
    assert_eq!(forks, BTreeSet::from(["cancun", "prague", "shanghai"]));
    let schedules: BTreeSet<_> = config["blobSchedule"].as_object().unwrap().keys().collect();
    assert_eq!(schedules, BTreeSet::from([&"cancun".to_owned(), &"prague".to_owned()]));
    // A genesis file that asks for it changes nothing in the embedded engine, however late: CLZ, an opcode of
    // Osaka's, is none, where Prague's NOT in its place is one.
    let [clz, not] = [0x1e, 0x19].map(|opcode| (Address::repeat_byte(opcode), opcode));
    let mut genesis = genesis_with(2, true);
    genesis.config.osaka_time = Some(0);
    for (address, opcode) in [clz, not] {
        let code = Bytes::from(vec![0x60, 0x01, opcode, 0x50, 0x00]);
        genesis.alloc.insert(address, GenesisAccount::default().with_code(Some(code)));
    }
    let (ours, mut theirs) = (engine(&genesis), engine(&genesis));
    let call = |from, (to, _)| Send { value: U256::ZERO, ..Send::transfer(from, 0, to, 0) }.sign();
    let far = attributes(ours.head().hash, 1 << 40);
    let built =
        ours.reads().build(far, &mut vec![call(0, clz), call(1, not)].into_iter(), &mut || false).unwrap();
    let succeeded: Vec<_> = built.block().receipts.iter().map(|receipt| receipt.success).collect();
    assert_eq!(succeeded, [false, true]);
    import(&mut theirs, &built);
}

#[test]
fn legacy_transactions_are_taken_with_and_without_a_chain_id_and_not_with_another() {
    let engine = engine(&genesis_with(3, true));
    let legacy = |from: u64, chain_id: Option<u64>| {
        let tx = TxLegacy {
            chain_id,
            gas_price: 2_000_000_000,
            gas_limit: 21_000,
            to: TxKind::Call(FEE_SINK),
            value: U256::from(1),
            ..TxLegacy::default()
        };
        sign_legacy(from, tx)
    };
    let txs = vec![legacy(0, Some(CHAIN_ID)), legacy(1, None), legacy(2, Some(CHAIN_ID + 1))];
    let built = build(&engine, engine.head().hash, txs);
    let senders: Vec<_> = built.block().transactions.iter().map(|tx| tx.signer()).collect();
    assert_eq!(senders, [signer(0).address(), signer(1).address()]);
}

#[test]
fn the_base_fee_follows_eip_1559() {
    let mut engine = engine(&genesis_with(1, true));
    let empty = build(&engine, engine.head().hash, vec![]);
    assert_eq!(empty.block().header.base_fee_per_gas, Some(875_000_000));
    import(&mut engine, &empty);
    let next = build(&engine, empty.block().hash, vec![]);
    assert_eq!(next.block().header.base_fee_per_gas, Some(765_625_000));
}
