//! Any quorum signs as one, fewer never, and liars are named.

use std::collections::BTreeSet;

use alys_federation::{
    BlsThreshold, KeySet,
    scheme::{
        Candidate, Candidates, CombineError, KeySetError, MemberIndex, ThresholdScheme as _, certify,
        points::{MessagePoint, SignaturePoint},
    },
};
use alys_primitives::{B256, BlsPublicKey, bls::DST};
use blst::{BLST_ERROR, min_pk};
use proptest::{prelude::*, sample::Index};

use crate::common::Federation;

const ROOT: B256 = B256::repeat_byte(0x42);

/// What some other program would do with a certificate: nothing of ours, blst's own interface.
fn verifies_under_plain_blst(key: &BlsPublicKey, root: B256, signature: &[u8]) -> bool {
    let key = min_pk::PublicKey::key_validate(key.as_slice()).unwrap();
    let signature = min_pk::Signature::sig_validate(signature, true).unwrap();
    signature.verify(true, root.as_slice(), DST, &[], &key, true) == BLST_ERROR::BLST_SUCCESS
}

fn point(federation: &Federation, member: MemberIndex, root: B256) -> SignaturePoint {
    BlsThreshold.decode_share(&federation.share(member, root)).unwrap()
}

/// `n` and some members of it, in any order.
fn members(max: usize, count: impl Fn(usize) -> usize) -> impl Strategy<Value = (usize, Vec<u8>)> {
    (1..=max, proptest::collection::vec(any::<Index>(), max)).prop_map(move |(n, order)| {
        let mut left: Vec<u8> = (0..u8::try_from(n).unwrap()).collect();
        let chosen = order.iter().take(count(n)).map(|i| left.remove(i.index(left.len()))).collect();
        (n, chosen)
    })
}

fn quorum(n: usize) -> usize {
    alys_primitives::quorum(n).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_quorum_makes_the_same_signature_and_plain_blst_verifies_it(
        (n, chosen) in members(9, quorum), root in any::<[u8; 32]>(),
    ) {
        let federation = Federation::of(n);
        let root = B256::from(root);
        let combine = |who: &[u8]| {
            let shares: Vec<_> = who.iter().map(|&m| (m, point(&federation, m, root))).collect();
            let shares: Vec<_> = shares.iter().map(|(m, share)| (*m, share)).collect();
            BlsThreshold.combine(&federation.keys, &shares).unwrap()
        };
        let signature = combine(&chosen);
        let first: Vec<u8> = (0..).take(quorum(n)).collect();
        prop_assert_eq!(signature, combine(&first));
        let key = federation.dealt.keys.group_key();
        prop_assert!(verifies_under_plain_blst(&key, root, signature.as_slice()));
        prop_assert!(!verifies_under_plain_blst(&key, !root, signature.as_slice()));
    }

    #[test]
    fn one_fewer_than_a_quorum_never_makes_a_signature(
        (n, chosen) in members(9, |n| quorum(n) - 1), extra in any::<Index>(),
    ) {
        let federation = Federation::of(n);
        let mut shares: Vec<_> = chosen.iter().map(|&m| (m, point(&federation, m, ROOT))).collect();
        let given = |shares: &[(u8, SignaturePoint)]| {
            let shares: Vec<_> = shares.iter().map(|(m, share)| (*m, share)).collect();
            BlsThreshold.combine(&federation.keys, &shares)
        };
        let need = quorum(n);
        prop_assert_eq!(given(&shares), Err(CombineError::TooFew { have: need - 1, need }));

        // Nor with one share twice,
        if let Some(&twice) = shares.get(extra.index(shares.len().max(1))) {
            shares.push(twice);
            prop_assert_eq!(given(&shares), Err(CombineError::NotDistinctMembers));
            // nor with one member's share in another's name.
            let absent = (0..).find(|m| !chosen.contains(m)).unwrap();
            shares.last_mut().unwrap().0 = absent;
            let signature = given(&shares).unwrap();
            let message = BlsThreshold.message(ROOT);
            prop_assert!(!BlsThreshold.verify(&federation.keys, &message, &signature));
        }
    }

    #[test]
    fn with_up_to_n_minus_q_liars_the_certificate_comes_out_and_exactly_they_are_blamed(
        (n, liars) in members(10, |n| n - quorum(n)), lies in proptest::collection::vec(0u8..3, 10),
    ) {
        let federation = Federation::of(n);
        let message = BlsThreshold.message(ROOT);
        let mut candidates = Candidates::new();
        for member in 0..u8::try_from(n).unwrap() {
            let share = match (liars.contains(&member), lies[usize::from(member)]) {
                (false, _) => point(&federation, member, ROOT),
                (true, 0) => point(&federation, member, !ROOT),
                // Another member's true share.
                (true, 1) => point(&federation, (member + 1) % u8::try_from(n).unwrap(), ROOT),
                // A true share under another federation's key.
                (true, _) => point(&Federation::seeded(n, 8), member, ROOT),
            };
            candidates.insert(member, Candidate::unverified(share));
        }
        let certified = certify(&BlsThreshold, &federation.keys, &message, &mut candidates).unwrap();
        let signature = certified.signature.unwrap();
        let key = federation.dealt.keys.group_key();
        prop_assert!(verifies_under_plain_blst(&key, ROOT, signature.as_slice()));

        // Those who lied are named where the check failed, and no one else ever.
        let named: BTreeSet<_> = certified.liars.iter().copied().collect();
        let seen: BTreeSet<_> = liars.iter().copied().filter(|&m| usize::from(m) < quorum(n)).collect();
        let all: BTreeSet<_> = liars.iter().copied().collect();
        prop_assert_eq!(named, if seen.is_empty() { seen } else { all });
        prop_assert!(candidates.len() >= quorum(n));
    }

    #[test]
    fn with_one_liar_more_there_is_no_certificate((n, liars) in members(10, |n| n - quorum(n) + 1)) {
        let federation = Federation::of(n);
        let message = BlsThreshold.message(ROOT);
        let mut candidates: Candidates<_> = (0..u8::try_from(n).unwrap())
            .map(|m| (m, if liars.contains(&m) { !ROOT } else { ROOT }))
            .map(|(m, root)| (m, Candidate::unverified(point(&federation, m, root))))
            .collect();
        let certified = certify(&BlsThreshold, &federation.keys, &message, &mut candidates).unwrap();
        prop_assert_eq!(certified.signature, None);
        prop_assert_eq!(certified.liars.len(), liars.len());
        prop_assert!(candidates.values().all(Candidate::is_verified));
    }

    #[test]
    fn bytes_that_are_no_point_are_refused_and_never_panic(bytes in any::<[u8; 96]>(), flag in 0u8..8) {
        let mut bytes = bytes;
        bytes[0] = bytes[0] & 0x1f | flag << 5;
        // A random x is on the curve half the time, and then outside the subgroup.
        prop_assert!(BlsThreshold.decode_share(&bytes.into()).is_err());
    }
}

#[test]
fn one_bad_share() {
    // The full federation, a liar among the first quorum.
    let federation = Federation::of(31);
    let message = BlsThreshold.message(ROOT);
    let mut candidates: Candidates<_> = (0..22)
        .map(|m| (m, if m == 13 { !ROOT } else { ROOT }))
        .map(|(m, root)| (m, Candidate::unverified(point(&federation, m, root))))
        .collect();
    let certified = certify(&BlsThreshold, &federation.keys, &message, &mut candidates).unwrap();
    assert_eq!(certified.liars, [13]);
    let signature = certified.signature.unwrap();
    assert!(verifies_under_plain_blst(&federation.dealt.keys.group_key(), ROOT, signature.as_slice()));
}

#[test]
fn two_shares_whose_errors_cancel_make_a_true_certificate_and_nobody_is_blamed() {
    // Liars who know each other can shift their shares so that the sum stays right. With a quorum of 2 the
    // shares at 1 and 2 combine as 2a - b, so (a + d, b + 2d) give what (a, b) give.
    let federation = Federation::of(3);
    let [a, b, d] = [(0, ROOT), (1, ROOT), (2, !ROOT)]
        .map(|(m, root)| min_pk::Signature::from_bytes(federation.share(m, root).as_slice()).unwrap());
    let sum = |points: &[&min_pk::Signature]| {
        let sum = min_pk::AggregateSignature::aggregate(points, true).unwrap();
        BlsThreshold.decode_share(&sum.to_signature().compress().into()).unwrap()
    };
    let message = BlsThreshold.message(ROOT);
    let shifted = [sum(&[&a, &d]), sum(&[&b, &d, &d])];
    for (member, share) in (0..).zip(&shifted) {
        assert!(!BlsThreshold.verify_share(&federation.keys, member, &message, share));
    }
    let mut candidates: Candidates<_> = (0..).zip(shifted.map(Candidate::unverified)).collect();
    let certified = certify(&BlsThreshold, &federation.keys, &message, &mut candidates).unwrap();
    assert_eq!(certified.liars, Vec::<u8>::new());
    assert!(BlsThreshold.verify(&federation.keys, &message, &certified.signature.unwrap()));
}

#[test]
fn a_share_verifies_under_its_own_members_key_alone() {
    let federation = Federation::of(4);
    let message = BlsThreshold.message(ROOT);
    let share = point(&federation, 2, ROOT);
    for member in 0..=4 {
        let verified = BlsThreshold.verify_share(&federation.keys, member, &message, &share);
        assert_eq!(verified, member == 2, "member {member}");
    }
}

#[test]
fn an_index_outside_the_set_is_no_evaluation_point() {
    let federation = Federation::of(1);
    let share = point(&federation, 0, ROOT);
    assert_eq!(BlsThreshold.combine(&federation.keys, &[(1, &share)]), Err(CombineError::NotDistinctMembers));
}

#[test]
fn a_federation_of_one_signs_with_the_group_key_itself() {
    let federation = Federation::of(1);
    assert_eq!(federation.dealt.keys.members(), [federation.dealt.keys.group_key()]);
    let share = federation.share(0, ROOT);
    assert!(BlsThreshold.verify(&federation.keys, &BlsThreshold.message(ROOT), &share));
}

#[test]
fn a_key_set_of_the_wrong_degree_or_with_a_bad_point_is_refused() {
    let good = Federation::of(4).dealt.keys;
    assert_eq!(KeySet::from_commitments(good.commitments().to_vec(), 4).unwrap(), good);
    assert_eq!(
        KeySet::from_commitments(good.commitments().to_vec(), 7),
        Err(KeySetError::WrongDegree { have: 3, need: 5 })
    );
    assert_eq!(KeySet::from_commitments(Vec::new(), 0), Err(KeySetError::MemberCount(0)));
    assert_eq!(KeySet::from_commitments(Vec::new(), 32), Err(KeySetError::MemberCount(32)));
    for bad in [BlsPublicKey::ZERO, BlsPublicKey::repeat_byte(0xff), infinity()] {
        let mut commitments = good.commitments().to_vec();
        commitments[1] = bad;
        let refused = KeySet::from_commitments(commitments, 4);
        assert!(matches!(refused, Err(KeySetError::BadPoint { index: 1, .. })), "{refused:?}");
    }
}

#[test]
fn a_secret_share_prints_nothing_and_finds_its_member() {
    let federation = Federation::of(4);
    let member = federation.member(3);
    assert_eq!(format!("{:?}", member.share), "SecretShare(..)");
    let printed = format!("{member:?}");
    assert!(!printed.contains(&hex::encode(member.share.expose())), "{printed}");
    assert!(!printed.contains(&hex::encode(member.identity.expose().as_slice())), "{printed}");
    assert_eq!(federation.dealt.keys.index_of(&member.share.public_key().unwrap()), Some(3));
    assert_eq!(federation.dealt.keys.index_of(&federation.dealt.keys.group_key()), None);
}

#[test]
fn the_message_is_never_infinity() {
    for message in [b"".as_slice(), b"a", &[0; 100]] {
        assert_ne!(MessagePoint::hash(message).coordinates()[0] & 0x40, 0x40);
    }
}

fn infinity() -> BlsPublicKey {
    let mut bytes = [0; 48];
    bytes[0] = 0xc0;
    bytes.into()
}
