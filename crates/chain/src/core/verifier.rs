//! Checking signatures, behind a trait so that a simulation can use a cheap fake.

use alys_primitives::{
    BlsPublicKey, Certificate, Envelope, IdentityKey, SignedProposal, SignedVote,
    bls::{BlsError, VerifyingKey},
    envelope::{EnvelopeError, SignedHeader},
};

/// Why a signature was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// The envelope is not signed by the member it names.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The certificate does not verify under its epoch's key.
    #[error("the certificate: {0}")]
    Certificate(#[from] BlsError),
}

/// Checks what members signed.
pub trait Verifier: Send + Sync {
    /// Whether a proposal is signed by its proposer.
    ///
    /// # Errors
    /// [`BadSignature::Envelope`].
    fn proposal(&self, proposal: &SignedProposal) -> Result<(), BadSignature>;

    /// Whether a header in evidence is signed by its proposer.
    ///
    /// # Errors
    /// [`BadSignature::Envelope`].
    fn header(&self, header: &SignedHeader) -> Result<(), BadSignature>;

    /// Whether a vote's envelope is signed by its voter. Its share is checked when it is combined.
    ///
    /// # Errors
    /// [`BadSignature::Envelope`].
    fn vote(&self, vote: &SignedVote) -> Result<(), BadSignature>;

    /// Whether a certificate verifies under its epoch's group key: one pairing check.
    ///
    /// # Errors
    /// [`BadSignature::Certificate`].
    fn certificate(&self, certificate: &Certificate) -> Result<(), BadSignature>;
}

/// The real one: Ed25519 for envelopes, BLS12-381 for certificates.
#[derive(Debug, Clone)]
pub struct KeyVerifier {
    chain_id: u64,
    identities: Vec<IdentityKey>,
    group_key: VerifyingKey,
}

impl KeyVerifier {
    /// A verifier for one epoch's keys.
    ///
    /// # Errors
    /// [`BlsError::BadKey`] where the group key is no point of the group.
    pub fn new(
        chain_id: u64,
        identities: Vec<IdentityKey>,
        group_key: &BlsPublicKey,
    ) -> Result<Self, BlsError> {
        Ok(Self { chain_id, identities, group_key: VerifyingKey::decode(group_key)? })
    }
}

impl Verifier for KeyVerifier {
    fn proposal(&self, proposal: &SignedProposal) -> Result<(), BadSignature> {
        Ok(proposal.verify(self.chain_id, &self.identities)?)
    }

    fn header(&self, header: &SignedHeader) -> Result<(), BadSignature> {
        Ok(header.verify(self.chain_id, &self.identities)?)
    }

    fn vote(&self, vote: &SignedVote) -> Result<(), BadSignature> {
        Ok(vote.verify(self.chain_id, &self.identities)?)
    }

    fn certificate(&self, certificate: &Certificate) -> Result<(), BadSignature> {
        Ok(certificate.verify(self.chain_id, &self.group_key)?)
    }
}
