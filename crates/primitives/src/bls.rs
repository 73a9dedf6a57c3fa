//! Checking a threshold-BLS signature: one pairing check under the epoch's group key.
//!
//! The ciphersuite is Ethereum's, `BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_` (48-byte keys in G1,
//! 96-byte signatures in G2; draft-irtf-cfrg-bls-signature), so that any BLS library, and a contract
//! by EIP-2537, can check a certificate. Signing and combining need key shares: `alys-federation`.

use alloy_primitives::{B256, FixedBytes};
use blst::{BLST_ERROR, min_pk};

/// The domain separation tag of the ciphersuite.
pub const DST: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

/// A compressed point of G1: a public key.
pub type BlsPublicKey = FixedBytes<48>;

/// A compressed point of G2: a signature, a share of one, or a certificate's.
pub type BlsSignature = FixedBytes<96>;

/// A public key that was decoded, and found in the right subgroup and not at infinity.
///
/// Decoding costs as much as a third of a check: decode once, check often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey(min_pk::PublicKey);

/// Why a key or signature was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlsError {
    /// The bytes are no point of the curve, of the wrong subgroup, or infinity.
    #[error("the bytes are not a valid BLS12-381 public key")]
    BadKey,
    /// The signature is no point of the curve or of the wrong subgroup.
    #[error("the bytes are not a valid BLS12-381 signature")]
    BadSignature,
    /// The signature is well formed and is not this key's over this message.
    #[error("the signature does not verify under this key")]
    WrongSignature,
}

impl VerifyingKey {
    /// Decodes and checks a compressed key.
    ///
    /// # Errors
    /// [`BlsError::BadKey`].
    pub fn decode(key: &BlsPublicKey) -> Result<Self, BlsError> {
        min_pk::PublicKey::key_validate(key.as_slice()).map(Self).map_err(|_| BlsError::BadKey)
    }

    /// Checks `signature` over the 32 bytes of `root`.
    ///
    /// # Errors
    /// [`BlsError::BadSignature`] or [`BlsError::WrongSignature`].
    pub fn verify(&self, root: B256, signature: &BlsSignature) -> Result<(), BlsError> {
        let signature = min_pk::Signature::sig_validate(signature.as_slice(), true)
            .map_err(|_| BlsError::BadSignature)?;
        // Both points were checked for their subgroup when they were decoded.
        match signature.verify(false, root.as_slice(), DST, &[], &self.0, false) {
            BLST_ERROR::BLST_SUCCESS => Ok(()),
            _ => Err(BlsError::WrongSignature),
        }
    }
}
