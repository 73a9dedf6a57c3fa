//! The password of a keystore, and the file that holds it.

use std::{fmt, path::Path};

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::{KeystoreError, file};

/// A password as EIP-2335 derives keys from it: normalised to NFKD, stripped of the control codes C0, C1 and
/// Delete, then UTF-8. Wiped when dropped; prints nothing.
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// Normalises what was typed or read. A trailing newline of a password file is a control code, and goes.
    #[must_use]
    pub fn new(typed: &str) -> Self {
        // NFKD can grow text up to 18 times; room for that up front leaves no copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(typed.len().saturating_mul(18)));
        let mut buffer = Zeroizing::new([0; 4]);
        for character in typed.nfkd().filter(|character| !character.is_control()) {
            bytes.extend_from_slice(character.encode_utf8(buffer.as_mut_slice()).as_bytes());
        }
        Self(bytes)
    }

    /// Reads the first line of a file that only its owner may read.
    ///
    /// # Errors
    /// [`KeystoreError::TooOpen`] where others may read it, [`KeystoreError::TooLarge`], [`KeystoreError::NotText`],
    /// [`KeystoreError::NoPassword`], [`KeystoreError::Io`]: each names the file.
    pub fn from_file(path: &Path) -> Result<Self, KeystoreError> {
        let bytes = Zeroizing::new(file::read(path)?);
        let text = std::str::from_utf8(&bytes).map_err(|_| KeystoreError::NotText(path.to_owned()))?;
        match text.lines().next() {
            Some(line) if !line.is_empty() => Ok(Self::new(line)),
            _ => Err(KeystoreError::NoPassword(path.to_owned())),
        }
    }

    /// The bytes that keys are derived from.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_normalised_as_the_eip_shows() {
        // The password of EIP-2335's test vectors and the bytes that the EIP gives for it.
        let password = Password::new("𝔱𝔢𝔰𝔱𝔭𝔞𝔰𝔰𝔴𝔬𝔯𝔡🔑");
        assert_eq!(hex::encode(password.as_bytes()), "7465737470617373776f7264f09f9491");
    }

    #[test]
    fn control_codes_are_stripped_and_spaces_are_not() {
        let password = Password::new("\u{0}a\u{1f} b\u{7f}\u{80}c\u{9f}\n");
        assert_eq!(password.as_bytes(), b"a bc");
    }

    #[test]
    fn a_password_prints_nothing() {
        assert_eq!(format!("{:?}", Password::new("secret")), "Password(..)");
    }
}
