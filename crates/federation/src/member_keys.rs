//! The three secret keys of one member (protocol, section 7).

use std::fmt;

use alys_primitives::B256;
use bitcoin::secp256k1::{Keypair, Secp256k1, SecretKey};
use zeroize::Zeroizing;

use crate::{identity::IdentitySecret, scheme::SecretShare};

/// What one member must keep to itself.
#[derive(Debug)]
pub struct MemberKeys {
    /// Signs envelopes, and is the node's name on the network.
    pub identity: IdentitySecret,
    /// Signs votes, together with `q - 1` others.
    pub share: SecretShare,
    /// Signs Bitcoin spends.
    pub bitcoin: BitcoinSecret,
}

/// The bytes are 0 or not below the order of secp256k1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no secret key of secp256k1")]
pub struct BadBitcoinSecret;

/// A secp256k1 secret, kept until the peg needs it: 32 bytes, big-endian. Wiped when dropped.
pub struct BitcoinSecret(Zeroizing<[u8; 32]>);

impl BitcoinSecret {
    /// Takes the bytes of a secret key.
    ///
    /// # Errors
    /// [`BadBitcoinSecret`] for 0 and for what is not below the order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, BadBitcoinSecret> {
        let mut key = SecretKey::from_slice(bytes).map_err(|_| BadBitcoinSecret)?;
        key.non_secure_erase();
        Ok(Self(Zeroizing::new(*bytes)))
    }

    /// The x-only public key (BIP-340) that the spec lists.
    ///
    /// # Errors
    /// [`BadBitcoinSecret`], which cannot be: the bytes were checked when they were taken.
    pub fn public_key(&self) -> Result<B256, BadBitcoinSecret> {
        let secp = Secp256k1::signing_only();
        let mut pair = Keypair::from_seckey_slice(&secp, self.0.as_slice()).map_err(|_| BadBitcoinSecret)?;
        let (public, _parity) = pair.x_only_public_key();
        pair.non_secure_erase();
        Ok(B256::from(public.serialize()))
    }

    /// The secret bytes, for encryption at rest.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for BitcoinSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BitcoinSecret(..)")
    }
}
