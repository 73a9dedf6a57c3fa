//! A member's identity key (Ed25519): it signs the envelopes of proposals and votes, and is libp2p's too.
//!
//! What an envelope signs, and how one is checked, stands in [`alys_primitives::envelope`]; here is the
//! secret half.

use std::fmt;

use alys_primitives::{
    Header, IdentityKey, IdentitySignature, SignedVote, Vote,
    envelope::{proposal_root, sign, vote_root},
};
use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

/// The secret half of an identity key. Wiped when dropped; prints only its public half.
pub struct IdentitySecret(SigningKey);

impl IdentitySecret {
    /// From the 32-byte seed of RFC 8032. Every seed is a key.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public key that the spec lists.
    #[must_use]
    pub fn public_key(&self) -> IdentityKey {
        IdentityKey::from(self.0.verifying_key().to_bytes())
    }

    /// The seed, for encryption at rest and for libp2p's keypair.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// Puts a vote in its envelope.
    #[must_use]
    pub fn sign_vote(&self, chain_id: u64, vote: Vote) -> SignedVote {
        let signature = sign(&self.0, vote_root(chain_id, &vote));
        SignedVote { vote, signature }
    }

    /// The signature of a proposal's envelope.
    #[must_use]
    pub fn sign_header(&self, chain_id: u64, header: &Header) -> IdentitySignature {
        sign(&self.0, proposal_root(chain_id, header))
    }
}

impl fmt::Debug for IdentitySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentitySecret(of {})", self.public_key())
    }
}
