//! Points of the curve by `blst`: decoding with subgroup checks, hashing to the curve, the pairing check.
//!
//! `blst`'s own `Signature::verify` hands even a single check to a pool of threads that it starts. Only
//! the bus may start threads here, so the check is written with its synchronous Miller loop instead.
//! The pieces are safe Rust: the hash of a message is asked for as its signature under the secret key 1.

use std::sync::LazyLock;

use alys_primitives::{BlsPublicKey, BlsSignature, bls::DST};
use blst::{blst_fp12, blst_p1_affine, blst_p2_affine, min_pk};
use threshold_crypto::{
    G2Affine,
    group::{CurveAffine, EncodedPoint},
};

/// Why bytes are not taken for a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PointError {
    /// Wrong flags, a coordinate outside the field, or no point of the curve.
    #[error("the bytes encode no point of the curve")]
    NotAPoint,
    /// On the curve, but not in the subgroup of prime order.
    #[error("the point is outside the subgroup of prime order")]
    WrongSubgroup,
    /// The point at infinity: nobody's key, and the signature of the key 0 alone.
    #[error("the point is at infinity")]
    Infinity,
}

impl From<blst::BLST_ERROR> for PointError {
    fn from(error: blst::BLST_ERROR) -> Self {
        match error {
            blst::BLST_ERROR::BLST_PK_IS_INFINITY => Self::Infinity,
            blst::BLST_ERROR::BLST_POINT_NOT_IN_GROUP => Self::WrongSubgroup,
            _ => Self::NotAPoint,
        }
    }
}

/// A public key: a point of G1 in the right subgroup, not at infinity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicPoint(min_pk::PublicKey);

/// A signature or a share of one: a point of G2 in the right subgroup, not at infinity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignaturePoint(min_pk::Signature);

/// A message hashed to G2 under the ciphersuite's tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessagePoint(min_pk::Signature);

/// The secret key 1, with which `blst` shows the generator and the hash of a message.
static ONE: LazyLock<Option<min_pk::SecretKey>> = LazyLock::new(|| {
    let mut one = [0; 32];
    one[31] = 1;
    min_pk::SecretKey::from_bytes(&one).ok()
});

/// The generator of G1; without it nothing verifies.
static GENERATOR: LazyLock<Option<blst_p1_affine>> =
    LazyLock::new(|| ONE.as_ref().map(|one| one.sk_to_pk().into()));

impl PublicPoint {
    /// Decodes a compressed key.
    ///
    /// # Errors
    /// [`PointError`]; infinity is refused.
    pub fn decode(key: &BlsPublicKey) -> Result<Self, PointError> {
        Ok(Self(min_pk::PublicKey::key_validate(key.as_slice())?))
    }

    /// Whether `signature` is this key's over `message`: `e(key, H(m)) = e(G1, signature)`.
    #[must_use]
    pub fn verifies(&self, message: &MessagePoint, signature: &SignaturePoint) -> bool {
        let Some(generator) = GENERATOR.as_ref() else { return false };
        let left = blst_fp12::miller_loop((&message.0).into(), (&self.0).into());
        let right = blst_fp12::miller_loop((&signature.0).into(), generator);
        blst_fp12::finalverify(&left, &right)
    }
}

impl SignaturePoint {
    /// Decodes a compressed signature.
    ///
    /// # Errors
    /// [`PointError`]; infinity is refused.
    pub fn decode(signature: &BlsSignature) -> Result<Self, PointError> {
        Ok(Self(min_pk::Signature::sig_validate(signature.as_slice(), true)?))
    }

    /// The point as `threshold_crypto`'s curve library holds it. Not checked again: it was when decoded.
    pub(super) fn to_pairing(self) -> Option<G2Affine> {
        to_pairing(&self.0)
    }
}

impl MessagePoint {
    /// Hashes `message`, of any length, to the curve.
    #[must_use]
    pub fn hash(message: &[u8]) -> Self {
        Self::hash_under(DST, message)
    }

    /// Hashes under another domain separation tag (RFC 9380, suite `BLS12381G2_XMD:SHA-256_SSWU_RO_`).
    #[must_use]
    pub fn hash_under(tag: &[u8], message: &[u8]) -> Self {
        Self(ONE.as_ref().map(|one| one.sign(message, tag, &[])).unwrap_or_else(infinity))
    }

    /// The four coordinates, big-endian, 48 bytes each: x.c1, x.c0, y.c1, y.c0.
    #[must_use]
    pub fn coordinates(&self) -> [u8; 192] {
        self.0.serialize()
    }
}

/// What stands for a hash where `blst` refuses the key 1, which it does not.
fn infinity() -> min_pk::Signature {
    min_pk::Signature::from(blst_p2_affine::default())
}

fn to_pairing(point: &min_pk::Signature) -> Option<G2Affine> {
    let mut encoded = <G2Affine as CurveAffine>::Uncompressed::empty();
    encoded.as_mut().copy_from_slice(&point.serialize());
    encoded.into_affine_unchecked().ok()
}
