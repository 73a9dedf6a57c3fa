//! Ethereum's BLS vectors (py_ecc and milagro, from the bls12-381-tests generator), read from
//! `ALYS_VECTORS` or `../shared/vectors` beside the workspace.

use std::path::PathBuf;

use alys_federation::{
    BlsThreshold, SecretShare,
    scheme::{
        ThresholdScheme as _,
        points::{MessagePoint, PointError, PublicPoint, SignaturePoint},
    },
};
use alys_primitives::{B256, BlsPublicKey, BlsSignature};
use blst::min_pk::{AggregatePublicKey, AggregateSignature, PublicKey, Signature};
use serde_json::Value;

/// The folder's vectors by file name; none, with the reason printed, where they are absent outside CI.
fn vectors(folder: &str) -> Vec<(String, Value)> {
    let root = std::env::var_os("ALYS_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors")),
        PathBuf::from,
    );
    let folder = root.join("bls").join(folder);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        let reason =
            format!("no vectors in {}: set ALYS_VECTORS to the folder that has them", folder.display());
        assert!(std::env::var_os("CI").is_none(), "{reason}");
        println!("skipped: {reason}");
        return Vec::new();
    };
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
    };
    let all: Vec<_> = entries.map(|entry| read(entry.unwrap().path())).collect();
    assert!(!all.is_empty(), "{} is empty", folder.display());
    all
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).unwrap()
}

fn public(bytes: &[u8]) -> Result<PublicPoint, PointError> {
    BlsPublicKey::try_from(bytes).map_err(|_| PointError::NotAPoint).and_then(|key| PublicPoint::decode(&key))
}

fn signature(bytes: &[u8]) -> Result<SignaturePoint, PointError> {
    BlsSignature::try_from(bytes)
        .map_err(|_| PointError::NotAPoint)
        .and_then(|signature| SignaturePoint::decode(&signature))
}

fn verifies(key: &[u8], message: &[u8], sig: &[u8]) -> bool {
    match (public(key), signature(sig)) {
        (Ok(key), Ok(sig)) => key.verifies(&MessagePoint::hash(message), &sig),
        _ => false,
    }
}

#[test]
fn shares_sign_as_any_bls_key_does() {
    for (name, vector) in vectors("sign") {
        let secret: [u8; 32] = bytes(&vector["input"]["privkey"]).try_into().unwrap();
        let root = B256::from_slice(&bytes(&vector["input"]["message"]));
        let signed = SecretShare::from_bytes(&secret).ok().map(|s| BlsThreshold.sign(&s, root).unwrap());
        let expected = vector["output"].as_str().map(|_| BlsSignature::from_slice(&bytes(&vector["output"])));
        assert_eq!(signed, expected, "{name}");
    }
}

#[test]
fn what_verifies_is_what_other_libraries_verify() {
    for (name, vector) in vectors("verify") {
        let input = &vector["input"];
        let ours = verifies(&bytes(&input["pubkey"]), &bytes(&input["message"]), &bytes(&input["signature"]));
        assert_eq!(Some(ours), vector["output"].as_bool(), "{name}");
    }
}

#[test]
fn aggregates_of_one_message_verify_under_the_sum_of_the_keys() {
    for (name, vector) in vectors("fast_aggregate_verify") {
        let input = &vector["input"];
        let keys: Vec<_> = input["pubkeys"].as_array().unwrap().iter().map(bytes).collect();
        let decoded: Option<Vec<_>> =
            keys.iter().map(|key| public(key).ok().and_then(|_| PublicKey::from_bytes(key).ok())).collect();
        let sum = decoded
            .and_then(|keys| AggregatePublicKey::aggregate(&keys.iter().collect::<Vec<_>>(), false).ok());
        let ours = sum.is_some_and(|sum| {
            let key = sum.to_public_key().compress();
            verifies(&key, &bytes(&input["message"]), &bytes(&input["signature"]))
        });
        assert_eq!(Some(ours), vector["output"].as_bool(), "{name}");
    }
}

#[test]
fn aggregates_are_the_sums_of_valid_points() {
    for (name, vector) in vectors("aggregate") {
        let given: Vec<_> = vector["input"].as_array().unwrap().iter().map(bytes).collect();
        let points: Vec<_> = given.iter().map(|bytes| Signature::from_bytes(bytes).unwrap()).collect();
        let sum = AggregateSignature::aggregate(&points.iter().collect::<Vec<_>>(), true).ok();
        let sum = sum.map(|sum| sum.to_signature().compress().to_vec());
        let expected = vector["output"].as_str().map(|_| bytes(&vector["output"]));
        assert_eq!(sum, expected, "{name}");
        // Each term but infinity is one of ours too.
        for (bytes, point) in given.iter().zip(&points) {
            let infinity = point.validate(true).is_err();
            assert_eq!(signature(bytes).err(), infinity.then_some(PointError::Infinity), "{name}");
        }
    }
}

#[test]
fn public_keys_decode_as_the_vectors_say_and_infinity_is_nobodys_key() {
    for (name, vector) in vectors("deserialization_G1") {
        let bytes = bytes(&vector["input"]["pubkey"]);
        let valid = vector["output"].as_bool().unwrap();
        match public(&bytes) {
            Ok(_) => assert!(valid, "{name}"),
            Err(PointError::Infinity) => assert!(valid && name.contains("infinity"), "{name}"),
            Err(_) => assert!(!valid, "{name}"),
        }
    }
}

#[test]
fn signatures_decode_as_the_vectors_say_and_infinity_is_nobodys_signature() {
    for (name, vector) in vectors("deserialization_G2") {
        let bytes = bytes(&vector["input"]["signature"]);
        let valid = vector["output"].as_bool().unwrap();
        match signature(&bytes) {
            Ok(_) => assert!(valid, "{name}"),
            Err(PointError::Infinity) => assert!(valid && name.contains("infinity"), "{name}"),
            Err(_) => assert!(!valid, "{name}"),
        }
    }
}

#[test]
fn messages_hash_to_the_points_of_rfc_9380() {
    // These vectors are the RFC's own and use its tag; `sign` above shows the ciphersuite's.
    const TAG: &[u8] = b"QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_";
    for (name, vector) in vectors("hash_to_G2") {
        let message = vector["input"]["msg"].as_str().unwrap();
        // The file gives "c0,c1" for each coordinate; the encoding has c1 first.
        let coordinate = |axis: &str| {
            let text = vector["output"][axis].as_str().unwrap();
            let (c0, c1) = text.split_once(',').unwrap();
            let decode = |part: &str| hex::decode(part.trim_start_matches("0x")).unwrap();
            [decode(c1), decode(c0)].concat()
        };
        let expected = [coordinate("x"), coordinate("y")].concat();
        let hashed = MessagePoint::hash_under(TAG, message.as_bytes()).coordinates();
        assert_eq!(hex::encode(hashed), hex::encode(expected), "{name}");
    }
}
