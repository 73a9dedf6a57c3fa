//! The bridge predeploy: its artifact, and its account in every genesis.

use alys_primitives::{
    B256, Bytes, ChainSpec, U256,
    spec::{BRIDGE, BRIDGE_MIN_PAYOUT_SLOT, SpecError, bridge_account, bridge_code},
};
use bitcoin::{
    Address, AddressType, Network, PubkeyHash, ScriptHash, WitnessProgram, WitnessVersion, hashes::Hash as _,
};
use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::specs::spec;

const SOURCE: &str = include_str!("../../../../contracts/Bridge.sol");

fn artifact() -> Value {
    serde_json::from_str(include_str!("../../../../contracts/artifacts/Bridge.json")).unwrap()
}

/// Without a compiler at hand: whoever changes the source must compile it again, and then this
/// changes the code.
#[test]
fn the_artifact_was_made_of_the_source_beside_it() {
    let artifact = artifact();
    assert_eq!(artifact["sourceSha256"], hex::encode(Sha256::digest(SOURCE)));
    assert_eq!(artifact["runtimeBytecode"], bridge_code().to_string());
    let compiler = artifact["compiler"].as_str().unwrap();
    let pragma = format!("pragma solidity {};", compiler.split('+').next().unwrap());
    assert!(SOURCE.contains(&pragma), "the source asks for another compiler than {compiler}");
    assert_eq!(artifact["settings"]["metadata"]["bytecodeHash"], "none");
    assert_eq!(artifact["settings"]["evmVersion"], "prague");
}

#[test]
fn the_minimum_stands_in_the_slot_that_the_compiler_gave_it() {
    let artifact = artifact();
    let first = &artifact["storage"][0];
    assert_eq!(
        (&first["label"], &first["slot"], &first["offset"]),
        (&"minPayoutSat".into(), &"0".into(), &0.into())
    );
    let account = bridge_account(0x0102_0304);
    assert_eq!(account.storage[&BRIDGE_MIN_PAYOUT_SLOT], B256::from(U256::from(0x0102_0304)));
}

type Change = (&'static str, fn(&mut ChainSpec));

#[test]
fn the_bridge_stands_in_every_genesis_as_compiled_and_refuses_what_the_spec_says() {
    let changes: &[Change] = &[
        ("execution_genesis.accounts", |s| drop(s.execution_genesis.accounts.remove(&BRIDGE))),
        ("execution_genesis.accounts", |s| bridge(s).code = Bytes::new()),
        ("execution_genesis.accounts", |s| bridge(s).code = [&bridge_code()[..], &[0]].concat().into()),
        ("execution_genesis.accounts", |s| bridge(s).balance = U256::ONE),
        ("execution_genesis.accounts", |s| bridge(s).nonce = 0),
        // A request that nobody made, and one that nobody could make.
        ("execution_genesis.accounts", |s| {
            bridge(s).storage.insert(B256::with_last_byte(1), B256::with_last_byte(1));
        }),
        ("peg.min_payout", |s| s.peg.min_payout += 1),
        ("peg.min_payout", |s| bridge(s).storage.clear()),
        ("peg.min_payout", |s| {
            bridge(s).storage.insert(B256::ZERO, B256::with_last_byte(1));
        }),
    ];
    for (at, (field, change)) in changes.iter().enumerate() {
        let mut spec = spec();
        change(&mut spec);
        let error = spec.check().unwrap_err();
        assert!(matches!(&error, SpecError::Field { field: named, .. } if named == field), "{at}: {error}");
    }
    // Both together may be anything that the other rules allow.
    let mut spec = spec();
    spec.peg.min_payout = 123_456;
    *bridge(&mut spec) = bridge_account(123_456);
    assert_eq!(spec.check(), Ok(()));
    assert_eq!(ChainSpec::from_json(&spec.to_json()), Ok(spec));
}

#[test]
fn the_error_of_a_wrong_minimum_names_both_numbers() {
    let mut spec = spec();
    spec.peg.min_payout = 20_000;
    let error = spec.check().unwrap_err().to_string();
    assert!(error.contains("20000") && error.contains("10000"), "{error}");
}

fn bridge(spec: &mut ChainSpec) -> &mut alys_primitives::spec::GenesisAccount {
    spec.execution_genesis.accounts.get_mut(&BRIDGE).unwrap()
}

/// The addresses of the five kinds that are paid.
fn addresses(hash: [u8; 32], network: Network) -> Vec<Address> {
    let short: [u8; 20] = hash[..20].try_into().unwrap();
    let program = |version, bytes: &[u8]| {
        Address::from_witness_program(WitnessProgram::new(version, bytes).unwrap(), network)
    };
    vec![
        Address::p2pkh(PubkeyHash::from_byte_array(short), network),
        Address::p2sh_from_hash(ScriptHash::from_byte_array(short), network),
        program(WitnessVersion::V0, &short),
        program(WitnessVersion::V0, &hash),
        program(WitnessVersion::V1, &hash),
    ]
}

/// As `contracts/Bridge.sol` has them.
fn possible(length: usize) -> bool {
    matches!(length, 26..=35 | 42 | 44 | 62 | 64)
}

proptest! {
    #[test]
    fn every_payable_address_has_a_length_that_the_bridge_takes(mut hash: [u8; 32], zeros in 0usize..=20) {
        // Leading zero bytes are what makes Base58 addresses short.
        hash[..zeros].fill(0);
        for network in [Network::Bitcoin, Network::Testnet, Network::Signet, Network::Regtest] {
            for address in addresses(hash, network) {
                let text = address.to_string();
                prop_assert!(possible(text.len()), "{}: {}", text.len(), text);
            }
        }
    }
}

#[test]
fn every_length_that_the_bridge_takes_is_that_of_some_payable_address() {
    let mut seen = std::collections::BTreeSet::new();
    for zeros in 0..=20 {
        for salt in 0..200u8 {
            let mut hash: [u8; 32] = Sha256::digest([salt]).into();
            hash[..zeros].fill(0);
            for network in [Network::Bitcoin, Network::Testnet, Network::Regtest] {
                let kinds = addresses(hash, network);
                assert_eq!(kinds[4].address_type(), Some(AddressType::P2tr));
                seen.extend(kinds.iter().map(|address| address.to_string().len()));
            }
        }
    }
    assert_eq!(
        seen.into_iter().collect::<Vec<_>>(),
        (0..100).filter(|length| possible(*length)).collect::<Vec<_>>()
    );
}
