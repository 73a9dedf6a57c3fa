//! The development dealer.

use alys_federation::{DevelopmentDealer, dealer::DealError, scheme::KeySetError};

#[test]
fn the_same_seed_deals_the_same_keys_for_ever() {
    let deal = || DevelopmentDealer::from_seed([1; 32]).deal(4).unwrap();
    let (one, two) = (deal(), deal());
    assert_eq!(one.keys, two.keys);
    for (a, b) in one.members.iter().zip(&two.members) {
        assert_eq!(a.share.expose(), b.share.expose());
        assert_eq!(a.identity.public_key(), b.identity.public_key());
        assert_eq!(a.bitcoin.public_key(), b.bitcoin.public_key());
    }
    // Golden: a development chain whose keys change is another chain.
    let first = &one.members[0];
    let keys = [
        hex::encode(one.keys.group_key()),
        hex::encode(first.identity.public_key()),
        hex::encode(first.bitcoin.public_key().unwrap()),
    ];
    assert_eq!(keys, GOLDEN);
}

/// Group key, member 0's identity, member 0's Bitcoin key; computed apart from this code, in Python, from the
/// rule in the dealer's documentation.
const GOLDEN: [&str; 3] = [
    "93b81384ac444922a54536474c8ecdcad1463fa7fbdafd768759207dd51b44a9367e604868e3b2abd6db2b0a35a1b8bc",
    "0f03e37d44b1426a660210aeac5963af25ee14bf07719b98d7e46f1e82bef83d",
    "c6aac8acf8648473185eec5e88fe7e2a17531532df48d9b699947d08b0a11c10",
];

#[test]
fn another_seed_or_member_count_deals_other_keys() {
    let key = |seed, n| DevelopmentDealer::from_seed([seed; 32]).deal(n).unwrap().keys.group_key();
    assert_ne!(key(1, 4), key(2, 4));
    let entropy = || DevelopmentDealer::from_entropy().unwrap().deal(1).unwrap().keys;
    assert_ne!(entropy(), entropy());
}

#[test]
fn members_public_shares_are_those_of_the_key_set_for_every_size() {
    for n in 1..=31 {
        let dealt = DevelopmentDealer::from_seed([3; 32]).deal(n).unwrap();
        assert_eq!(dealt.members.len(), n);
        for (index, member) in dealt.members.iter().enumerate() {
            assert_eq!(dealt.keys.members()[index], member.share.public_key().unwrap(), "{index} of {n}");
        }
    }
}

#[test]
fn a_member_count_outside_1_to_31_is_refused() {
    for n in [0, 32, usize::MAX] {
        let refused = DevelopmentDealer::from_seed([1; 32]).deal(n);
        assert_eq!(refused.unwrap_err(), DealError::Keys(KeySetError::MemberCount(n)));
    }
}

#[test]
fn the_dealer_does_not_print_its_seed() {
    assert_eq!(format!("{:?}", DevelopmentDealer::from_seed([9; 32])), "DevelopmentDealer(..)");
}
