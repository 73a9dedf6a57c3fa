//! Envelopes: nobody speaks in another's name.

use alys_primitives::{
    B256, BlsSignature, Envelope, IdentityKey, SignedVote, Vote,
    envelope::{EnvelopeError, sign, vote_root},
    vote::{VoteData, VoteKind},
};
use ed25519_dalek::SigningKey;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn identities() -> Vec<IdentityKey> {
    (1..=3).map(|seed| key(seed).verifying_key().to_bytes().into()).collect()
}

fn signed(member: u8, by: u8, chain_id: u64) -> SignedVote {
    let data =
        VoteData { epoch: 0, kind: VoteKind::Notarize, slot: 5, height: 4, block: B256::repeat_byte(1) };
    let vote = Vote { data, member, share: BlsSignature::repeat_byte(3) };
    SignedVote { signature: sign(&key(by), vote_root(chain_id, &vote)), vote }
}

/// `vote-in-anothers-name`: only the member's own identity key opens the envelope.
#[test]
fn vote_in_anothers_name() {
    assert_eq!(signed(0, 1, 7).verify(7, &identities()), Ok(()));
    let forged = signed(0, 2, 7).verify(7, &identities());
    assert_eq!(forged, Err(EnvelopeError::WrongSignature { index: 0 }));
}

#[test]
fn an_index_beyond_the_members_is_no_member() {
    let outside = signed(3, 1, 7).verify(7, &identities());
    assert_eq!(outside, Err(EnvelopeError::NotAMember { index: 3, members: 3 }));
}

#[test]
fn an_envelope_of_another_chain_or_with_another_share_does_not_open() {
    assert!(signed(0, 1, 8).verify(7, &identities()).is_err());
    let mut other = signed(0, 1, 7);
    other.vote.share = BlsSignature::repeat_byte(4);
    assert!(other.verify(7, &identities()).is_err());
}
