//! Envelopes: nobody speaks in another's name.

use alys_primitives::{
    B256, BlsSignature, Certificate, DecodeError, Envelope, IdentityKey, IdentitySignature, SignedProposal,
    SignedVote, Vote,
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

/// Every length but its own is refused, and so is another's encoding.
fn only_its_own_length<T: std::fmt::Debug + PartialEq>(
    value: &T,
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
) {
    assert_eq!(decode(bytes).as_ref(), Ok(value));
    assert!(decode(&bytes[..bytes.len() - 1]).is_err());
    assert!(decode(&[bytes, &[0]].concat()).is_err());
    let told = decode(&[]).unwrap_err().to_string();
    assert!(told.contains("not the SSZ encoding expected"), "{told}");
}

#[test]
fn what_travels_decodes_from_exactly_its_own_bytes() {
    let vote = signed(0, 1, 7);
    only_its_own_length(&vote, &vote.encode(), SignedVote::decode);
    let certificate = Certificate { data: vote.vote.data, signature: BlsSignature::repeat_byte(2) };
    only_its_own_length(&certificate, &certificate.encode(), Certificate::decode);
    let block = crate::specs::spec().genesis().block;
    let proposal = SignedProposal { block, signature: IdentitySignature::repeat_byte(5) };
    assert_eq!(SignedProposal::decode(&proposal.encode()).as_ref(), Ok(&proposal));
    assert!(SignedProposal::decode(&proposal.encode()[1..]).is_err());
    assert!(SignedProposal::decode(&vote.encode()).is_err());
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
