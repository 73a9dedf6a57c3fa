//! One rule at a time.

use alloy_primitives::U256;
use alys_bus::protocol::query::TransactionRefusal as Refusal;

use super::super::{AddError, DropReason, PoolConfig, PoolConfigError, SenderCode, Touched};
use super::*;

fn refusal(pool: &mut Pool<Accounts>, tx: PooledTransaction) -> Refusal {
    let before = contents(pool);
    let Err(AddError::Refused(refusal)) = pool.add(tx) else { panic!("it was taken") };
    assert_eq!(contents(pool), before, "a refusal changes nothing");
    refusal
}

#[test]
fn a_full_pool_lets_the_worst_go_and_refuses_what_is_worse() {
    let mut pool = pool(PoolConfig { max_transactions: 3, ..Default::default() });
    for (from, tip) in [(0, 5), (1, 3), (2, 7)] {
        pool.add(Tx::new(from, 0, tip).pooled()).unwrap();
    }
    assert_eq!(refusal(&mut pool, Tx::new(3, 0, 3).pooled()), Refusal::PoolFull);
    let added = pool.add(Tx::new(3, 0, 4).pooled()).unwrap();
    let [gone] = &added.dropped[..] else { panic!("one goes: {added:?}") };
    assert_eq!((gone.hash, &gone.reason), (Tx::new(1, 0, 3).pooled().hash(), &DropReason::Evicted));
    assert_eq!(order(&pool), [(address(2), 0), (address(0), 0), (address(3), 0)]);
}

#[test]
fn what_waits_for_a_gap_or_for_the_base_fee_goes_before_what_is_ready() {
    let mut pool = pool(PoolConfig { max_transactions: 3, ..Default::default() });
    pool.add(Tx::new(0, 5, 900).pooled()).unwrap();
    pool.add(Tx { cap: 9, ..Tx::new(1, 0, 9) }.pooled()).unwrap();
    pool.add(Tx::new(2, 0, 1).pooled()).unwrap();
    pool.add(Tx::new(3, 0, 1).pooled()).unwrap();
    assert!(!contents(&pool).contains(&(address(0), 5)));
    pool.add(Tx::new(4, 0, 1).pooled()).unwrap();
    assert!(!contents(&pool).contains(&(address(1), 0)));
    assert_eq!(refusal(&mut pool, Tx::new(5, 0, 1).pooled()), Refusal::PoolFull);
}

#[test]
fn a_high_tip_behind_a_low_one_buys_no_place() {
    let mut pool = pool(PoolConfig { max_transactions: 3, ..Default::default() });
    pool.add(Tx::new(0, 0, 2).pooled()).unwrap();
    pool.add(Tx::new(0, 1, 900).pooled()).unwrap();
    pool.add(Tx::new(1, 0, 5).pooled()).unwrap();
    pool.add(Tx::new(2, 0, 5).pooled()).unwrap();
    // The last of the account went, not its first: no gap.
    assert_eq!(contents(&pool).iter().filter(|(from, _)| *from == address(0)).count(), 1);
    assert_eq!(pool.next_nonce(address(0)).unwrap(), 1);
}

#[test]
fn the_order_of_eviction_follows_the_base_fee() {
    let mut pool = pool(PoolConfig { max_transactions: 2, ..Default::default() });
    // At base fee 10 their tips are 20 and 30; at base fee 80 they are 20 and 10.
    pool.add(Tx { cap: 200, ..Tx::new(0, 0, 20) }.pooled()).unwrap();
    pool.add(Tx { cap: 90, ..Tx::new(1, 0, 30) }.pooled()).unwrap();
    assert_eq!(refusal(&mut pool, Tx::new(2, 0, 1).pooled()), Refusal::PoolFull);
    let mut head = next_head(&pool, |_| ());
    head.info.next_base_fee = 80;
    pool.on_head(head).unwrap();
    pool.add(Tx::new(2, 0, 15).pooled()).unwrap();
    assert_eq!(order(&pool), [(address(0), 0), (address(2), 0)]);
}

#[test]
fn a_pool_full_of_bytes_makes_room_for_a_large_one_or_refuses_it_whole() {
    let config = PoolConfig { max_bytes: 1_000, ..Default::default() };
    let small = |from, tip| Tx { bytes: 150, ..Tx::new(from, 0, tip) }.pooled();
    let mut pool = pool(config);
    for from in 0..4 {
        pool.add(small(from, 5 + u128::from(from))).unwrap();
    }
    let large = |tip| Tx { bytes: 600, ..Tx::new(9, 0, tip) }.pooled();
    // It would have to displace three, of which the third is worth more.
    assert_eq!(refusal(&mut pool, large(7)), Refusal::PoolFull);
    let added = pool.add(large(8)).unwrap();
    assert_eq!(added.dropped.len(), 3);
    assert_eq!(order(&pool), [(address(3), 0), (address(9), 0)]);
    assert!(pool.bytes() <= 1_000);
}

#[test]
fn a_delegated_account_has_one_transaction_at_a_time_and_no_gap() {
    let mut pool = pool(PoolConfig::default());
    pool.on_head(next_head(&pool, |accounts| delegated(accounts.edit(address(0))))).unwrap();
    let gapped = refusal(&mut pool, Tx::new(0, 1, 5).pooled());
    assert!(gapped.to_string().contains("gapped-nonce tx from delegated accounts"));
    pool.add(Tx::new(0, 0, 5).pooled()).unwrap();
    let second = refusal(&mut pool, Tx::new(0, 1, 5).pooled());
    assert!(second.to_string().contains("in-flight transaction limit reached for delegated accounts"));
    pool.add(Tx { cap: 2_000, ..Tx::new(0, 0, 50) }.pooled()).unwrap();
    assert_eq!(order(&pool), [(address(0), 0)]);
}

#[test]
fn a_waiting_authorization_limits_its_account_as_a_delegation_does() {
    let mut pool = pool(PoolConfig::default());
    let authorization = authorizing(0, 0, 1);
    assert_eq!(authorization.authorities(), [address(1)]);
    pool.add(authorization).unwrap();
    pool.add(Tx::new(1, 0, 5).pooled()).unwrap();
    refusal(&mut pool, Tx::new(1, 1, 5).pooled());
    // When it has gone, the limit goes with it.
    pool.on_head(next_head(&pool, |accounts| accounts.edit(address(0)).nonce = 1)).unwrap();
    pool.add(Tx::new(1, 1, 5).pooled()).unwrap();
}

#[test]
fn nobody_has_authorizations_recovered_who_may_not_send_them() {
    let mut pool = pool(PoolConfig::default());
    pool.add(Tx::new(0, 0, 5).pooled()).unwrap();
    pool.on_head(next_head(&pool, |accounts| accounts.edit(address(0)).nonce = 1)).unwrap();
    let (late, next) = (authorizing(0, 0, 1), authorizing(0, 1, 1));
    assert!(matches!(pool.check(&late), Err(AddError::Refused(Refusal::NonceTooLow { .. }))));
    pool.check(&next).unwrap();
    assert!(!late.has_recovered_authorities() && !next.has_recovered_authorities());
    pool.add(next).unwrap();
}

#[test]
fn an_authorization_of_an_account_with_several_transactions_is_refused() {
    let mut pool = pool(PoolConfig::default());
    pool.add(Tx::new(1, 0, 5).pooled()).unwrap();
    pool.add(Tx::new(1, 1, 5).pooled()).unwrap();
    let reserved = refusal(&mut pool, authorizing(0, 0, 1));
    assert!(reserved.to_string().contains("authority already reserved"));
}

#[test]
fn a_contract_sends_nothing() {
    let mut pool = pool(PoolConfig::default());
    pool.add(Tx::new(0, 0, 5).pooled()).unwrap();
    let contract = |accounts: &mut Accounts| accounts.edit(address(0)).code = SenderCode::Contract;
    let dropped = pool.on_head(next_head(&pool, contract)).unwrap();
    assert_eq!(dropped[0].reason, DropReason::NotEoa);
    assert_eq!(refusal(&mut pool, Tx::new(0, 0, 5).pooled()), Refusal::SenderNotEoa(address(0)));
}

#[test]
fn an_account_must_afford_all_that_waits() {
    let mut pool = pool(PoolConfig::default());
    let tx = |nonce, value| Tx { value, ..Tx::new(0, nonce, 5) };
    pool.add(tx(0, 600).pooled()).unwrap();
    let refused = refusal(&mut pool, tx(1, 401).pooled());
    assert_eq!(refused, Refusal::InsufficientFunds { balance: U256::from(1_000), cost: U256::from(1_001) });
    pool.add(tx(1, 400).pooled()).unwrap();
    // A replacement is counted in place of what it replaces.
    let dearer = |value| Tx { tip: 50, cap: 2_000, ..tx(0, value) };
    refusal(&mut pool, dearer(601).pooled());
    pool.add(dearer(600).pooled()).unwrap();
    // Money goes: from the end.
    let dropped = pool.on_head(next_head(&pool, |a| a.edit(address(0)).balance = U256::from(999))).unwrap();
    assert_eq!((dropped.len(), &dropped[0].reason), (1, &DropReason::Unaffordable));
    assert_eq!(contents(&pool), [(address(0), 0)]);
}

#[test]
fn only_accounts_that_were_touched_are_looked_at() {
    let mut pool = pool(PoolConfig::default());
    for from in 0..2 {
        pool.add(Tx::new(from, 0, 5).pooled()).unwrap();
    }
    let mut head = next_head(&pool, |accounts| {
        accounts.edit(address(0)).nonce = 1;
        accounts.edit(address(1)).nonce = 1;
    });
    head.touched = Touched::Accounts([keccak256(address(0))].into());
    pool.on_head(head).unwrap();
    assert_eq!(contents(&pool), [(address(1), 0)]);
}

#[test]
fn what_waits_too_long_goes() {
    let mut pool = pool(PoolConfig { lifetime: 100, ..Default::default() });
    pool.add(Tx::new(0, 3, 5).pooled()).unwrap();
    let at = |pool: &Pool<Accounts>, timestamp| {
        let mut head = next_head(pool, |_| ());
        head.info.timestamp = timestamp;
        head
    };
    let head = at(&pool, 50);
    pool.on_head(head).unwrap();
    pool.add(Tx::new(1, 0, 5).pooled()).unwrap();
    let head = at(&pool, 100);
    assert!(pool.on_head(head).unwrap().is_empty());
    let head = at(&pool, 101);
    let dropped = pool.on_head(head).unwrap();
    assert_eq!((dropped.len(), &dropped[0].reason), (1, &DropReason::Expired));
    assert_eq!(contents(&pool), [(address(1), 0)]);
}

#[test]
fn a_rejected_sender_is_passed_over_for_the_rest_of_the_block() {
    let mut pool = pool(PoolConfig::default());
    for (from, nonce, tip) in [(0, 0, 9), (0, 1, 8), (1, 0, 7), (1, 1, 6)] {
        pool.add(Tx::new(from, nonce, tip).pooled()).unwrap();
    }
    let mut best = pool.best(10);
    let first = best.next().unwrap();
    best.reject(first.sender());
    assert_eq!(best.map(|tx| tx.sender()).collect::<Vec<_>>(), [address(1), address(1)]);
}

#[test]
fn arrivals_are_read_on_from_a_cursor() {
    let mut pool = pool(PoolConfig::default());
    for from in 0..4 {
        pool.add(Tx::new(from, 0, 5).pooled()).unwrap();
    }
    let (place, first) = pool.arrivals(0).next().unwrap();
    assert_eq!(first.sender(), address(0));
    let rest: Vec<_> = pool.arrivals(place + 1).map(|(_, tx)| tx.sender()).collect();
    assert_eq!(rest, [address(1), address(2), address(3)]);
}

#[test]
fn a_configuration_that_cannot_be_names_the_field() {
    assert_eq!(PoolConfig::default().validate(), Ok(()));
    let cases = [
        (PoolConfig { max_transactions: 0, ..Default::default() }, "max_transactions"),
        (PoolConfig { max_bytes: 9, ..Default::default() }, "max_bytes"),
        (PoolConfig { max_per_account: 0, ..Default::default() }, "max_per_account"),
        (PoolConfig { lifetime: 0, ..Default::default() }, "lifetime"),
    ];
    for (config, wrong) in cases {
        let Err(PoolConfigError { field, .. }) = config.validate() else { panic!("{wrong} was accepted") };
        assert_eq!(field, wrong);
    }
}
