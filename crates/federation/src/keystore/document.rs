//! One keystore file: the JSON of EIP-2335, version 4.
//!
//! The derived key's first 16 bytes encrypt, its last 16 enter the checksum
//! `SHA-256(derived[16..32] | cipher text)`, which is compared before anything is decrypted.

use aes::Aes128;
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit as _, StreamCipher as _},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{Kdf, KeystoreError, Password, kdf};

/// The version that EIP-2335 defines.
const VERSION: u64 = 4;
/// A secret of more bytes than this is none of ours: keys have 32.
const MAX_SECRET_BYTES: usize = 1024;

/// An encrypted secret with what is needed, beside the password, to decrypt it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    crypto: Crypto,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// The public key in hex; tools may leave it out.
    #[serde(default)]
    pubkey: Option<String>,
    /// The derivation path of a staking key (EIP-2334); empty for keys that were not derived from a seed.
    #[serde(default)]
    path: String,
    #[serde(default)]
    uuid: String,
    version: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Crypto {
    kdf: Module,
    checksum: Module,
    cipher: Module,
}

/// The shape that EIP-2335 gives to each of its three functions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Module {
    function: String,
    params: Value,
    message: String,
}

impl Document {
    /// Reads a file's text. Nothing is derived or decrypted yet.
    ///
    /// # Errors
    /// [`KeystoreError::Malformed`], or [`KeystoreError::Unsupported`] for another version.
    pub fn from_json(text: &[u8]) -> Result<Self, KeystoreError> {
        let document: Self =
            serde_json::from_slice(text).map_err(|error| KeystoreError::Malformed(error.to_string()))?;
        if document.version != VERSION {
            return Err(KeystoreError::Unsupported(format!("keystore version {}", document.version)));
        }
        Ok(document)
    }

    /// The file's text.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings and numbers only: that always serializes.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The public key in hex as the file names it; empty where it does not.
    #[must_use]
    pub fn public_key(&self) -> &str {
        self.pubkey.as_deref().unwrap_or_default()
    }

    /// Encrypts `secret` under a fresh salt and initialisation vector.
    ///
    /// # Errors
    /// [`KeystoreError::Entropy`], or [`KeystoreError::Expensive`] for a cost that could not be read again.
    pub fn encrypt(
        secret: &[u8],
        password: &Password,
        cost: Kdf,
        public_key: &str,
        description: &str,
    ) -> Result<Self, KeystoreError> {
        let salt: [u8; 32] = random()?;
        let iv: [u8; 16] = random()?;
        let params = cost.params(&salt);
        let derived = kdf::derive(cost.function(), &params, password)?;
        let (key, check) = halves(&derived);
        let mut text = secret.to_vec();
        // What is encrypted in place is a secret until it is.
        apply_keystream(key, &iv, &mut text);
        Ok(Self {
            crypto: Crypto {
                kdf: Module { function: cost.function().to_owned(), params, message: String::new() },
                checksum: Module {
                    function: "sha256".to_owned(),
                    params: json!({}),
                    message: hex::encode(checksum(check, &text)),
                },
                cipher: Module {
                    function: "aes-128-ctr".to_owned(),
                    params: json!({ "iv": hex::encode(iv) }),
                    message: hex::encode(text),
                },
            },
            description: Some(description.to_owned()),
            pubkey: Some(public_key.to_owned()),
            path: String::new(),
            uuid: uuid(random()?),
            version: VERSION,
        })
    }

    /// Decrypts the secret.
    ///
    /// # Errors
    /// [`KeystoreError::WrongPassword`] where the checksum differs; [`KeystoreError::Malformed`],
    /// [`KeystoreError::Unsupported`] and [`KeystoreError::Expensive`] before anything is derived.
    pub fn decrypt(&self, password: &Password) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
        let Crypto { kdf, checksum: expected, cipher } = &self.crypto;
        require("checksum", "sha256", &expected.function)?;
        require("cipher", "aes-128-ctr", &cipher.function)?;
        let sum = decode_hex("checksum.message", &expected.message)?;
        let iv = cipher.params.get("iv").and_then(Value::as_str).unwrap_or_default();
        let iv = <[u8; 16]>::try_from(decode_hex("cipher.params.iv", iv)?)
            .map_err(|_| KeystoreError::Malformed("cipher.params.iv: 16 bytes".to_owned()))?;
        let mut text = Zeroizing::new(decode_hex("cipher.message", &cipher.message)?);
        if text.len() > MAX_SECRET_BYTES {
            return Err(KeystoreError::Malformed(format!("a secret of {} bytes", text.len())));
        }

        let derived = kdf::derive(&kdf.function, &kdf.params, password)?;
        let (key, check) = halves(&derived);
        if sum != checksum(check, &text) {
            return Err(KeystoreError::WrongPassword);
        }
        apply_keystream(key, &iv, &mut text);
        Ok(text)
    }
}

/// Hex with or without `0x`.
pub(super) fn decode_hex(field: &str, text: &str) -> Result<Vec<u8>, KeystoreError> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text))
        .map_err(|error| KeystoreError::Malformed(format!("{field}: {error}")))
}

fn require(what: &str, function: &str, found: &str) -> Result<(), KeystoreError> {
    if function == found {
        Ok(())
    } else {
        Err(KeystoreError::Unsupported(format!("the {what} function {found:?}")))
    }
}

/// The cipher's key and the checksum's.
fn halves(derived: &[u8; 32]) -> (&[u8], &[u8]) {
    derived.split_at(16)
}

fn checksum(key: &[u8], text: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(key).chain_update(text).finalize().into()
}

fn apply_keystream(key: &[u8], iv: &[u8; 16], text: &mut [u8]) {
    let mut sized = Zeroizing::new([0; 16]);
    sized.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let sized: &[u8; 16] = &sized;
    Ctr128BE::<Aes128>::new(sized.into(), iv.into()).apply_keystream(text);
}

fn random<const N: usize>() -> Result<[u8; N], KeystoreError> {
    let mut bytes = [0; N];
    crate::entropy::fill(&mut bytes).map_err(KeystoreError::Entropy)?;
    Ok(bytes)
}

/// A random UUID (RFC 9562, version 4).
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(bytes);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| text.get(range).unwrap_or_default());
    parts.join("-")
}
