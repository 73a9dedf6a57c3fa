//! Keys at rest: a folder of three encrypted files, one for each key of a member.
//!
//! Each file is an EIP-2335 keystore (version 4), as Ethereum's staking tools write and read them:
//! scrypt or PBKDF2, AES-128-CTR, a SHA-256 checksum. So a share can be backed up, moved and read with tools
//! that exist.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | [`Keystore`]: the folder with `identity.json`, `share.json` and `bitcoin.json` |
//! | `document.rs` | one file's JSON: encrypting and decrypting a secret |
//! | `kdf.rs` | key derivation and its bounds |
//! | `password.rs` | the password, normalised as the EIP asks, and the file it stands in |
//! | `file.rs` | private files, written durably |
//!
//! Files, that of the password too, are readable by their owner alone (mode 0600), which is enforced on writing
//! and checked on reading, and replaced atomically: after a crash the old file is there or the new one. What a file
//! says about itself is bounded before it is obeyed: no file makes this program take more than
//! 256 MiB or run for more than a few seconds.

mod document;
mod file;
mod kdf;
mod password;

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

pub use document::Document;
pub use file::Existing;
pub use kdf::Kdf;
pub use password::Password;

use crate::{
    identity::IdentitySecret,
    member_keys::{BitcoinSecret, MemberKeys},
    scheme::SecretShare,
};

/// Why keys could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// The file system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is there already, and replacing it was not asked for.
    #[error("{0} exists and holds a key already: move it away, or ask for its replacement")]
    Exists(PathBuf),
    /// Others than the owner may read the file.
    #[error("{path} has mode {mode:04o}: others may read it; run `chmod 600` on it")]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A keystore is about 1 KiB and a password less; this is neither.
    #[error("{path} is larger than {limit} bytes: neither a keystore nor a password file")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        limit: u64,
    },
    /// What is wrong with the document in a file.
    #[error("{path}: {reason}")]
    Document {
        /// The file.
        path: PathBuf,
        /// What is wrong with it: [`Malformed`](Self::Malformed), [`Unsupported`](Self::Unsupported),
        /// [`Expensive`](Self::Expensive) or [`WrongPassword`](Self::WrongPassword).
        reason: Box<KeystoreError>,
    },
    /// A password file without a password.
    #[error("the first line of {0} is empty: write the password there")]
    NoPassword(PathBuf),
    /// A password file that is no text.
    #[error("{0} is not UTF-8 text: write the password in its first line")]
    NotText(PathBuf),
    /// The file is not an EIP-2335 document.
    #[error("not an EIP-2335 keystore: {0}")]
    Malformed(String),
    /// A function or version that is not part of EIP-2335.
    #[error("the keystore uses {0}, which is not supported")]
    Unsupported(String),
    /// The file asks for more work or memory than any staking tool's keystore needs.
    #[error("the keystore's key derivation is outside the limits: {0}")]
    Expensive(String),
    /// The password is wrong, or the file was altered: the checksum cannot tell which.
    #[error("wrong password, or the keystore was altered")]
    WrongPassword,
    /// What was decrypted is no key of the kind that belongs here.
    #[error("{path} holds no {kind} key")]
    WrongKind {
        /// The file.
        path: PathBuf,
        /// The kind expected.
        kind: &'static str,
    },
    /// The secret does not belong to the public key that the file names.
    #[error("{0} names a public key that is not that of its secret")]
    WrongPublicKey(PathBuf),
    /// The operating system gave no random bytes for salts.
    #[error("no random bytes from the operating system: {0}")]
    Entropy(String),
}

/// A folder with one member's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keystore {
    folder: PathBuf,
}

const IDENTITY: &str = "identity.json";
const SHARE: &str = "share.json";
const BITCOIN: &str = "bitcoin.json";

impl Keystore {
    /// The keystore in `folder`, which need not exist yet.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether a key of any kind is there.
    #[must_use]
    pub fn holds_keys(&self) -> bool {
        [IDENTITY, SHARE, BITCOIN].iter().any(|name| self.folder.join(name).exists())
    }

    /// Encrypts the three keys and writes them; durable when this returns.
    ///
    /// Runs the key derivation three times, which with [`Kdf::standard`] takes seconds: that is its purpose.
    ///
    /// # Errors
    /// [`KeystoreError::Exists`] where a file is there and `existing` is [`Existing::Refuse`]; else what
    /// the file system said.
    pub fn save(
        &self,
        keys: &MemberKeys,
        password: &Password,
        kdf: Kdf,
        existing: Existing,
    ) -> Result<(), KeystoreError> {
        file::create_private_folder(&self.folder)?;
        if existing == Existing::Refuse
            && let Some(path) = self.paths().into_iter().find(|path| path.exists())
        {
            return Err(KeystoreError::Exists(path));
        }
        let share_key = keys.share.public_key().map(hex::encode).unwrap_or_default();
        let bitcoin_key = keys.bitcoin.public_key().map(hex::encode).unwrap_or_default();
        let identity_key = hex::encode(keys.identity.public_key());
        let files: [(&str, &[u8; 32], String, &str); 3] = [
            (IDENTITY, &keys.identity.expose(), identity_key, "Alys identity key (Ed25519)"),
            (SHARE, keys.share.expose(), share_key, "Alys threshold-BLS share"),
            (BITCOIN, keys.bitcoin.expose(), bitcoin_key, "Alys Bitcoin key (secp256k1)"),
        ];
        for (name, secret, public_key, description) in files {
            let document = Document::encrypt(secret, password, kdf, &public_key, description)?;
            file::write(&self.folder.join(name), document.to_json().as_bytes(), existing)?;
        }
        Ok(())
    }

    /// Reads and decrypts the three keys.
    ///
    /// # Errors
    /// [`KeystoreError`]: each names the file or the field and what to do.
    pub fn load(&self, password: &Password) -> Result<MemberKeys, KeystoreError> {
        let [identity, share, bitcoin] = self.paths();

        let (secret, named) = open(&identity, "identity", password)?;
        let identity_secret = IdentitySecret::from_seed(&secret);
        check_named(&identity, &named, identity_secret.public_key().as_slice())?;

        let (secret, named) = open(&share, "BLS", password)?;
        let wrong_kind = |path: &Path, kind| KeystoreError::WrongKind { path: path.to_owned(), kind };
        let share_secret = SecretShare::from_bytes(&secret).map_err(|_| wrong_kind(&share, "BLS"))?;
        let public = share_secret.public_key().map_err(|_| wrong_kind(&share, "BLS"))?;
        check_named(&share, &named, public.as_slice())?;

        let (secret, named) = open(&bitcoin, "Bitcoin", password)?;
        let bitcoin_secret =
            BitcoinSecret::from_bytes(&secret).map_err(|_| wrong_kind(&bitcoin, "Bitcoin"))?;
        let public = bitcoin_secret.public_key().map_err(|_| wrong_kind(&bitcoin, "Bitcoin"))?;
        check_named(&bitcoin, &named, public.as_slice())?;

        Ok(MemberKeys { identity: identity_secret, share: share_secret, bitcoin: bitcoin_secret })
    }

    fn paths(&self) -> [PathBuf; 3] {
        [IDENTITY, SHARE, BITCOIN].map(|name| self.folder.join(name))
    }
}

/// Decrypts one file to a 32-byte secret and the public key that the file names.
fn open(
    path: &Path,
    kind: &'static str,
    password: &Password,
) -> Result<(Zeroizing<[u8; 32]>, String), KeystoreError> {
    let in_file = |reason| KeystoreError::Document { path: path.to_owned(), reason: Box::new(reason) };
    let document = Document::from_json(&file::read(path)?).map_err(in_file)?;
    let secret = document.decrypt(password).map_err(in_file)?;
    let secret = <[u8; 32]>::try_from(secret.as_slice())
        .map(Zeroizing::new)
        .map_err(|_| KeystoreError::WrongKind { path: path.to_owned(), kind })?;
    Ok((secret, document.public_key().to_owned()))
}

/// Tools may leave the public key out; one that is there must be the secret's.
fn check_named(path: &Path, named: &str, public: &[u8]) -> Result<(), KeystoreError> {
    let named = named.strip_prefix("0x").unwrap_or(named);
    if named.is_empty() || named.eq_ignore_ascii_case(&hex::encode(public)) {
        Ok(())
    } else {
        Err(KeystoreError::WrongPublicKey(path.to_owned()))
    }
}
