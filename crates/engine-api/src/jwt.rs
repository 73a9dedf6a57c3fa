//! The secret that node and execution client share, and the tokens signed with it.
//!
//! Source: execution-apis, `src/engine/authentication.md`: HS256, 32 bytes of secret in a file of hex, `iat`
//! in seconds, which clients take if it lies within 60 s of their own clock. A token is made for each
//! request, by the clock of whoever uses the client; one that follows a step of the system's clock only after a
//! while can be read anew when a token is refused ([`TransportConfig::anew`](crate::TransportConfig)).

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use rand::TryRngCore as _;
use sha2::Sha256;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// Where tokens take the time from: seconds since the unix epoch.
pub type UnixSeconds = Arc<dyn Fn() -> u64 + Send + Sync>;

/// `{"typ":"JWT","alg":"HS256"}` in base64url.
const HEADER: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9";

/// More than any key file holds: 64 digits, a prefix, blanks.
const MAX_FILE: u64 = 256;

/// A block of SHA-256: HMAC pads shorter keys to it with zeros.
const HMAC_BLOCK: usize = 64;

/// A JWT secret. Prints nothing, and is overwritten when it is dropped.
#[derive(Clone, ZeroizeOnDrop)]
pub struct JwtKey {
    bytes: [u8; 32],
}

/// Why there is no usable key.
#[derive(Debug, thiserror::Error)]
pub enum JwtKeyError {
    /// The file cannot be read or written.
    #[error("JWT key file {}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Others than its owner may read the file.
    #[error(
        "JWT key file {} may be read by others (mode {mode:03o}): whoever has the key commands the \
         execution client; run `chmod 600 {}`", path.display(), path.display()
    )]
    Permissions {
        /// Which.
        path: PathBuf,
        /// The permission bits.
        mode: u32,
    },
    /// The file holds something else.
    #[error("JWT key file {}: must hold 32 bytes as 64 hex digits, with or without 0x; {reason}", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// What is wrong; never a part of the contents.
        reason: &'static str,
    },
    /// The operating system gives no random numbers.
    #[error("no random numbers for a JWT key: {0}")]
    Random(String),
}

impl JwtKey {
    /// A key from its 32 bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self { bytes }
    }

    /// Reads a key file: 64 hex digits, with or without `0x` or `0X`, blanks around them.
    ///
    /// # Errors
    /// [`JwtKeyError`]; also where group or others may read, write or run the file.
    pub fn read(path: &Path) -> Result<Self, JwtKeyError> {
        let failed = |error| JwtKeyError::File { path: path.to_owned(), error };
        let mut file = File::open(path).map_err(failed)?;
        // Of the opened file, not of the path: nothing can be put in its place in between.
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(JwtKeyError::Permissions { path: path.to_owned(), mode });
        }
        let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_FILE).unwrap_or_default() + 1));
        (&mut file).take(MAX_FILE + 1).read_to_end(&mut text).map_err(failed)?;
        Self::parse(&text).map_err(|reason| JwtKeyError::Malformed { path: path.to_owned(), reason })
    }

    fn parse(text: &[u8]) -> Result<Self, &'static str> {
        let text = text.trim_ascii();
        let digits = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X")).unwrap_or(text);
        if digits.len() != 64 {
            return Err("the count of digits is another");
        }
        let mut key = Self { bytes: [0; 32] };
        hex::decode_to_slice(digits, &mut key.bytes)
            .map_err(|_| "there are other characters than hex digits")?;
        Ok(key)
    }

    /// Makes a new random key and writes it to `path`, which must not exist, readable by its owner only
    /// and on the disk when this returns.
    ///
    /// The file is written under another name beside it and gets its own when it is whole: a kill at any moment leaves
    /// the whole key or none, and at worst a `.tmp` that nothing reads.
    ///
    /// # Errors
    /// [`JwtKeyError::File`], also where the file exists; [`JwtKeyError::Random`].
    pub fn create(path: &Path) -> Result<Self, JwtKeyError> {
        let failed = |error| JwtKeyError::File { path: path.to_owned(), error };
        let mut key = Self { bytes: [0; 32] };
        fill(&mut key.bytes)?;
        let mut text = Zeroizing::new([0; 64]);
        // Cannot fail: 64 digits for 32 bytes.
        let _ = hex::encode_to_slice(key.bytes, text.as_mut_slice());
        let temporary = temporary_beside(path)?;
        // Unlike a rename, a link fails where the name is taken.
        let made = write_new(&temporary, text.as_slice()).and_then(|()| fs::hard_link(&temporary, path));
        // A second name of the same file, or a failed try.
        let _ = fs::remove_file(&temporary);
        made.and_then(|()| sync_folder_of(path)).map_err(failed)?;
        Ok(key)
    }

    /// The key in `path`; a new one is made where there is no such file.
    ///
    /// # Errors
    /// As [`read`](Self::read) and [`create`](Self::create).
    pub fn read_or_create(path: &Path) -> Result<Self, JwtKeyError> {
        match Self::read(path) {
            Err(JwtKeyError::File { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => {
                Self::create(path)
            }
            other => other,
        }
    }

    /// A token issued at `unix_seconds`.
    #[must_use]
    pub fn token(&self, unix_seconds: u64) -> String {
        let claims = URL_SAFE_NO_PAD.encode(format!("{{\"iat\":{unix_seconds}}}"));
        let signed = format!("{HEADER}.{claims}");
        let mut padded = Zeroizing::new([0; HMAC_BLOCK]);
        padded[..32].copy_from_slice(&self.bytes);
        let mut mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new((&*padded).into());
        mac.update(signed.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    /// Whether `token` was signed with this key, and when: what a client checks. For servers in tests.
    #[must_use]
    pub fn issued_at(&self, token: &str) -> Option<u64> {
        let (signed, _) = token.rsplit_once('.')?;
        let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.')?.1).ok()?;
        let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
        let issued = claims.get("iat")?.as_u64()?;
        (self.token(issued) == token).then_some(issued)
    }
}

/// A name beside `path` that nothing else has: this process' id, and at random, for ids come again.
fn temporary_beside(path: &Path) -> Result<PathBuf, JwtKeyError> {
    let mut unique = [0; 8];
    fill(&mut unique)?;
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.{}.tmp", std::process::id(), hex::encode(unique)));
    Ok(path.with_file_name(name))
}

fn write_new(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn fill(bytes: &mut [u8]) -> Result<(), JwtKeyError> {
    rand::rngs::OsRng.try_fill_bytes(bytes).map_err(|error| JwtKeyError::Random(error.to_string()))
}

impl zeroize::Zeroize for JwtKey {
    fn zeroize(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtKey")
    }
}

impl fmt::Display for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtKey")
    }
}

#[cfg(test)]
mod tests;
