//! A member's secret share of the group key.

use std::fmt;

use alys_primitives::{B256, BlsPublicKey, BlsSignature, bls::DST};
use blst::min_pk;
use threshold_crypto::{
    Fr,
    ff::{PrimeField as _, PrimeFieldRepr as _},
};
use zeroize::{Zeroize as _, Zeroizing};

/// The bytes are no secret key: 0, or not below the order of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no scalar of BLS12-381 other than 0")]
pub struct BadSecret;

/// A member's share `f(i + 1)`: 32 bytes, big-endian, as keystores hold it.
///
/// Wiped when dropped. It prints nothing, is not serializable, and leaves only by
/// [`SecretShare::expose`], which the keystore alone calls.
pub struct SecretShare(Zeroizing<[u8; 32]>);

impl SecretShare {
    /// Takes the big-endian bytes of a scalar.
    ///
    /// # Errors
    /// [`BadSecret`] for 0 and for what is not below the group's order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, BadSecret> {
        // blst checks both bounds, in constant time.
        min_pk::SecretKey::from_bytes(bytes).map_err(|_| BadSecret)?;
        Ok(Self(Zeroizing::new(*bytes)))
    }

    /// The public share: what the key set lists for this member.
    ///
    /// # Errors
    /// [`BadSecret`], which cannot be: the bytes were checked when they were taken.
    pub fn public_key(&self) -> Result<BlsPublicKey, BadSecret> {
        let secret = min_pk::SecretKey::from_bytes(self.0.as_slice()).map_err(|_| BadSecret)?;
        Ok(BlsPublicKey::from(secret.sk_to_pk().compress()))
    }

    /// The secret bytes, big-endian, for encryption at rest.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Signs the 32 bytes of `root` under the chain's ciphersuite.
    ///
    /// By `blst`, in constant time: `threshold_crypto`'s multiplication takes a time that depends on the
    /// secret. The signature is the same point.
    ///
    /// # Errors
    /// [`BadSecret`], which cannot be: the bytes were checked when they were taken.
    pub fn sign(&self, root: B256) -> Result<BlsSignature, BadSecret> {
        let secret = min_pk::SecretKey::from_bytes(self.0.as_slice()).map_err(|_| BadSecret)?;
        Ok(BlsSignature::from(secret.sign(root.as_slice(), DST, &[]).to_bytes()))
    }
}

impl fmt::Debug for SecretShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretShare(..)")
    }
}

/// The big-endian bytes of a scalar; the caller wipes them.
pub(crate) fn scalar_bytes(scalar: &Fr) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    let mut repr = scalar.into_repr();
    let written = repr.write_be(bytes.as_mut_slice());
    repr.0.zeroize();
    written.ok().map(|()| bytes)
}
