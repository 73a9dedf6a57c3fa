//! The share collector.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use alys_federation::{
    BlsThreshold, KeySet, SecretShare,
    core::{BALLOTS, CollectError, Collector, EPOCHS, Outcome, Window},
    scheme::{
        BadSecret, CombineError, KeySetError, MalformedShare, MemberIndex, PreparedKeys, ThresholdScheme,
        points::{MessagePoint, SignaturePoint},
    },
};
use alys_primitives::{
    B256, BlsSignature, Certificate, Vote,
    bls::VerifyingKey,
    envelope::{Envelope as _, EnvelopeError},
    vote::VoteData,
};
use proptest::{prelude::*, sample::Index};

use crate::common::{CHAIN_ID, Federation, finalize, notarize};

const WINDOW: Window = Window { behind: 8, ahead: 2 };
const NOW: u64 = 100;

fn collector(federation: &Federation) -> Collector<BlsThreshold> {
    let mut collector = Collector::new(BlsThreshold, CHAIN_ID, WINDOW);
    collector.add_epoch(0, federation.keys.clone(), federation.dealt.members.len());
    collector
}

fn assert_verifies(federation: &Federation, certificate: &Certificate) {
    let key = VerifyingKey::decode(&federation.dealt.keys.group_key()).unwrap();
    certificate.verify(CHAIN_ID, &key).unwrap();
}

fn certificate(outcome: Outcome) -> (Certificate, Vec<u8>) {
    match outcome {
        Outcome::Certified { certificate, blamed } => (certificate, blamed),
        other => panic!("no certificate: {other:?}"),
    }
}

#[test]
fn the_qth_distinct_share_makes_the_certificate_and_late_ones_get_it_again() {
    let federation = Federation::of(7);
    let mut collector = collector(&federation);
    let data = notarize(NOW, 1);
    for (have, member) in (1..).zip([6, 0, 3, 5]) {
        let outcome = collector.add(NOW, &federation.vote(member, data)).unwrap();
        assert_eq!(outcome, Outcome::Waiting { have, need: 5 });
        // The same once more counts once.
        let outcome = collector.add(NOW, &federation.vote(member, data)).unwrap();
        assert_eq!(outcome, Outcome::Waiting { have, need: 5 });
    }
    let (made, blamed) = certificate(collector.add(NOW, &federation.vote(1, data)).unwrap());
    assert_eq!((made.data, blamed), (data, vec![]));
    assert_verifies(&federation, &made);
    for late in [2, 4, 1, 6] {
        let again = collector.add(NOW, &federation.vote(late, data)).unwrap();
        assert_eq!(certificate(again), (made.clone(), vec![]));
    }
}

#[test]
fn too_many_signatures() {
    // All 7 members' shares, the last 2 of them false: exactly 5 were taken, and no one looks at more.
    let federation = Federation::of(7);
    let mut collector = collector(&federation);
    let data = notarize(NOW, 1);
    let mut made = Vec::new();
    for member in 0..7 {
        let vote =
            if member < 5 { federation.vote(member, data) } else { federation.false_vote(member, data) };
        if let Outcome::Certified { certificate, blamed } = collector.add(NOW, &vote).unwrap() {
            assert!(blamed.is_empty(), "{blamed:?}");
            made.push(certificate);
        }
    }
    assert_eq!(made.len(), 3);
    assert!(made.iter().all(|certificate| *certificate == made[0]));
    assert_verifies(&federation, &made[0]);
}

#[test]
fn one_bad_share() {
    let federation = Federation::of(4);
    let mut collector = collector(&federation);
    let data = finalize(NOW, 1);
    collector.add(NOW, &federation.vote(0, data)).unwrap();
    collector.add(NOW, &federation.false_vote(1, data)).unwrap();
    let outcome = collector.add(NOW, &federation.vote(2, data)).unwrap();
    assert_eq!(outcome, Outcome::Blamed { members: vec![1], have: 2, need: 3 });
    // A second try of the liar changes nothing,
    let outcome = collector.add(NOW, &federation.vote(1, data)).unwrap();
    assert_eq!(outcome, Outcome::Blamed { members: vec![1], have: 2, need: 3 });
    // and the rest go on.
    let (made, blamed) = certificate(collector.add(NOW, &federation.vote(3, data)).unwrap());
    assert_eq!(blamed, [1]);
    assert_verifies(&federation, &made);
}

#[test]
fn outsider_fills_the_set() {
    let federation = Federation::of(4);
    let mut collector = collector(&federation);
    let data = notarize(NOW, 1);
    for index in 4..=u8::MAX {
        let outsider = Vote { member: index, ..federation.vote(0, data) };
        let refused = collector.add(NOW, &outsider);
        assert_eq!(refused, Err(CollectError::NotAMember { member: index, members: 4, epoch: 0 }));
    }
    assert_eq!((collector.held(), collector.tallies()), (0, 0));
}

#[test]
fn forged_majority() {
    // Bits beyond n, one member many times, shares of another chain: only q true shares of members count.
    let federation = Federation::of(4);
    let mut collector = collector(&federation);
    let data = notarize(NOW, 1);
    let own = federation.vote(0, data);
    for member in [0, 0, 0, 4, 31, 255] {
        let vote = Vote { member, ..own.clone() };
        assert!(!matches!(collector.add(NOW, &vote), Ok(Outcome::Certified { .. })));
    }
    // Member 0 alone, in the names of 1 and 2 (as if their envelopes had been forged).
    collector.add(NOW, &Vote { member: 1, ..own.clone() }).unwrap();
    let outcome = collector.add(NOW, &Vote { member: 2, ..own }).unwrap();
    assert_eq!(outcome, Outcome::Blamed { members: vec![1, 2], have: 1, need: 3 });
}

#[test]
fn vote_in_anothers_name() {
    // Garbage "from" member 2 comes first. Its envelope is not member 2's, so it never gets here, and the
    // true vote finds its place free and nobody blamed.
    let federation = Federation::of(4);
    let mut collector = collector(&federation);
    let identities: Vec<_> = federation.dealt.members.iter().map(|m| m.identity.public_key()).collect();
    let data = notarize(NOW, 1);
    let garbage = federation.false_vote(2, data);
    let forged = federation.member(3).identity.sign_vote(CHAIN_ID, garbage);
    let mut last = None;
    for signed in [forged, federation.signed_vote(2, data), federation.signed_vote(0, data)]
        .into_iter()
        .chain([federation.signed_vote(1, data)])
    {
        match signed.verify(CHAIN_ID, &identities) {
            Ok(()) => last = Some(collector.add(NOW, &signed.vote).unwrap()),
            Err(error) => assert_eq!(error, EnvelopeError::WrongSignature { index: 2 }),
        }
    }
    assert_eq!(certificate(last.unwrap()).1, Vec::<u8>::new());
}

#[test]
fn a_share_that_is_no_point_is_blamed_at_once() {
    let federation = Federation::of(4);
    let mut collector = collector(&federation);
    let data = notarize(NOW, 1);
    let vote = Vote { share: BlsSignature::repeat_byte(0xab), ..federation.vote(3, data) };
    let outcome = collector.add(NOW, &vote).unwrap();
    assert_eq!(outcome, Outcome::Blamed { members: vec![3], have: 0, need: 3 });
}

#[test]
fn votes_that_differ_in_anything_that_is_signed_are_not_counted_together() {
    let federation = Federation::of(4);
    let mut collector = collector(&federation);
    let data = notarize(NOW, 1);
    let variants = [
        data,
        VoteData { height: data.height + 1, ..data },
        finalize(NOW, 1),
        notarize(NOW, 2),
        notarize(NOW + 1, 1),
    ];
    for (variant, member) in variants.into_iter().zip([0, 1, 2, 3, 0]) {
        let outcome = collector.add(NOW, &federation.vote(member, variant)).unwrap();
        assert_eq!(outcome, Outcome::Waiting { have: 1, need: 3 });
    }
    assert_eq!(collector.tallies(), variants.len());
}

#[test]
fn far_slots_are_refused_and_old_ones_forgotten() {
    let federation = Federation::of(4);
    let mut collector = collector(&federation);
    let (from, to) = (NOW - WINDOW.behind, NOW + WINDOW.ahead);
    for slot in [0, from - 1, to + 1, u64::MAX] {
        let refused = collector.add(NOW, &federation.vote(0, notarize(slot, 1)));
        assert_eq!(refused, Err(CollectError::OutsideWindow { slot, from, to }));
    }
    collector.add(NOW, &federation.vote(0, notarize(from, 1))).unwrap();
    collector.add(NOW, &federation.vote(0, notarize(to, 1))).unwrap();
    assert_eq!(collector.held(), 2);
    // A slot later the first has left the window.
    collector.add(NOW + 1, &federation.vote(1, notarize(to, 1))).unwrap();
    assert_eq!((collector.held(), collector.tallies()), (2, 1));
}

#[test]
fn a_finalization_supersedes_the_slots_before_it() {
    let federation = Federation::of(1);
    let mut collector = collector(&federation);
    collector.add(NOW, &federation.vote(0, notarize(NOW - 3, 1))).unwrap();
    collector.add(NOW, &federation.vote(0, notarize(NOW, 1))).unwrap();
    certificate(collector.add(NOW, &federation.vote(0, finalize(NOW - 1, 1))).unwrap());
    assert_eq!(collector.tallies(), 2);
    let refused = collector.add(NOW, &federation.vote(0, finalize(NOW - 2, 1)));
    let expected = CollectError::OutsideWindow { slot: NOW - 2, from: NOW - 1, to: NOW + 2 };
    assert_eq!(refused, Err(expected));
    // The finalization itself is still answered.
    certificate(collector.add(NOW, &federation.vote(0, finalize(NOW - 1, 1))).unwrap());
}

#[test]
fn an_equivocator_shows_itself_and_gets_no_third_place() {
    let federation = Federation::of(4);
    let mut collector = collector(&federation);
    for block in 1..=2 {
        collector.add(NOW, &federation.vote(0, notarize(NOW, block))).unwrap();
    }
    let refused = collector.add(NOW, &federation.vote(0, notarize(NOW, 3)));
    assert_eq!(refused, Err(CollectError::TooManyBallots { member: 0, slot: NOW }));
    // Others, the other kind and other slots are not concerned.
    collector.add(NOW, &federation.vote(1, notarize(NOW, 3))).unwrap();
    collector.add(NOW, &federation.vote(0, finalize(NOW, 3))).unwrap();
    collector.add(NOW, &federation.vote(0, notarize(NOW + 1, 3))).unwrap();
}

#[test]
fn a_known_liar_is_checked_at_once_and_spoils_no_second_combination() {
    let federation = Federation::of(4);
    let mut collector = collector(&federation);
    for member in 0..3 {
        let data = notarize(NOW, 1);
        let vote = if member == 0 { federation.false_vote(0, data) } else { federation.vote(member, data) };
        collector.add(NOW, &vote).unwrap();
    }
    let next = notarize(NOW + 1, 2);
    let outcome = collector.add(NOW, &federation.false_vote(0, next)).unwrap();
    assert_eq!(outcome, Outcome::Blamed { members: vec![0], have: 0, need: 3 });
    // What it signs truly still counts.
    let outcome = collector.add(NOW, &federation.vote(0, notarize(NOW + 2, 3))).unwrap();
    assert_eq!(outcome, Outcome::Waiting { have: 1, need: 3 });
}

#[test]
fn two_epochs_are_collected_apart_and_the_oldest_of_three_goes() {
    let (old, new) = (Federation::seeded(4, 1), Federation::seeded(1, 2));
    let mut collector = collector(&old);
    let in_old = notarize(NOW, 1);
    let in_new = VoteData { epoch: 1, ..in_old };
    assert_eq!(collector.add(NOW, &new.vote(0, in_new)), Err(CollectError::UnknownEpoch(1)));
    collector.add_epoch(1, new.keys.clone(), 1);
    collector.add(NOW, &old.vote(0, in_old)).unwrap();
    assert_verifies(&new, &certificate(collector.add(NOW, &new.vote(0, in_new)).unwrap()).0);
    // The new set's finalization says nothing about the old set's votes.
    let final_in_new = VoteData { epoch: 1, ..finalize(NOW + 1, 2) };
    certificate(collector.add(NOW, &new.vote(0, final_in_new)).unwrap());
    let outcome = collector.add(NOW, &old.vote(1, in_old)).unwrap();
    assert_eq!(outcome, Outcome::Waiting { have: 2, need: 3 });

    assert_eq!(EPOCHS, 2);
    collector.add_epoch(2, new.keys.clone(), 1);
    assert_eq!(collector.add(NOW, &old.vote(2, in_old)), Err(CollectError::UnknownEpoch(0)));
    assert_eq!(collector.held(), 0);
}

#[test]
fn a_certificate_verifies_under_its_own_epoch_alone() {
    let federation = Federation::of(1);
    let mut collector = collector(&federation);
    let (made, _) = certificate(collector.add(NOW, &federation.vote(0, notarize(NOW, 1))).unwrap());
    assert_eq!(collector.verify(&made), Ok(true));
    let moved = Certificate { data: VoteData { slot: NOW + 1, ..made.data }, ..made.clone() };
    assert_eq!(collector.verify(&moved), Ok(false));
    let alien = Certificate { data: VoteData { epoch: 1, ..made.data }, ..made };
    assert_eq!(collector.verify(&alien), Err(CollectError::UnknownEpoch(1)));
}

#[test]
fn early_vote_lost() {
    // Shares of a slot that has not begun here, for a block that nobody has seen, count when it has.
    let federation = Federation::of(4);
    let mut collector = collector(&federation);
    let data = notarize(NOW + WINDOW.ahead, 1);
    for member in 0..2 {
        collector.add(NOW, &federation.vote(member, data)).unwrap();
    }
    let (made, _) = certificate(collector.add(data.slot, &federation.vote(2, data)).unwrap());
    assert_verifies(&federation, &made);
}

/// The scheme, with a count of what is dear: combinations and checks of single shares.
#[derive(Clone, Default)]
struct Counting(Rc<Cell<(usize, usize)>>);

impl ThresholdScheme for Counting {
    type Keys = PreparedKeys;
    type Share = SignaturePoint;
    type Message = MessagePoint;

    fn prepare(&self, set: &KeySet) -> Result<PreparedKeys, KeySetError> {
        BlsThreshold.prepare(set)
    }
    fn quorum(&self, keys: &PreparedKeys) -> usize {
        BlsThreshold.quorum(keys)
    }
    fn message(&self, root: B256) -> MessagePoint {
        BlsThreshold.message(root)
    }
    fn decode_share(&self, share: &BlsSignature) -> Result<SignaturePoint, MalformedShare> {
        BlsThreshold.decode_share(share)
    }
    fn sign(&self, secret: &SecretShare, root: B256) -> Result<BlsSignature, BadSecret> {
        BlsThreshold.sign(secret, root)
    }
    fn combine(
        &self,
        keys: &PreparedKeys,
        shares: &[(MemberIndex, &SignaturePoint)],
    ) -> Result<BlsSignature, CombineError> {
        let (combined, checked) = self.0.get();
        self.0.set((combined + 1, checked));
        BlsThreshold.combine(keys, shares)
    }
    fn verify_share(
        &self,
        keys: &PreparedKeys,
        member: MemberIndex,
        message: &MessagePoint,
        share: &SignaturePoint,
    ) -> bool {
        let (combined, checked) = self.0.get();
        self.0.set((combined, checked + 1));
        BlsThreshold.verify_share(keys, member, message, share)
    }
    fn verify(&self, keys: &PreparedKeys, message: &MessagePoint, signature: &BlsSignature) -> bool {
        BlsThreshold.verify(keys, message, signature)
    }
}

#[test]
fn liars_cost_one_combination_more_and_one_check_a_share_however_many_they_are() {
    let federation = Federation::of(7);
    let scheme = Counting::default();
    let mut collector = Collector::new(scheme.clone(), CHAIN_ID, WINDOW);
    collector.add_epoch(0, federation.keys.clone(), 7);
    let mut send = |data, order: [u8; 7]| {
        scheme.0.set((0, 0));
        for member in order {
            let vote =
                if member < 2 { federation.false_vote(member, data) } else { federation.vote(member, data) };
            collector.add(NOW, &vote).unwrap();
        }
        scheme.0.get()
    };
    // Nobody lies in time: one combination, no check.
    assert_eq!(send(notarize(NOW - 1, 1), [2, 3, 4, 5, 6, 0, 1]), (1, 0));
    // Both liars in the first quorum of 5: one combination is spoilt, then each share is checked once.
    assert_eq!(send(notarize(NOW, 1), [0, 2, 3, 1, 4, 5, 6]), (2, 7));
    // Known by now, they are checked as they come and spoil nothing. Who comes after a liar is checked too.
    assert_eq!(send(notarize(NOW + 1, 1), [2, 3, 4, 0, 5, 1, 6]), (1, 4));
}

/// What one event of a random run adds.
#[derive(Debug, Clone, Copy)]
enum Lie {
    None,
    False,
    NotAPoint,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn whatever_members_send_in_whatever_order_q_honest_shares_make_the_certificate(
        n in 1usize..=7,
        order in proptest::collection::vec(any::<Index>(), 7),
        lies in proptest::collection::vec(
            prop_oneof![3 => Just(Lie::None), 1 => Just(Lie::False), 1 => Just(Lie::NotAPoint)], 7),
    ) {
        let federation = Federation::of(n);
        let mut collector = collector(&federation);
        let data = notarize(NOW, 1);
        let need = alys_primitives::quorum(n).unwrap();
        let mut left: Vec<u8> = (0..u8::try_from(n).unwrap()).collect();
        let (mut honest, mut blamed, mut made) = (0, BTreeSet::new(), None);
        for index in order.iter().take(n) {
            let member = left.remove(index.index(left.len()));
            let lie = lies[usize::from(member)];
            let vote = match lie {
                Lie::None => federation.vote(member, data),
                Lie::False => federation.false_vote(member, data),
                Lie::NotAPoint => Vote { share: BlsSignature::ZERO, ..federation.vote(member, data) },
            };
            honest += usize::from(matches!(lie, Lie::None));
            let outcome = collector.add(NOW, &vote).unwrap();
            blamed.extend(outcome.liars());
            if let Outcome::Certified { certificate, .. } = outcome {
                assert_verifies(&federation, &certificate);
                prop_assert!(honest >= need);
                made = Some(certificate);
            }
        }
        prop_assert_eq!(made.is_some(), honest >= need);
        prop_assert!(blamed.iter().all(|&member| !matches!(lies[usize::from(member)], Lie::None)));
    }

    #[test]
    fn what_is_held_stays_within_the_bound_whatever_members_send(
        sends in proptest::collection::vec((0u8..6, 0u64..400, 0u8..5, any::<bool>(), 0u64..3), 0..600),
    ) {
        // Shares need not be true here: what counts is the room they take.
        let federation = Federation::of(4);
        let any_point = federation.share(0, federation.vote(0, notarize(0, 0)).data.block);
        let mut collector = collector(&federation);
        let mut now = 0;
        let mut ballots: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (member, slot, block, first_kind, epoch) in sends {
            now = now.max(slot.saturating_sub(5));
            let data = if first_kind { notarize(slot, block) } else { finalize(slot, block) };
            let data = VoteData { epoch, ..data };
            let vote = Vote { data, member, share: any_point };
            if collector.add(now, &vote).is_ok() {
                prop_assert!(member < 4 && epoch == 0);
                let seen = ballots.entry((member, slot, data.kind)).or_default();
                seen.insert(data.block);
                prop_assert!(seen.len() <= BALLOTS);
            }
            let slots = usize::try_from(WINDOW.behind + WINDOW.ahead + 1).unwrap();
            prop_assert!(collector.held() <= slots * 2 * BALLOTS * 4);
            prop_assert!(collector.tallies() <= slots * 2 * BALLOTS * 4);
        }
    }
}

#[test]
fn the_message_that_is_signed_is_the_protocols_signing_root() {
    let federation = Federation::of(1);
    let data = notarize(NOW, 1);
    let message = BlsThreshold.message(data.signing_root(CHAIN_ID));
    let vote = federation.vote(0, data);
    assert!(BlsThreshold.verify(&federation.keys, &message, &vote.share));
    let elsewhere = BlsThreshold.message(data.signing_root(CHAIN_ID + 1));
    assert!(!BlsThreshold.verify(&federation.keys, &elsewhere, &vote.share));
}
