//! Checking a threshold-BLS signature: one pairing check under the epoch's group key.
//!
//! The ciphersuite is Ethereum's, `BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_` (48-byte keys in G1,
//! 96-byte signatures in G2; draft-irtf-cfrg-bls-signature), so that any BLS library, and a contract
//! by EIP-2537, can check a certificate. Signing and combining need key shares: `alys-federation`.

use alloy_primitives::{B256, FixedBytes};
use blst::{blst_fp12, blst_p1_affine, min_pk};
use std::sync::LazyLock;

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

/// The secret key 1 and its public key, the generator of G1.
static UNIT: LazyLock<Option<(min_pk::SecretKey, blst_p1_affine)>> = LazyLock::new(|| {
    let mut one = [0; 32];
    one[31] = 1;
    let one = min_pk::SecretKey::from_bytes(&one).ok()?;
    let generator = one.sk_to_pk().into();
    Some((one, generator))
});

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
        if self.fits(root, &signature) == Some(true) { Ok(()) } else { Err(BlsError::WrongSignature) }
    }

    /// Whether `e(key, H(root)) = e(generator, signature)`. `None` where blst refuses the key 1.
    ///
    /// `blst`'s own check hands even one signature to a pool of threads that it starts; this crate
    /// starts none, so the two Miller loops are run here.
    fn fits(&self, root: B256, signature: &min_pk::Signature) -> Option<bool> {
        let (one, generator) = UNIT.as_ref()?;
        // The hash of a message to the curve is its signature under the secret key 1.
        let message = one.sign(root.as_slice(), DST, &[]);
        let left = blst_fp12::miller_loop((&message).into(), (&self.0).into());
        let right = blst_fp12::miller_loop(signature.into(), generator);
        Some(blst_fp12::finalverify(&left, &right))
    }
}
