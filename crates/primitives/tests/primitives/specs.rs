//! The chain spec: every field required and checked, the digest over every field, the genesis block.

use alys_primitives::{
    Address, B256, ChainSpec, U256,
    bls::BlsPublicKey,
    spec::{DEVELOPMENT_CHAIN_ID, DevelopmentChain, Member, SpecError},
};
use serde_json::Value;

/// The generator of G1, compressed: a valid group key for a set of one.
const GENERATOR: &str = "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac58\
                         6c55e83ff97a1aeffb3af00adb22c6bb";

pub(crate) fn spec() -> ChainSpec {
    let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key();
    let member = Member {
        name: "one".to_owned(),
        identity: key.to_bytes().into(),
        // The x coordinate of secp256k1's generator.
        bitcoin: "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798".parse().unwrap(),
        fee_address: Address::repeat_byte(0xfe),
    };
    DevelopmentChain {
        name: "test".to_owned(),
        chain_id: DEVELOPMENT_CHAIN_ID,
        genesis_ms: 1_700_000_000_000,
        slot_seconds: 2,
        gas_limit: 30_000_000,
        members: vec![member],
        commitment: vec![GENERATOR.parse::<BlsPublicKey>().unwrap()],
        funded: [(Address::repeat_byte(1), U256::from(5))].into(),
    }
    .spec()
}

/// Every path to a number, string or bool in a JSON value.
fn leaves(value: &Value, path: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                path.push(key.clone());
                leaves(value, path, out);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                path.push(at.to_string());
                leaves(value, path, out);
                path.pop();
            }
        }
        _ => out.push(path.clone()),
    }
}

fn at<'a>(value: &'a mut Value, path: &[String]) -> &'a mut Value {
    path.iter().fold(value, |value, key| match value {
        Value::Array(items) => &mut items[key.parse::<usize>().unwrap()],
        other => &mut other[key.as_str()],
    })
}

#[test]
fn a_spec_survives_json_and_keeps_its_digest() {
    let spec = spec();
    let again = ChainSpec::from_json(&spec.to_json()).unwrap();
    assert_eq!((&again, again.digest()), (&spec, spec.digest()));
    // Another writer's layout and key order change nothing.
    let compact: Value = serde_json::from_str(&spec.to_json()).unwrap();
    assert_eq!(ChainSpec::from_json(&compact.to_string()).unwrap().digest(), spec.digest());
}

#[test]
fn every_field_is_required_and_none_may_be_added() {
    let json: Value = serde_json::from_str(&spec().to_json()).unwrap();
    let mut paths = Vec::new();
    leaves(&json, &mut Vec::new(), &mut paths);
    assert!(paths.len() > 30);
    for path in
        paths.iter().filter(|p| !p.contains(&"accounts".to_owned()) && !p.contains(&"commitment".to_owned()))
    {
        let (last, parent) = path.split_last().unwrap();
        let mut missing = json.clone();
        at(&mut missing, parent).as_object_mut().unwrap().remove(last);
        let error = ChainSpec::from_json(&missing.to_string()).unwrap_err();
        assert!(error.to_string().contains(last.as_str()), "{path:?}: {error}");
    }
    let mut unknown = json;
    unknown["blocks"]["slot_mss"] = 1.into();
    let error = ChainSpec::from_json(&unknown.to_string()).unwrap_err().to_string();
    assert!(error.contains("slot_mss"), "{error}");
}

/// `parameter-mismatch`: whatever two members' specs differ in, the handshake sees it.
#[test]
fn parameter_mismatch_every_field_changes_the_digest_and_the_genesis() {
    let spec = spec();
    let json: Value = serde_json::from_str(&spec.to_json()).unwrap();
    let mut paths = Vec::new();
    leaves(&json, &mut Vec::new(), &mut paths);
    let mut seen = std::collections::BTreeSet::from([spec.digest()]);
    for path in paths {
        let mut changed = json.clone();
        let leaf = at(&mut changed, &path);
        *leaf = match &*leaf {
            Value::Number(n) => (n.as_u64().unwrap() ^ 1).into(),
            Value::Bool(b) => (!b).into(),
            Value::String(s) if s == "regtest" => "signet".into(),
            Value::String(s) if s == "0x" => "0x01".into(),
            Value::String(s) => {
                let (head, last) = s.split_at(s.len() - 1);
                format!("{head}{}", if last == "1" { "2" } else { "1" }).into()
            }
            other => panic!("{other}"),
        };
        let other: ChainSpec = serde_json::from_value(changed).unwrap();
        assert!(seen.insert(other.digest()), "{path:?} does not reach the digest");
        assert_ne!(other.genesis().block.hash(), spec.genesis().block.hash(), "{path:?}");
    }
}

/// A spec's JSON in which the first line that has `what` stands a second time, after `change`.
fn doubled(what: &str, change: impl Fn(&str) -> String) -> String {
    let json = spec().to_json();
    let start = json.find(what).unwrap();
    // The value ends where its brace closes, or its string.
    let rest = &json[start..];
    let value = rest.find(": ").unwrap() + 2;
    let end = if rest[value..].starts_with('{') {
        let mut open = 0_i32;
        let closing = |c: char| {
            open += i32::from(c == '{') - i32::from(c == '}');
            c == '}' && open == 0
        };
        value + rest[value..].find(closing).unwrap() + 1
    } else {
        value + 1 + rest[value + 1..].find('"').unwrap() + 1
    };
    let entry = &rest[..end];
    json.replacen(entry, &format!("{},{entry}", change(entry)), 1)
}

#[test]
fn a_key_that_stands_twice_is_refused_by_name_also_in_other_letters() {
    let address = "\"0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"";
    let same = doubled(address, str::to_owned);
    let upper = |entry: &str| entry.replacen("0xbbbb", "0xBBBB", 1);
    let slot = "\"0x0000000000000000000000000000000000000000000000000000000000000000\"";
    let account = alys_primitives::spec::BRIDGE.to_string();
    for (json, named) in [
        (same, account.as_str()),
        (doubled(address, upper), account.as_str()),
        (doubled(slot, str::to_owned), slot.trim_matches('"')),
        (doubled("\"chain_id\"", |_| "\"chain_id\": 1".to_owned()), "chain_id"),
    ] {
        let error = ChainSpec::from_json(&json).unwrap_err().to_string();
        let twice = error.contains("stands twice") || error.contains("duplicate field");
        assert!(twice && error.contains(named), "{named}: {error}");
    }
}

type Change = (&'static str, fn(&mut ChainSpec));

#[test]
fn every_bad_number_is_refused_by_name() {
    let changes: &[Change] = &[
        ("name", |s| s.name = "no spaces please".to_owned()),
        ("chain_id", |s| s.chain_id = 0),
        ("blocks.genesis_ms", |s| s.blocks.genesis_ms += 1),
        ("blocks.slot_ms", |s| s.blocks.slot_ms = 1500),
        ("blocks.slot_ms", |s| s.blocks.slot_ms = 0),
        ("blocks.gas_limit", |s| s.blocks.gas_limit = 0),
        ("blocks.max_withdrawals", |s| s.blocks.max_withdrawals = 17),
        ("blocks.max_body", |s| s.blocks.max_body = u64::MAX),
        ("mining.merged_mining_chain_id", |s| s.mining.merged_mining_chain_id = 0x2000),
        ("mining.max_unanchored", |s| s.mining.max_unanchored = 0),
        ("mining.half_life", |s| s.mining.half_life = 0),
        ("mining.hardest_bits", |s| s.mining.hardest_bits = 0x2100_ffff),
        ("mining.hardest_bits", |s| s.mining.hardest_bits = 0),
        // Negative; 2^256 and more, whose high bits decoding drops; not the shortest form.
        ("mining.hardest_bits", |s| s.mining.hardest_bits = 0x1a80_ffff),
        ("mining.easiest_bits", |s| s.mining.easiest_bits = 0x237f_ffff),
        ("mining.easiest_bits", |s| s.mining.easiest_bits = 0xff7f_ffff),
        ("mining.easiest_bits", |s| s.mining.easiest_bits = 0x2200_00ff),
        ("peg.deposit_confirmations", |s| s.peg.deposit_confirmations = 0),
        ("peg.min_deposit", |s| s.peg.min_deposit = 545),
        ("peg.min_fee_rate", |s| s.peg.min_fee_rate = s.peg.max_fee_rate + 1),
        ("federation.members", |s| s.federation.members.clear()),
        ("federation.commitment", |s| s.federation.commitment.clear()),
        ("federation.commitment", |s| s.federation.commitment[0] = BlsPublicKey::ZERO),
        ("federation.members.identity", |s| s.federation.members[0].identity = B256::ZERO),
        ("federation.members.bitcoin", |s| s.federation.members[0].bitcoin = B256::ZERO),
        ("execution_genesis.base_fee", |s| s.execution_genesis.base_fee = 0),
        ("execution_genesis.accounts", |s| s.development = false),
        ("execution_genesis.accounts", |s| {
            s.execution_genesis.accounts.pop_first();
        }),
    ];
    assert_eq!(spec().check(), Ok(()));
    for (field, change) in changes {
        let mut spec = spec();
        change(&mut spec);
        match spec.check() {
            Err(SpecError::Field { field: named, must, .. }) => {
                assert_eq!(named, *field);
                assert!(must.len() > 5);
            }
            other => panic!("{field}: {other:?}"),
        }
    }
}

/// `too-many-payees`: the cap on withdrawals can never be below the members to pay.
#[test]
fn too_many_payees() {
    let mut spec = spec();
    spec.blocks.max_withdrawals = 18;
    assert_eq!(spec.check(), Ok(()));
    spec.blocks.max_withdrawals = 17;
    assert!(spec.check().is_err());
}

#[test]
fn the_genesis_block_is_a_copy_of_itself_and_commits_to_the_accounts() {
    let spec = spec();
    let genesis = spec.genesis();
    let execution_hash = genesis.execution_header.hash_slow();
    assert_eq!(genesis.block.header.payload_hash, execution_hash);
    assert_eq!(genesis.block.payload_hash_as_given(), execution_hash);
    assert_eq!(genesis.block.header.peg_root, genesis.peg.root());
    assert_eq!(genesis.execution_header.gas_limit, spec.blocks.gas_limit);
    let mut richer = spec.clone();
    richer.execution_genesis.accounts.get_mut(&Address::repeat_byte(1)).unwrap().balance = U256::from(6);
    assert_ne!(richer.genesis().execution_header.state_root, genesis.execution_header.state_root);
}
