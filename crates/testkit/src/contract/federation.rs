//! What a federation actor must do that signs for the one member of a federation of one.
//!
//! The quorum is one, so that every message has its outcome without other members' keys.

use alys_bus::{
    AskError, Context, Reply,
    protocol::{
        federation::{Collected, FederationError, FederationMessage, MemberSet},
        storage::Promises,
    },
};
use alys_primitives::{
    B256, Certificate, Envelope as _, Header, IdentitySignature, SignedVote, VoteKind,
    envelope::SignedHeader,
    vote::{Vote, VoteData},
};

use super::{Subject, answered, refusal};
use crate::PATIENCE;

/// A federation actor under the suite: member 0 of a federation of one.
pub trait FederationSubject: Subject<FederationMessage> {
    /// The chain id of its spec, which signatures contain.
    fn chain_id(&self) -> u64;

    /// The slot that it is now by the actor's clock, at least 2.
    fn slot(&self) -> u64;
}

/// Makes a test of each sentence of the federation contract, for the actor that the given function
/// starts. See [`contract`](crate::contract).
#[macro_export]
macro_rules! federation_contract {
    ($make:expr) => {
        $crate::__federation_sentences! { __contract_tests, ($make) }
    };
}

/// The sentences, handed to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __federation_sentences {
    ($each:ident, $with:tt) => {
        $crate::$each! {
            federation, $with,
            a_federation_of_one_names_its_member,
            nothing_is_signed_before_the_promises_are_recalled,
            what_was_promised_before_the_start_is_not_contradicted,
            the_same_vote_again_has_the_same_signature,
            a_second_vote_of_a_kind_in_one_slot_is_refused,
            a_vote_in_an_earlier_slot_is_refused,
            a_second_header_in_one_slot_is_refused,
            a_quorum_of_shares_is_a_certificate_and_late_shares_get_it_again,
            a_false_share_is_blamed_and_certifies_nothing,
            a_certificate_about_something_else_does_not_verify,
        }
    };
}

__federation_sentences! { __contract_run, (FederationSubject) }

type Outcome<T> = Result<T, AskError<FederationError>>;

async fn ask<T>(
    subject: &impl FederationSubject,
    make: impl FnOnce(Reply<T, FederationError>) -> FederationMessage,
) -> Outcome<T> {
    subject.address().ask(Context::root(PATIENCE), make).await
}

async fn members(subject: &impl FederationSubject) -> MemberSet {
    *answered(ask(subject, |reply| FederationMessage::Members { reply }).await)
}

/// What chain does when it starts.
async fn recall(subject: &impl FederationSubject, promises: Promises) {
    let promises = Box::new(promises);
    answered(ask(subject, |reply| FederationMessage::RecallPromises { promises, reply }).await);
}

/// An actor that was told that its member has promised nothing yet.
async fn reminded<S: FederationSubject>(subject: S) -> S {
    recall(&subject, Promises::default()).await;
    subject
}

async fn propose(subject: &impl FederationSubject, header: &Header) -> Outcome<IdentitySignature> {
    let header = Box::new(header.clone());
    ask(subject, |reply| FederationMessage::SignProposal { header, reply }).await
}

async fn sign(subject: &impl FederationSubject, data: VoteData) -> Outcome<Box<SignedVote>> {
    ask(subject, |reply| FederationMessage::SignVote { data, reply }).await
}

async fn collect(subject: &impl FederationSubject, vote: Vote) -> Outcome<Collected> {
    let vote = Box::new(vote);
    ask(subject, |reply| FederationMessage::CollectSignature { vote, reply }).await
}

async fn verify(subject: &impl FederationSubject, certificate: &Certificate) -> Outcome<()> {
    let certificate = Box::new(certificate.clone());
    ask(subject, |reply| FederationMessage::VerifyCertificate { certificate, reply }).await
}

fn notarize(slot: u64, block: u8) -> VoteData {
    VoteData { epoch: 0, kind: VoteKind::Notarize, slot, height: slot, block: B256::repeat_byte(block) }
}

/// `Members` and `ValidateMember` agree; a stranger is nobody.
pub async fn a_federation_of_one_names_its_member(subject: impl FederationSubject) {
    let set = members(&subject).await;
    assert_eq!((set.epoch, set.quorum, set.own, set.identities.len()), (0, 1, Some(0), 1));
    for (identity, index) in [(set.identities[0], Some(0)), (B256::repeat_byte(9), None)] {
        let asked = ask(&subject, |reply| FederationMessage::ValidateMember { identity, reply }).await;
        assert_eq!(answered(asked), index);
    }
}

/// A signer that does not know what the member signed before may contradict it.
pub async fn nothing_is_signed_before_the_promises_are_recalled(subject: impl FederationSubject) {
    let slot = subject.slot();
    let refused = refusal(sign(&subject, notarize(slot, 1)).await);
    assert!(matches!(refused, FederationError::SignerRefuses(_)), "{refused}");
    let header = Header { slot, height: 1, ..Header::default() };
    let refused = refusal(propose(&subject, &header).await);
    assert!(matches!(refused, FederationError::SignerRefuses(_)), "{refused}");
    let subject = reminded(subject).await;
    answered(sign(&subject, notarize(slot, 1)).await);
    answered(propose(&subject, &header).await);
}

/// Lesson `two-rivals`: after a new start the signer itself refuses, whatever chain asks for.
pub async fn what_was_promised_before_the_start_is_not_contradicted(subject: impl FederationSubject) {
    let slot = subject.slot();
    let promised = |data| {
        let vote = Vote { data, member: 0, share: Default::default() };
        Some(SignedVote { vote, signature: Default::default() })
    };
    let header = Header { slot, height: 1, ..Header::default() };
    let finalize = |slot, block| VoteData { kind: VoteKind::Finalize, ..notarize(slot, block) };
    let promises = Promises {
        proposal: Some(SignedHeader { header: header.clone(), signature: Default::default() }),
        notarize: promised(notarize(slot, 1)),
        finalize: promised(finalize(slot - 1, 1)),
        lock: slot - 1,
    };
    recall(&subject, promises).await;
    let rival = Header { payload_hash: B256::repeat_byte(2), ..header.clone() };
    let refused = [
        refusal(sign(&subject, notarize(slot, 2)).await),
        refusal(sign(&subject, finalize(slot - 1, 2)).await),
        refusal(propose(&subject, &rival).await),
    ];
    for refused in refused {
        assert!(matches!(refused, FederationError::SignerRefuses(_)), "{refused}");
    }
    answered(sign(&subject, notarize(slot, 1)).await);
    answered(sign(&subject, finalize(slot, 1)).await);
    answered(propose(&subject, &header).await);
    // An older record takes nothing away.
    let subject = reminded(subject).await;
    let refused = refusal(sign(&subject, notarize(slot, 2)).await);
    assert!(matches!(refused, FederationError::SignerRefuses(_)), "{refused}");
}

/// Idempotent; the envelope is the member's, and a restart forgets nothing of it.
pub async fn the_same_vote_again_has_the_same_signature(subject: impl FederationSubject) {
    let mut subject = reminded(subject).await;
    let data = notarize(subject.slot(), 1);
    let once = answered(sign(&subject, data).await);
    assert_eq!((once.vote.data, once.vote.member), (data, 0));
    let identities = members(&subject).await.identities;
    assert_eq!(once.verify(subject.chain_id(), &identities), Ok(()));
    assert_eq!(answered(sign(&subject, data).await), once);
    subject.restart().await;
    assert_eq!(answered(sign(&subject, data).await), once);
}

/// One vote of a kind in a slot: for another block the signer refuses, whoever asks.
pub async fn a_second_vote_of_a_kind_in_one_slot_is_refused(subject: impl FederationSubject) {
    let mut subject = reminded(subject).await;
    let slot = subject.slot();
    answered(sign(&subject, notarize(slot, 1)).await);
    for _ in 0..2 {
        let refused = refusal(sign(&subject, notarize(slot, 2)).await);
        assert!(matches!(refused, FederationError::SignerRefuses(_)), "{refused}");
        subject.restart().await;
    }
    let other_kind = VoteData { kind: VoteKind::Finalize, ..notarize(slot, 1) };
    answered(sign(&subject, other_kind).await);
}

/// Slots rise within a kind.
pub async fn a_vote_in_an_earlier_slot_is_refused(subject: impl FederationSubject) {
    let subject = reminded(subject).await;
    let slot = subject.slot();
    answered(sign(&subject, notarize(slot, 1)).await);
    let refused = refusal(sign(&subject, notarize(slot - 1, 1)).await);
    assert!(matches!(refused, FederationError::SignerRefuses(_)), "{refused}");
}

/// A proposal's envelope: the same header again is signed alike, a second one in its slot is not.
pub async fn a_second_header_in_one_slot_is_refused(subject: impl FederationSubject) {
    let subject = reminded(subject).await;
    let header = Header { slot: subject.slot(), height: 1, ..Header::default() };
    let signature = answered(propose(&subject, &header).await);
    let identities = members(&subject).await.identities;
    let signed = SignedHeader { header: header.clone(), signature };
    assert_eq!(signed.verify(subject.chain_id(), &identities), Ok(()));
    assert_eq!(answered(propose(&subject, &header).await), signature);
    let rival = Header { payload_hash: B256::repeat_byte(2), ..header };
    let refused = refusal(propose(&subject, &rival).await);
    assert!(matches!(refused, FederationError::SignerRefuses(_)), "{refused}");
}

/// Combined when `q` are there, checked once; late shares get the same certificate again.
pub async fn a_quorum_of_shares_is_a_certificate_and_late_shares_get_it_again(
    subject: impl FederationSubject,
) {
    let subject = reminded(subject).await;
    let data = notarize(subject.slot(), 1);
    let vote = answered(sign(&subject, data).await).vote;
    let first = answered(collect(&subject, vote.clone()).await);
    let Collected::Certified { certificate, blamed } = &first else { panic!("one of one: {first:?}") };
    assert_eq!((certificate.data, blamed.as_slice()), (data, [].as_slice()));
    answered(verify(&subject, certificate).await);
    let again = answered(collect(&subject, vote).await);
    let Collected::Certified { certificate: late, .. } = again else { panic!("late: {again:?}") };
    assert_eq!(late, *certificate);
}

/// A share over something else makes no certificate, and its member is named.
pub async fn a_false_share_is_blamed_and_certifies_nothing(subject: impl FederationSubject) {
    let subject = reminded(subject).await;
    let slot = subject.slot();
    let true_vote = answered(sign(&subject, notarize(slot, 1)).await).vote;
    let false_vote = Vote { data: notarize(slot, 2), ..true_vote };
    let collected = collect(&subject, false_vote).await;
    let blamed = Collected::Blamed { members: vec![0], have: 0, need: 1 };
    assert_eq!(answered(collected), blamed);
    let outsider = Vote {
        member: 1,
        data: notarize(slot, 1),
        share: answered(sign(&subject, notarize(slot, 1)).await).vote.share,
    };
    let refused = refusal(collect(&subject, outsider).await);
    assert!(matches!(refused, FederationError::NotAMember { member: 1, .. }), "{refused}");
}

/// `VerifyCertificate` is `Ok` only for what was signed, in an epoch that is known.
pub async fn a_certificate_about_something_else_does_not_verify(subject: impl FederationSubject) {
    let subject = reminded(subject).await;
    let data = notarize(subject.slot(), 1);
    let vote = answered(sign(&subject, data).await).vote;
    let collected = answered(collect(&subject, vote).await);
    let Collected::Certified { certificate, .. } = collected else { panic!("one of one: {collected:?}") };
    let moved = Certificate { data: notarize(subject.slot(), 2), ..certificate.clone() };
    let refused = refusal(verify(&subject, &moved).await);
    assert!(matches!(refused, FederationError::BadSignature(_)), "{refused}");
    let data = VoteData { epoch: 7, ..certificate.data };
    let refused = refusal(verify(&subject, &Certificate { data, ..certificate }).await);
    assert_eq!(refused, FederationError::UnknownEpoch(7));
}
