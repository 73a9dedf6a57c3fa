//! The keys of a federation of one: its share is the group key, and its vote the certificate.

use alloy_primitives::FixedBytes;
use alys_bus::protocol::federation::{Collected, MemberSet};
use alys_primitives::{
    Certificate, Header, IdentitySignature, SignedVote, Vote,
    bls::DST,
    envelope::{proposal_root, sign, vote_root},
    vote::VoteData,
};
use blst::min_pk::SecretKey;
use ed25519_dalek::SigningKey;

/// One member's keys; in a federation of more, all have the same identity, and each share is the whole
/// key.
#[derive(Clone)]
pub struct SingleKey {
    chain_id: u64,
    members: usize,
    share: SecretKey,
    identity: SigningKey,
}

impl SingleKey {
    pub fn new(chain_id: u64, members: usize) -> Self {
        let share = SecretKey::key_gen(&[7; 32], &[]).unwrap();
        Self { chain_id, members, share, identity: SigningKey::from_bytes(&[9; 32]) }
    }

    pub fn members(&self) -> MemberSet {
        MemberSet {
            epoch: 0,
            identities: vec![FixedBytes(self.identity.verifying_key().to_bytes()); self.members],
            group_key: FixedBytes(self.share.sk_to_pk().to_bytes()),
            quorum: alys_primitives::quorum(self.members).unwrap(),
            own: Some(0),
        }
    }

    pub fn proposal(&self, header: &Header) -> IdentitySignature {
        sign(&self.identity, proposal_root(self.chain_id, header))
    }

    pub fn vote(&self, data: VoteData) -> SignedVote {
        let root = data.signing_root(self.chain_id);
        let share = FixedBytes(self.share.sign(root.as_slice(), DST, &[]).to_bytes());
        let vote = Vote { data, member: 0, share };
        let signature = sign(&self.identity, vote_root(self.chain_id, &vote));
        SignedVote { vote, signature }
    }

    pub fn collect(&self, vote: &Vote) -> Collected {
        let certificate = Certificate { data: vote.data, signature: vote.share };
        Collected::Certified { certificate, blamed: Vec::new() }
    }
}
