//! The local signer's own rules.

use std::sync::Arc;

use alys_bus::protocol::storage::Promises;
use alys_federation::{BlsThreshold, DevelopmentDealer, LocalSigner, SignerMemory, signer::SignError};
use alys_primitives::{
    B256, Header, SignedVote, VoteKind,
    envelope::{Envelope as _, IdentityKey, SignedHeader},
    vote::VoteData,
};
use proptest::prelude::*;

use crate::common::{CHAIN_ID, finalize, notarize};

/// The signer of member 2, which remembers what `memory` does.
fn with(memory: SignerMemory) -> (LocalSigner<BlsThreshold>, Vec<IdentityKey>) {
    let dealt = DevelopmentDealer::from_seed([7; 32]).deal(4).unwrap();
    let identities = dealt.members.iter().map(|member| member.identity.public_key()).collect();
    let keys = Arc::new(dealt.members.into_iter().nth(2).unwrap());
    (LocalSigner::new(BlsThreshold, CHAIN_ID, 2, keys, memory), identities)
}

/// The same, reminded that nothing was promised yet.
fn signer() -> (LocalSigner<BlsThreshold>, Vec<IdentityKey>) {
    let memory = SignerMemory::new();
    memory.recall(&Promises::default());
    with(memory)
}

fn header(slot: u64, payload: u8) -> Header {
    Header { slot, proposer: 2, payload_hash: B256::repeat_byte(payload), ..Header::default() }
}

#[test]
fn a_vote_leaves_with_a_true_share_in_the_members_envelope() {
    let (signer, identities) = signer();
    let signed = signer.sign_vote(notarize(5, 1)).unwrap();
    assert_eq!(signed.vote.member, 2);
    signed.verify(CHAIN_ID, &identities).unwrap();
    assert!(signed.verify(CHAIN_ID + 1, &identities).is_err());
}

#[test]
fn two_rivals() {
    let (signer, _) = signer();
    let one = signer.sign_vote(notarize(5, 1)).unwrap();
    let kind = VoteKind::Notarize;
    let refused = signer.sign_vote(notarize(5, 2));
    assert_eq!(refused, Err(SignError::SecondVote { kind, slot: 5, signed: one.vote.data.block }));
    // Not even the same block at another height.
    assert!(signer.sign_vote(VoteData { height: 9, ..notarize(5, 1) }).is_err());
    // The same vote again is the same signature again.
    assert_eq!(signer.sign_vote(notarize(5, 1)), Ok(one));
}

#[test]
fn nothing_is_signed_before_the_signer_was_reminded() {
    let (signer, _) = with(SignerMemory::new());
    assert_eq!(signer.sign_vote(notarize(5, 1)), Err(SignError::NotReminded));
    assert_eq!(signer.sign_vote(finalize(5, 1)), Err(SignError::NotReminded));
    assert_eq!(signer.sign_proposal(&header(5, 1)), Err(SignError::NotReminded));
    signer.memory().recall(&Promises::default());
    assert!(signer.sign_vote(notarize(5, 1)).is_ok());
}

#[test]
fn of_memory_and_record_the_newer_counts_for_each_kind() {
    let (before, _) = signer();
    let old = Promises {
        notarize: Some(before.sign_vote(notarize(5, 1)).unwrap()),
        finalize: Some(before.sign_vote(finalize(5, 1)).unwrap()),
        ..Promises::default()
    };
    before.sign_vote(notarize(6, 2)).unwrap();
    let proposal = header(7, 1);
    let signature = before.sign_proposal(&proposal).unwrap();
    // The record is older: it takes nothing away.
    before.memory().recall(&old);
    assert!(matches!(before.sign_vote(notarize(6, 3)), Err(SignError::SecondVote { slot: 6, .. })));
    // A new signer knows what the record says, and no more.
    let (after, _) = with(SignerMemory::new());
    let proposal = SignedHeader { header: proposal, signature };
    after.memory().recall(&Promises { proposal: Some(proposal), ..old.clone() });
    assert!(matches!(after.sign_vote(notarize(5, 2)), Err(SignError::SecondVote { slot: 5, .. })));
    assert!(matches!(after.sign_vote(finalize(5, 2)), Err(SignError::SecondVote { slot: 5, .. })));
    assert_eq!(after.sign_vote(notarize(4, 1)), Err(SignError::SlotsRise { slot: 4, last: 5 }));
    assert!(matches!(after.sign_proposal(&header(7, 2)), Err(SignError::SecondProposal { slot: 7, .. })));
    // The same again is the same signature again.
    assert_eq!(after.sign_vote(notarize(5, 1)).ok(), old.notarize);
    assert_eq!(after.sign_proposal(&header(7, 1)), Ok(signature));
}

#[test]
fn after_a_reset_nothing_is_signed_up_to_the_lock() {
    let (signer, _) = with(SignerMemory::new());
    signer.memory().recall(&Promises { lock: 9, ..Promises::default() });
    for slot in [1, 8, 9] {
        let refused = SignError::SlotsRise { slot, last: 9 };
        assert_eq!(signer.sign_vote(notarize(slot, 1)), Err(refused));
        assert_eq!(signer.sign_vote(finalize(slot, 1)), Err(refused));
        assert_eq!(signer.sign_proposal(&header(slot, 1)), Err(refused));
    }
    assert!(signer.sign_proposal(&header(10, 1)).is_ok());
    assert!(signer.sign_vote(notarize(10, 1)).is_ok());
    assert!(signer.sign_vote(finalize(10, 1)).is_ok());
    // What was signed above it is signed again, also when the lock has come there.
    signer.memory().recall(&Promises { lock: 10, ..Promises::default() });
    assert!(signer.sign_vote(notarize(10, 1)).is_ok());
    assert!(signer.sign_proposal(&header(10, 1)).is_ok());
}

#[test]
fn far_future_proposal() {
    // Once a far slot was voted in, all before it are barred: so chain must never ask for one.
    let (signer, _) = signer();
    signer.sign_vote(notarize(1_000, 1)).unwrap();
    let refused = Err(SignError::SlotsRise { slot: 6, last: 1_000 });
    assert_eq!(signer.sign_vote(notarize(6, 1)), refused);
    assert_eq!(signer.sign_vote(finalize(6, 1)), refused);
}

#[test]
fn finalize_may_share_its_slot_with_notarize_and_bars_a_later_notarize_of_it() {
    let (signer, _) = signer();
    signer.sign_vote(notarize(5, 1)).unwrap();
    signer.sign_vote(finalize(5, 1)).unwrap();
    signer.sign_vote(finalize(7, 3)).unwrap();
    assert_eq!(signer.sign_vote(notarize(7, 3)), Err(SignError::SlotsRise { slot: 7, last: 7 }));
    assert!(signer.sign_vote(notarize(8, 4)).is_ok());
}

#[test]
fn the_same_vote_is_signed_under_two_epochs() {
    let (signer, _) = signer();
    let old = signer.sign_vote(notarize(5, 1)).unwrap();
    let new = signer.sign_vote(VoteData { epoch: 1, ..notarize(5, 1) }).unwrap();
    assert_ne!(old.vote.share, new.vote.share);
    assert!(signer.sign_vote(VoteData { epoch: 1, ..notarize(5, 2) }).is_err());
}

#[test]
fn a_second_proposal_in_a_slot_is_refused() {
    let (signer, identities) = signer();
    let signature = signer.sign_proposal(&header(5, 1)).unwrap();
    SignedHeader { header: header(5, 1), signature }.verify(CHAIN_ID, &identities).unwrap();
    assert_eq!(signer.sign_proposal(&header(5, 1)), Ok(signature));
    let signed = header(5, 1).hash();
    assert_eq!(signer.sign_proposal(&header(5, 2)), Err(SignError::SecondProposal { slot: 5, signed }));
    assert_eq!(signer.sign_proposal(&header(4, 1)), Err(SignError::SlotsRise { slot: 4, last: 5 }));
    let alien = Header { proposer: 1, ..header(9, 1) };
    assert_eq!(signer.sign_proposal(&alien), Err(SignError::NotOurs { proposer: 1, own: 2 }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whatever_is_asked_the_signatures_that_left_contradict_each_other_nowhere(
        asked in proptest::collection::vec((0u64..6, 0u8..3, any::<bool>()), 0..24),
    ) {
        let (signer, _) = signer();
        let mut left: Vec<SignedVote> = Vec::new();
        for (slot, block, first) in asked {
            let data = if first { notarize(slot, block) } else { finalize(slot, block) };
            left.extend(signer.sign_vote(data));
        }
        for (later, vote) in left.iter().enumerate() {
            let data = vote.vote.data;
            for earlier in left[..later].iter().map(|vote| vote.vote.data) {
                let same_slot = earlier.slot == data.slot && earlier.kind == data.kind;
                prop_assert!(!same_slot || earlier == data, "two votes of one kind in a slot");
                let anew = !left[..later].iter().any(|vote| vote.vote.data == data);
                prop_assert!(!anew || earlier.slot <= data.slot, "a new vote in an earlier slot");
                prop_assert!(
                    !anew || data.kind != VoteKind::Notarize || earlier.slot < data.slot,
                    "a Notarize in a slot voted in before"
                );
            }
        }
    }
}
