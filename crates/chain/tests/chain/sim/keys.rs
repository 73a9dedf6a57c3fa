//! Signatures that cost nothing: what is signed is hashed with the signer's name.

use alloy_primitives::FixedBytes;
use alys_chain::core::{BadSignature, Verifier};
use alys_primitives::{
    B256, BlsSignature, Certificate, Envelope as _, IdentitySignature, SignedProposal, SignedVote, Vote,
    bls::BlsError,
    envelope::{EnvelopeError, SignedHeader, proposal_root, vote_root},
    vote::VoteData,
};
use sha2::{Digest as _, Sha256};

/// What stands for the group in the place of a member.
const GROUP: u8 = 255;

fn digest(signer: u8, root: B256) -> [u8; 32] {
    Sha256::new().chain_update([signer]).chain_update(root).finalize().into()
}

fn envelope(signer: u8, root: B256) -> IdentitySignature {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&digest(signer, root));
    FixedBytes(bytes)
}

fn share(signer: u8, root: B256) -> BlsSignature {
    let mut bytes = [0; 96];
    bytes[..32].copy_from_slice(&digest(signer, root));
    FixedBytes(bytes)
}

/// Signs and checks for everyone.
#[derive(Debug, Clone, Copy)]
pub struct Keys {
    pub chain_id: u64,
    pub members: usize,
}

impl Keys {
    pub fn propose(&self, block: alys_primitives::Block) -> SignedProposal {
        let signature = self.sign_header(&block.header);
        SignedProposal { block, signature }
    }

    pub fn sign_header(&self, header: &alys_primitives::Header) -> IdentitySignature {
        envelope(header.proposer, proposal_root(self.chain_id, header))
    }

    pub fn vote(&self, member: u8, data: VoteData) -> SignedVote {
        let vote = Vote { data, member, share: share(member, data.signing_root(self.chain_id)) };
        let signature = envelope(member, vote_root(self.chain_id, &vote));
        SignedVote { vote, signature }
    }

    pub fn certificate(&self, data: VoteData) -> Certificate {
        Certificate { data, signature: share(GROUP, data.signing_root(self.chain_id)) }
    }

    fn check(&self, member: u8, root: B256, signature: &IdentitySignature) -> Result<(), BadSignature> {
        if usize::from(member) >= self.members {
            return Err(EnvelopeError::NotAMember { index: member, members: self.members }.into());
        }
        if *signature != envelope(member, root) {
            return Err(EnvelopeError::WrongSignature { index: member }.into());
        }
        Ok(())
    }
}

impl Verifier for Keys {
    fn proposal(&self, proposal: &SignedProposal) -> Result<(), BadSignature> {
        self.check(proposal.member(), proposal.signing_root(self.chain_id), proposal.signature())
    }

    fn header(&self, header: &SignedHeader) -> Result<(), BadSignature> {
        self.check(header.member(), header.signing_root(self.chain_id), header.signature())
    }

    fn vote(&self, vote: &SignedVote) -> Result<(), BadSignature> {
        self.check(vote.member(), vote.signing_root(self.chain_id), vote.signature())
    }

    fn certificate(&self, certificate: &Certificate) -> Result<(), BadSignature> {
        if *certificate != self.certificate(certificate.data) {
            return Err(BlsError::WrongSignature.into());
        }
        Ok(())
    }
}
