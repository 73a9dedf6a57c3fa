//! Keys at rest.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use alys_federation::{
    DevelopmentDealer, Keystore, KeystoreError, MemberKeys, Password,
    keystore::{Document, Existing, Kdf},
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The quickest that scrypt allows.
const QUICK: Kdf = Kdf::Scrypt { log_n: 1 };

fn keys(seed: u8) -> MemberKeys {
    DevelopmentDealer::from_seed([seed; 32]).deal(1).unwrap().members.remove(0)
}

fn password() -> Password {
    Password::new("correct horse")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn what_is_saved_is_loaded_and_others_may_not_read_it() {
    let parent = tempfile::tempdir().unwrap();
    let store = Keystore::at(parent.path().join("keys"));
    let saved = keys(1);
    assert!(!store.holds_keys());
    store.save(&saved, &password(), QUICK, Existing::Refuse).unwrap();
    assert!(store.holds_keys());
    let loaded = store.load(&password()).unwrap();
    assert_eq!(loaded.share.expose(), saved.share.expose());
    assert_eq!(loaded.bitcoin.expose(), saved.bitcoin.expose());
    assert_eq!(loaded.identity.expose().as_slice(), saved.identity.expose().as_slice());

    assert_eq!(mode(store.folder()), 0o700);
    let files: Vec<_> = fs::read_dir(store.folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 3, "no temporary file stays behind: {files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        let text = fs::read_to_string(&file).unwrap();
        for secret in [saved.share.expose(), saved.bitcoin.expose(), &*saved.identity.expose()] {
            assert!(!text.contains(&hex::encode(secret)), "{} holds a secret in the clear", file.display());
        }
    }
}

#[test]
fn identity_at_random() {
    // The identity is the stored one at each start.
    let folder = tempfile::tempdir().unwrap();
    let store = Keystore::at(folder.path());
    store.save(&keys(1), &password(), QUICK, Existing::Refuse).unwrap();
    let load = || store.load(&password()).unwrap().identity.public_key();
    assert_eq!(load(), load());
}

#[test]
fn a_key_is_not_overwritten_unless_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = Keystore::at(folder.path());
    store.save(&keys(1), &password(), QUICK, Existing::Refuse).unwrap();
    let refused = store.save(&keys(2), &password(), QUICK, Existing::Refuse);
    assert!(matches!(refused, Err(KeystoreError::Exists(_))), "{refused:?}");
    assert_eq!(store.load(&password()).unwrap().share.expose(), keys(1).share.expose());
    store.save(&keys(2), &password(), QUICK, Existing::Replace).unwrap();
    assert_eq!(store.load(&password()).unwrap().share.expose(), keys(2).share.expose());
}

#[test]
fn a_file_that_others_may_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Keystore::at(folder.path());
    store.save(&keys(1), &password(), QUICK, Existing::Refuse).unwrap();
    for open in [0o640, 0o604, 0o660, 0o700 | 0o010] {
        let share = store.folder().join("share.json");
        fs::set_permissions(&share, fs::Permissions::from_mode(open)).unwrap();
        let refused = store.load(&password());
        assert!(matches!(refused, Err(KeystoreError::TooOpen { mode, .. }) if mode == open), "{refused:?}");
        fs::set_permissions(&share, fs::Permissions::from_mode(0o600)).unwrap();
    }
    store.load(&password()).unwrap();
}

#[test]
fn a_wrong_password_is_a_typed_error() {
    let folder = tempfile::tempdir().unwrap();
    let store = Keystore::at(folder.path());
    store.save(&keys(1), &password(), QUICK, Existing::Refuse).unwrap();
    for wrong in ["", "correct horsf", "Correct horse"] {
        let refused = store.load(&Password::new(wrong));
        let Err(KeystoreError::Document { path, reason }) = refused else { panic!("{refused:?}") };
        assert!(matches!(*reason, KeystoreError::WrongPassword), "{reason:?}");
        assert_eq!(path, folder.path().join("identity.json"));
    }
}

#[test]
fn whatever_is_wrong_with_a_keystore_is_said_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = Keystore::at(folder.path());
    store.save(&keys(1), &password(), QUICK, Existing::Refuse).unwrap();
    let share = folder.path().join("share.json");
    let sound = fs::read_to_string(&share).unwrap();
    let refused = |text: &str| {
        fs::write(&share, text).unwrap();
        store.load(&password()).unwrap_err().to_string()
    };
    let cases = [
        (sound.replace("\"version\": 4", "\"version\": 3"), "version 3"),
        (sound.replace("\"p\": 1", "\"p\": 1000000"), "outside the limits"),
        ("{}".to_owned(), "not an EIP-2335 keystore"),
    ];
    for (text, expected) in cases {
        assert_ne!(text, sound, "{expected}");
        let said = refused(&text);
        assert!(said.contains(expected) && said.contains(share.to_str().unwrap()), "{said}");
    }
}

#[test]
fn a_password_is_taken_from_a_file_that_its_owner_alone_may_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    let said = |bytes: &[u8], mode: u32| {
        fs::write(&file, bytes).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        Password::from_file(&file).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(said(b"secret\nand a remark", 0o600), Ok(()));
    assert_eq!(said(b"secret", 0o400), Ok(()));
    let cases: [(&[u8], u32, &str); 5] = [
        (b"secret", 0o644, "chmod 600"),
        (b"secret", 0o640, "chmod 600"),
        (b"\nsecret", 0o600, "is empty"),
        (b"\xff\xfe", 0o600, "not UTF-8"),
        (&[b'x'; 70_000], 0o600, "larger than"),
    ];
    for (bytes, mode, expected) in cases {
        let said = said(bytes, mode).unwrap_err();
        assert!(said.contains(expected) && said.contains(file.to_str().unwrap()), "{said}");
    }
    fs::remove_file(&file).unwrap();
    assert!(Password::from_file(&file).unwrap_err().to_string().contains(file.to_str().unwrap()));
}

#[test]
fn a_missing_file_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Keystore::at(folder.path()).load(&password()).unwrap_err();
    assert!(refused.to_string().contains("identity.json"), "{refused}");
}

#[test]
fn a_secret_under_another_public_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Keystore::at(folder.path());
    store.save(&keys(1), &password(), QUICK, Existing::Refuse).unwrap();
    for name in ["identity.json", "share.json", "bitcoin.json"] {
        let path = store.folder().join(name);
        let good = fs::read(&path).unwrap();
        let mut document: Value = serde_json::from_slice(&good).unwrap();
        let named = document["pubkey"].as_str().unwrap().to_owned();
        // Left out and in capitals are as tools write it,
        document["pubkey"] = json!(named.to_uppercase());
        fs::write(&path, document.to_string()).unwrap();
        store.load(&password()).unwrap();
        document.as_object_mut().unwrap().remove("pubkey");
        fs::write(&path, document.to_string()).unwrap();
        store.load(&password()).unwrap();
        // another one is not.
        document["pubkey"] = json!(named.chars().rev().collect::<String>());
        fs::write(&path, document.to_string()).unwrap();
        let refused = store.load(&password());
        assert!(matches!(refused, Err(KeystoreError::WrongPublicKey(_))), "{refused:?}");
        fs::write(&path, good).unwrap();
    }
}

#[test]
fn files_in_each_others_places_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Keystore::at(folder.path());
    store.save(&keys(1), &password(), QUICK, Existing::Refuse).unwrap();
    let (share, bitcoin) = (store.folder().join("share.json"), store.folder().join("bitcoin.json"));
    fs::rename(&share, &bitcoin).unwrap();
    fs::copy(store.folder().join("identity.json"), &share).unwrap();
    assert!(store.load(&password()).is_err());
}

/// The password of EIP-2335's test vectors.
const EIP_PASSWORD: &str = "𝔱𝔢𝔰𝔱𝔭𝔞𝔰𝔰𝔴𝔬𝔯𝔡🔑";
const EIP_SECRET: &str = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";
const EIP_PUBLIC: &str =
    "9612d7a727c9d0a22e185a1c768478dfe919cada9266988cb32359c11f2b7b27f4ae4040902382ae2910c15e2b420d07";
const EIP_SALT: &str = "d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3";

/// A document with the fields that both vectors of the EIP share.
fn eip_document(kdf: Value, checksum: &str, message: &str) -> Value {
    json!({
        "crypto": {
            "kdf": kdf,
            "checksum": { "function": "sha256", "params": {}, "message": checksum },
            "cipher": {
                "function": "aes-128-ctr",
                "params": { "iv": "264daa3f303d7259501c93d997d84fe6" },
                "message": message
            }
        },
        "description": "",
        "pubkey": EIP_PUBLIC,
        "path": "m/12381/60/0/0",
        "uuid": "64625def-3331-4eea-ab6f-782f3ed16a83",
        "version": 4
    })
}

fn eip_scrypt() -> Value {
    let params = json!({ "dklen": 32, "n": 262_144, "p": 1, "r": 8, "salt": EIP_SALT });
    eip_document(
        json!({ "function": "scrypt", "params": params, "message": "" }),
        "d2217fe5f3e9a1e34581ef8a78f7c9928e436d36dacc5e846690a5581e8ea484",
        "06ae90d55fe0a6e9c5c3bc5b170827b2e5cce3929ed3f116c2811e6366dfe20f",
    )
}

fn eip_pbkdf2() -> Value {
    let params = json!({ "dklen": 32, "c": 262_144, "prf": "hmac-sha256", "salt": EIP_SALT });
    eip_document(
        json!({ "function": "pbkdf2", "params": params, "message": "" }),
        "8a9f5d9912ed7e75ea794bc5a89bca5f193721d30868ade6f73043c6ea6febf1",
        "cee03fde2af33149775b7223e7845e4fb2c8ae1792e5f99fe9ecf474cc8c16ad",
    )
}

fn read(document: &Value) -> Result<Document, KeystoreError> {
    Document::from_json(document.to_string().as_bytes())
}

#[test]
fn the_test_vectors_of_eip_2335_decrypt() {
    for vector in [eip_scrypt(), eip_pbkdf2()] {
        let document = read(&vector).unwrap();
        let secret = document.decrypt(&Password::new(EIP_PASSWORD)).unwrap();
        assert_eq!(hex::encode(secret.as_slice()), EIP_SECRET);
        assert_eq!(document.public_key(), EIP_PUBLIC);
        let refused = document.decrypt(&Password::new("testpassword"));
        assert!(matches!(refused, Err(KeystoreError::WrongPassword)), "{refused:?}");
    }
}

#[test]
fn a_staking_tools_keystore_is_read_as_a_members_share() {
    // With the fields that tools add or leave out.
    let folder = tempfile::tempdir().unwrap();
    let store = Keystore::at(folder.path());
    let password = Password::new(EIP_PASSWORD);
    store.save(&keys(1), &password, QUICK, Existing::Refuse).unwrap();
    let mut vector = eip_pbkdf2();
    vector["name"] = json!(null);
    vector.as_object_mut().unwrap().remove("description");
    fs::write(store.folder().join("share.json"), vector.to_string()).unwrap();
    assert_eq!(hex::encode(store.load(&password).unwrap().share.expose()), EIP_SECRET);
}

#[test]
fn each_altered_field_of_the_encryption_is_noticed() {
    let secret = [5; 32];
    let good = Document::encrypt(&secret, &password(), QUICK, "", "").unwrap().to_json();
    let good: Value = serde_json::from_str(&good).unwrap();
    assert_eq!(read(&good).unwrap().decrypt(&password()).unwrap().as_slice(), secret);
    for field in ["/crypto/kdf/params/salt", "/crypto/checksum/message", "/crypto/cipher/message"] {
        let mut altered = good.clone();
        let text = altered.pointer(field).and_then(Value::as_str).unwrap();
        let flipped = if text.starts_with('0') { "1" } else { "0" };
        let text = format!("{flipped}{}", text.get(1..).unwrap());
        *altered.pointer_mut(field).unwrap() = json!(text);
        let refused = read(&altered).unwrap().decrypt(&password());
        assert!(matches!(refused, Err(KeystoreError::WrongPassword)), "{field}: {refused:?}");
    }
    // The checksum does not cover the initialisation vector; the public key does, see
    // `a_secret_under_another_public_key_is_refused`.
    for (field, value) in [
        ("/version", json!(3)),
        ("/crypto/kdf/function", json!("argon2")),
        ("/crypto/checksum/function", json!("md5")),
        ("/crypto/cipher/function", json!("aes-256-gcm")),
        ("/crypto/kdf/params/dklen", json!(16)),
    ] {
        let mut altered = good.clone();
        *altered.pointer_mut(field).unwrap() = value;
        let refused = read(&altered).and_then(|document| document.decrypt(&password()));
        assert!(matches!(refused, Err(KeystoreError::Unsupported(_))), "{field}: {refused:?}");
    }
}

#[test]
fn an_altered_initialisation_vector_is_noticed_by_the_public_key() {
    let folder = tempfile::tempdir().unwrap();
    let store = Keystore::at(folder.path());
    store.save(&keys(1), &password(), QUICK, Existing::Refuse).unwrap();
    let path = store.folder().join("identity.json");
    let mut document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    document["crypto"]["cipher"]["params"]["iv"] = json!("00".repeat(16));
    fs::write(&path, document.to_string()).unwrap();
    let refused = store.load(&password());
    assert!(matches!(refused, Err(KeystoreError::WrongPublicKey(_))), "{refused:?}");
}

#[test]
fn a_hostile_key_derivation_is_refused_before_it_costs_anything() {
    let scrypt = |n: u64, r: u64, p: u64| {
        let mut document = eip_scrypt();
        document["crypto"]["kdf"]["params"] =
            json!({ "dklen": 32, "n": n, "p": p, "r": r, "salt": EIP_SALT });
        read(&document).unwrap().decrypt(&password())
    };
    for (n, r, p) in [
        (1 << 40, 8, 1),
        (1 << 63, 8, 1),
        (1 << 19, 8, 1),
        (1 << 18, 9, 1),
        (2, u64::MAX, 1),
        (2, 1, u64::MAX),
        (1 << 18, 8, 5),
        (1 << 18, 8, u64::from(u32::MAX)),
    ] {
        let refused = scrypt(n, r, p);
        assert!(matches!(refused, Err(KeystoreError::Expensive(_))), "n {n} r {r} p {p}: {refused:?}");
    }
    for (n, r, p) in [(0, 8, 1), (1, 8, 1), (1000, 8, 1), (16, 0, 1), (16, 8, 0)] {
        let refused = scrypt(n, r, p);
        assert!(matches!(refused, Err(KeystoreError::Malformed(_))), "n {n} r {r} p {p}: {refused:?}");
    }
    for rounds in [0, (1 << 23) + 1, u64::MAX] {
        let mut document = eip_pbkdf2();
        document["crypto"]["kdf"]["params"]["c"] = json!(rounds);
        let refused = read(&document).unwrap().decrypt(&password());
        assert!(matches!(refused, Err(KeystoreError::Expensive(_))), "{rounds} rounds: {refused:?}");
    }
}

#[test]
fn what_would_be_too_dear_to_read_is_not_written() {
    for kdf in [Kdf::Scrypt { log_n: 19 }, Kdf::Scrypt { log_n: 200 }, Kdf::Pbkdf2 { rounds: u32::MAX }] {
        assert!(Document::encrypt(&[1; 32], &password(), kdf, "", "").is_err(), "{kdf:?}");
    }
    let pbkdf2 = Document::encrypt(&[1; 32], &password(), Kdf::Pbkdf2 { rounds: 2 }, "", "").unwrap();
    assert_eq!(pbkdf2.decrypt(&password()).unwrap().as_slice(), [1; 32]);
}

#[test]
fn a_huge_file_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = Keystore::at(folder.path());
    store.save(&keys(1), &password(), QUICK, Existing::Refuse).unwrap();
    let path = store.folder().join("identity.json");
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    let refused = store.load(&password());
    assert!(matches!(refused, Err(KeystoreError::TooLarge { .. })), "{refused:?}");
}

#[test]
fn each_keystore_has_its_own_salt_and_vector() {
    let encrypt = || Document::encrypt(&[1; 32], &password(), QUICK, "", "").unwrap();
    assert_ne!(encrypt().to_json(), encrypt().to_json());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_secret_under_any_password_comes_back(
        secret in proptest::collection::vec(any::<u8>(), 0..64), password in any::<String>(),
    ) {
        let document = Document::encrypt(&secret, &Password::new(&password), QUICK, "00", "x").unwrap();
        let read = Document::from_json(document.to_json().as_bytes()).unwrap();
        prop_assert_eq!(&read, &document);
        let back = read.decrypt(&Password::new(&password)).unwrap();
        prop_assert_eq!(back.as_slice(), secret.as_slice());
        // A control code more makes no other password (EIP-2335).
        let same = Password::new(&format!("{password}\n"));
        prop_assert!(read.decrypt(&same).is_ok());
        let other = Password::new(&format!("{password}x"));
        prop_assert!(matches!(read.decrypt(&other), Err(KeystoreError::WrongPassword)));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in any::<Vec<u8>>()) {
        prop_assert!(Document::from_json(&text).is_err());
    }

    #[test]
    fn no_value_in_any_field_makes_the_reader_panic(
        field in 0usize..12, text in ".{0,40}", number in any::<u64>(), as_text in any::<bool>(),
    ) {
        let fields = [
            "/version", "/pubkey", "/path", "/crypto/kdf/function", "/crypto/kdf/params",
            "/crypto/kdf/params/n", "/crypto/kdf/params/r", "/crypto/kdf/params/p",
            "/crypto/kdf/params/salt", "/crypto/checksum/message", "/crypto/cipher/message",
            "/crypto/cipher/params/iv",
        ];
        let mut document = eip_scrypt();
        document["crypto"]["kdf"]["params"]["n"] = json!(2);
        *document.pointer_mut(fields[field]).unwrap() = if as_text { json!(text) } else { json!(number) };
        let _ = read(&document).and_then(|document| document.decrypt(&password()));
    }
}
