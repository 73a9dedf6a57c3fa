//! Which withdrawals a block pays: exact, ordered, bounded, nothing lost.

use alys_primitives::{
    Address,
    withdrawals::{Credit, Dues, WithdrawalKind, least_max_withdrawals, pay},
};
use proptest::{collection::vec, prelude::*};

fn credit() -> impl Strategy<Value = Credit> {
    (0u8..12, 0u64..1000).prop_map(|(a, gwei)| Credit { address: Address::repeat_byte(a), gwei })
}

fn dues() -> impl Strategy<Value = (Dues, usize)> {
    (1usize..=31).prop_flat_map(|members| {
        (
            vec(credit(), 0..=1),
            vec(credit(), members..=members),
            vec(credit(), 0..90),
            vec(credit(), 0..90),
            vec(credit(), 0..9),
            0usize..40,
        )
            .prop_map(move |(miner, members_due, deposits, remints, governance, extra)| {
                let max = least_max_withdrawals(members) + extra;
                (Dues { miner, members: members_due, deposits, remints, governance }, max)
            })
    })
}

fn sum(credits: &[Credit]) -> u64 {
    credits.iter().map(|c| c.gwei).sum()
}

proptest! {
    /// `cap-overflow`: fees always fit, and what does not fit waits.
    #[test]
    fn cap_overflow_fees_first_deposits_wait_and_nothing_is_lost((dues, max) in dues(), first in 0u64..1 << 40) {
        let paid = pay(&dues, first, max);
        prop_assert!(paid.withdrawals.len() <= max);
        let total = |kind: WithdrawalKind| -> u64 {
            paid.withdrawals.iter().filter(|w| w.validator_index == kind as u64).map(|w| w.amount).sum()
        };
        prop_assert_eq!(total(WithdrawalKind::Miner), sum(&dues.miner));
        prop_assert_eq!(total(WithdrawalKind::Member), sum(&dues.members));
        prop_assert_eq!(total(WithdrawalKind::Deposit), sum(&dues.deposits[..paid.deposits]));
        prop_assert_eq!(total(WithdrawalKind::Remint), sum(&dues.remints[..paid.remints]));
        prop_assert_eq!(total(WithdrawalKind::Governance), sum(&dues.governance[..paid.governance]));
    }

    #[test]
    fn entries_are_numbered_in_order_of_kind_and_one_address_stands_once_in_a_kind(
        (dues, max) in dues(), first in 0u64..1 << 40,
    ) {
        let paid = pay(&dues, first, max);
        let mut seen = std::collections::BTreeSet::new();
        for (at, entry) in paid.withdrawals.iter().enumerate() {
            prop_assert_eq!(entry.index, first + at as u64);
            prop_assert!(entry.amount > 0);
            prop_assert!(seen.insert((entry.validator_index, entry.address)));
        }
        let kinds: Vec<_> = paid.withdrawals.iter().map(|w| w.validator_index).collect();
        prop_assert!(kinds.is_sorted());
    }

    #[test]
    fn as_long_as_blocks_come_every_credit_is_paid_once((dues, max) in dues()) {
        let owed = sum(&dues.deposits) + sum(&dues.remints) + sum(&dues.governance);
        let (mut left, mut got, mut blocks) = (Dues { miner: vec![], members: vec![], ..dues }, 0, 0);
        while !(left.deposits.is_empty() && left.remints.is_empty() && left.governance.is_empty()) {
            let paid = pay(&left, 0, max);
            got += paid.withdrawals.iter().map(|w| w.amount).sum::<u64>();
            left.deposits.drain(..paid.deposits);
            left.remints.drain(..paid.remints);
            left.governance.drain(..paid.governance);
            blocks += 1;
            prop_assert!(blocks < 300, "a credit waits for ever");
        }
        prop_assert_eq!(got, owed);
    }

    #[test]
    fn re_mints_take_at_most_half_of_what_fees_leave((dues, max) in dues()) {
        let paid = pay(&dues, 0, max);
        let count = |kind: WithdrawalKind| paid.withdrawals.iter().filter(|w| w.validator_index == kind as u64).count();
        let room = max - count(WithdrawalKind::Miner) - count(WithdrawalKind::Member);
        prop_assert!(count(WithdrawalKind::Remint) <= room / 2);
    }
}

/// `merge-or-not`: amounts that would overflow an entry take a second one, by the one function.
#[test]
fn a_sum_beyond_64_bits_takes_another_entry() {
    let big = Credit { address: Address::ZERO, gwei: u64::MAX };
    let dues = Dues { deposits: vec![big, big], ..Dues::default() };
    let paid = pay(&dues, 0, 20);
    assert_eq!((paid.deposits, paid.withdrawals.len()), (2, 2));
}
