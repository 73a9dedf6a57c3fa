//! Deriving the encryption key from the password, within bounds that no file can exceed.
//!
//! The parameters stand in the file, so they are data from outside: a scrypt `n` of 2^40 would ask for a
//! petabyte. The limits let through what staking tools write (scrypt with 256 MiB; PBKDF2 with 262,144
//! rounds) and some more, and nothing that takes longer than a few seconds.

use pbkdf2::pbkdf2_hmac;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{KeystoreError, Password};

/// How many bytes are derived: 16 for the cipher, 16 for the checksum.
const KEY_BYTES: usize = 32;
/// Memory that scrypt may take: 128 * n * r bytes. EIP-2335's own parameters take all of it.
const MAX_SCRYPT_BYTES: u64 = 256 << 20;
/// Work that scrypt may take, as n * r * p: four times that of EIP-2335's parameters.
const MAX_SCRYPT_WORK: u64 = 1 << 23;
/// Rounds of PBKDF2: 32 times EIP-2335's 2^18.
const MAX_PBKDF2_ROUNDS: u64 = 1 << 23;
/// Salt, in bytes. Tools write 32.
const MAX_SALT_BYTES: usize = 64;

/// What a new keystore costs to open, and to attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kdf {
    /// scrypt with `n = 2^log_n`, `r = 8`, `p = 1` (RFC 7914).
    Scrypt {
        /// The exponent: 18 takes 256 MiB, each one less half of that.
        log_n: u8,
    },
    /// PBKDF2 with HMAC-SHA-256 (RFC 8018).
    Pbkdf2 {
        /// The rounds.
        rounds: u32,
    },
}

impl Kdf {
    /// What EIP-2335 and staking tools use: scrypt over 256 MiB.
    #[must_use]
    pub const fn standard() -> Self {
        Self::Scrypt { log_n: 18 }
    }

    /// Quick to open and to attack: for keys of development networks, which guard nothing.
    #[must_use]
    pub const fn development() -> Self {
        Self::Scrypt { log_n: 10 }
    }

    pub(super) const fn function(self) -> &'static str {
        match self {
            Self::Scrypt { .. } => "scrypt",
            Self::Pbkdf2 { .. } => "pbkdf2",
        }
    }

    /// The parameters as they stand in the file.
    pub(super) fn params(self, salt: &[u8]) -> Value {
        let salt = hex::encode(salt);
        match self {
            Self::Scrypt { log_n } => {
                let n = 1u64.checked_shl(u32::from(log_n)).unwrap_or(0);
                json!({ "dklen": KEY_BYTES, "n": n, "p": 1, "r": 8, "salt": salt })
            }
            Self::Pbkdf2 { rounds } => {
                json!({ "c": rounds, "dklen": KEY_BYTES, "prf": "hmac-sha256", "salt": salt })
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
struct ScryptParams {
    dklen: u64,
    n: u64,
    p: u64,
    r: u64,
    salt: String,
}

#[derive(Serialize, Deserialize)]
struct Pbkdf2Params {
    c: u64,
    dklen: u64,
    prf: String,
    salt: String,
}

/// Derives the 32 bytes from `password` as a file's `function` and `params` say.
///
/// # Errors
/// [`KeystoreError::Unsupported`], [`KeystoreError::Malformed`] or [`KeystoreError::Expensive`].
pub(super) fn derive(
    function: &str,
    params: &Value,
    password: &Password,
) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeystoreError> {
    match function {
        "scrypt" => scrypt(&fields(params)?, password),
        "pbkdf2" => pbkdf2(&fields(params)?, password),
        other => Err(KeystoreError::Unsupported(format!("the key derivation {other:?}"))),
    }
}

fn fields<'a, T: Deserialize<'a>>(params: &'a Value) -> Result<T, KeystoreError> {
    T::deserialize(params).map_err(|error| KeystoreError::Malformed(format!("kdf.params: {error}")))
}

fn scrypt(params: &ScryptParams, password: &Password) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeystoreError> {
    check_length(params.dklen)?;
    let salt = salt(&params.salt)?;
    if !params.n.is_power_of_two() || params.n < 2 || params.r == 0 || params.p == 0 {
        let error = "scrypt needs n a power of 2 above 1, and r and p above 0";
        return Err(KeystoreError::Malformed(error.to_owned()));
    }
    let cells = params.n.checked_mul(params.r);
    let memory = cells.and_then(|cells| cells.checked_mul(128));
    let work = cells.and_then(|cells| cells.checked_mul(params.p));
    if memory.is_none_or(|memory| memory > MAX_SCRYPT_BYTES) || work.is_none_or(|work| work > MAX_SCRYPT_WORK)
    {
        return Err(KeystoreError::Expensive(format!(
            "scrypt n = {}, r = {}, p = {}; at most {MAX_SCRYPT_BYTES} bytes (128 n r) and \
             n r p = {MAX_SCRYPT_WORK}",
            params.n, params.r, params.p
        )));
    }
    let log_n = u8::try_from(params.n.trailing_zeros());
    let numbers = (log_n, u32::try_from(params.r), u32::try_from(params.p));
    let (Ok(log_n), Ok(r), Ok(p)) = numbers else {
        return Err(KeystoreError::Malformed("scrypt parameters out of range".to_owned()));
    };
    let cost = scrypt::Params::new(log_n, r, p, KEY_BYTES)
        .map_err(|error| KeystoreError::Malformed(format!("scrypt: {error}")))?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    scrypt::scrypt(password.as_bytes(), &salt, &cost, key.as_mut_slice())
        .map_err(|error| KeystoreError::Malformed(format!("scrypt: {error}")))?;
    Ok(key)
}

fn pbkdf2(params: &Pbkdf2Params, password: &Password) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeystoreError> {
    check_length(params.dklen)?;
    let salt = salt(&params.salt)?;
    if params.prf != "hmac-sha256" {
        return Err(KeystoreError::Unsupported(format!("the pseudo-random function {:?}", params.prf)));
    }
    if params.c == 0 || params.c > MAX_PBKDF2_ROUNDS {
        let limits = format!("PBKDF2 c = {}; 1 to {MAX_PBKDF2_ROUNDS}", params.c);
        return Err(KeystoreError::Expensive(limits));
    }
    let rounds = u32::try_from(params.c).unwrap_or(u32::MAX);
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    pbkdf2_hmac::<Sha256>(password.as_bytes(), &salt, rounds, key.as_mut_slice());
    Ok(key)
}

fn check_length(dklen: u64) -> Result<(), KeystoreError> {
    if dklen == KEY_BYTES as u64 {
        Ok(())
    } else {
        Err(KeystoreError::Unsupported(format!("a derived key of {dklen} bytes instead of 32")))
    }
}

fn salt(text: &str) -> Result<Vec<u8>, KeystoreError> {
    let salt = super::document::decode_hex("kdf.params.salt", text)?;
    if salt.len() > MAX_SALT_BYTES {
        return Err(KeystoreError::Malformed(format!("a salt of {} bytes", salt.len())));
    }
    Ok(salt)
}
