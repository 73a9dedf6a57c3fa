//! What the bridge takes, what it refuses, and by which name.

use alloy_primitives::{Bytes, U256};
use alys_primitives::{Body, ExecutionFacts, PegState};

use super::*;

#[test]
fn a_burn_of_either_variant_is_a_fact_with_its_id_and_its_bound() {
    let mut rig = Rig::new();
    let mined = rig.block(vec![
        to_bridge(0, sats(50_000), request(ADDRESS.as_bytes())),
        to_bridge(1, sats(60_000), bounded(ADDRESS, sats(700))),
    ]);
    let burn = |log_index, id, from, sat, max_fee| Burn {
        log_index,
        id,
        burner: signer(from).address(),
        bitcoin_address: ADDRESS.as_bytes().into(),
        value: sats(sat),
        max_fee,
    };
    assert_eq!(mined.burns, [burn(0, 0, 0, 50_000, U256::MAX), burn(2, 1, 1, 60_000, sats(700))]);
    assert!(mined.cancellations.is_empty());
    assert_eq!(rig.balance(BRIDGE), sats(110_000));
    // Ids go on in the next block, log indexes start again.
    let mined = rig.block(vec![to_bridge(2, sats(70_000), request(ADDRESS.as_bytes()))]);
    assert_eq!(mined.burns, [burn(0, 2, 2, 70_000, U256::MAX)]);
    assert_eq!(rig.ask(&Bridge::nextIdCall {}), 3);
    let kept = rig.ask(&Bridge::pegOutsCall { id: U256::from(1) });
    assert_eq!((kept.burner, kept.cancelled), (signer(1).address(), false));
}

#[test]
fn a_request_returns_its_id_to_who_asks() {
    let mut rig = Rig::new();
    rig.block(vec![to_bridge(0, sats(MIN_PAYOUT), request(ADDRESS.as_bytes()))]);
    for input in [request(ADDRESS.as_bytes()), bounded(ADDRESS, U256::ZERO)] {
        let output = rig.call(&to_bridge(1, sats(MIN_PAYOUT), input)).unwrap();
        assert_eq!(U256::from_be_slice(&output), U256::from(1));
    }
}

/// `silent-loss`: a burn too small to be paid keeps its coins.
#[test]
fn silent_loss_a_burn_below_the_minimum_is_refused_and_the_minimum_itself_is_not() {
    let mut rig = Rig::new();
    let minimum = sats(MIN_PAYOUT);
    for value in [U256::ZERO, U256::from(1), minimum - sats(1), minimum - U256::from(1)] {
        for input in [request(ADDRESS.as_bytes()), bounded(ADDRESS, U256::MAX)] {
            let BridgeErrors::BelowMinimum(error) = rig.refused(to_bridge(0, value, input)) else {
                panic!("{value} wei is below the minimum");
            };
            assert_eq!((error.value, error.minimum), (value, minimum));
        }
    }
    let mined = rig.block(vec![to_bridge(0, minimum, request(ADDRESS.as_bytes()))]);
    assert_eq!(mined.values(), [minimum]);
}

#[test]
fn the_minimum_is_the_one_that_genesis_wrote() {
    let mut genesis = genesis();
    let storage = bridge_account(u64::MAX).storage;
    genesis.alloc.get_mut(&BRIDGE).unwrap().storage = Some(storage);
    let mut rig = Rig::at(genesis);
    assert_eq!(rig.ask(&Bridge::minPayoutSatCall {}), U256::from(u64::MAX));
    // Above 2^64 sat there are no more coins than five keys hold: nothing can be burned, nothing overflows.
    let error = rig.refused(to_bridge(0, sats(1 << 40), request(ADDRESS.as_bytes())));
    let BridgeErrors::BelowMinimum(error) = error else { panic!("{error:?}") };
    assert_eq!(error.minimum, sats(u64::MAX));
}

#[test]
fn a_burn_that_is_no_whole_number_of_satoshis_is_refused() {
    let mut rig = Rig::new();
    let whole = sats(MIN_PAYOUT + 5);
    for value in [whole + U256::from(1), whole - U256::from(1), whole + sats(1) / U256::from(10)] {
        let error = rig.refused(to_bridge(0, value, request(ADDRESS.as_bytes())));
        assert!(matches!(&error, BridgeErrors::NotWholeSats(error) if error.value == value), "{error:?}");
    }
    assert_eq!(rig.block(vec![to_bridge(0, whole, request(ADDRESS.as_bytes()))]).values(), [whole]);
}

#[test]
fn addresses_of_impossible_lengths_are_refused_and_of_possible_ones_are_not() {
    let rig = Rig::new();
    let possible = |length: usize| matches!(length, 26..=35 | 42 | 44 | 62 | 64);
    for length in (0..=130).chain([1_000, 20_000]) {
        let text = "q".repeat(length);
        for input in [request(text.as_bytes()), bounded(&text, U256::MAX)] {
            match rig.call(&to_bridge(0, sats(MIN_PAYOUT), input)) {
                Ok(_) => assert!(possible(length), "{length} bytes were taken"),
                Err(CallError::Reverted { data, .. }) => {
                    assert!(!possible(length), "{length} bytes were refused");
                    let BridgeErrors::ImpossibleLength(error) = BridgeErrors::abi_decode(&data).unwrap()
                    else {
                        panic!("refused by another name: {data}");
                    };
                    assert_eq!(error.length, U256::from(length));
                }
                Err(other) => panic!("{length}: {other}"),
            }
        }
    }
}

#[test]
fn an_address_of_every_payable_kind_and_network_is_taken_as_it_is_given() {
    let addresses = [
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "1111111111111111111114oLvT2",
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
        "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc",
        "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
        "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
        "bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6",
    ];
    let mut rig = Rig::new();
    let sends = addresses.iter().map(|a| to_bridge(0, sats(MIN_PAYOUT), request(a.as_bytes())));
    let mined = rig.block(sends.collect());
    let given: Vec<_> = mined.burns.iter().map(|b| str::from_utf8(&b.bitcoin_address).unwrap()).collect();
    assert_eq!(given, addresses);
    // The contract reads no text: 34 bytes of anything are a fact, and consensus mints them anew.
    let mined = rig.block(vec![to_bridge(0, sats(MIN_PAYOUT), request(&[0xff; 34]))]);
    assert_eq!(mined.burns[0].bitcoin_address[..], [0xff; 34]);
}

#[test]
fn only_the_burner_cancels_and_only_once() {
    let mut rig = Rig::new();
    rig.block(vec![to_bridge(0, sats(MIN_PAYOUT), request(ADDRESS.as_bytes()))]);
    let error = rig.refused(to_bridge(1, U256::ZERO, cancel(0)));
    let BridgeErrors::NotYourPegOut(error) = error else { panic!("{error:?}") };
    assert_eq!((error.id, error.caller), (U256::ZERO, signer(1).address()));
    // Coins sent along would be lost: they are refused, without a name.
    assert!(rig.reverted(to_bridge(0, U256::from(1), cancel(0))).is_empty());
    let mined = rig.block(vec![to_bridge(0, U256::ZERO, cancel(0))]);
    let burner = signer(0).address();
    assert_eq!(mined.cancellations, [Cancellation { log_index: 0, id: 0, burner }]);
    assert!(mined.burns.is_empty());
    assert!(rig.ask(&Bridge::pegOutsCall { id: U256::ZERO }).cancelled);
    let error = rig.refused(to_bridge(0, U256::ZERO, cancel(0)));
    assert!(matches!(&error, BridgeErrors::AlreadyCancelled(error) if error.id.is_zero()), "{error:?}");
    let error = rig.refused(to_bridge(1, U256::ZERO, cancel(0)));
    assert!(matches!(error, BridgeErrors::NotYourPegOut(_)), "whose it is comes first");
    // What was burned stays burned: consensus mints new coins.
    assert_eq!(rig.balance(BRIDGE), sats(MIN_PAYOUT));
}

#[test]
fn a_burn_and_its_cancellation_in_one_block_keep_their_order() {
    let mut rig = Rig::new();
    let mined = rig.block(vec![
        to_bridge(0, sats(MIN_PAYOUT), request(ADDRESS.as_bytes())),
        to_bridge(0, U256::ZERO, cancel(0)),
        to_bridge(1, sats(MIN_PAYOUT), request(ADDRESS.as_bytes())),
    ]);
    assert_eq!(mined.burns.iter().map(|b| (b.log_index, b.id)).collect::<Vec<_>>(), [(0, 0), (3, 1)]);
    assert_eq!(mined.cancellations.iter().map(|c| (c.log_index, c.id)).collect::<Vec<_>>(), [(2, 0)]);
}

/// `silent-loss`: coins sent without a request never stay with the bridge.
#[test]
fn silent_loss_plain_transfers_and_calls_that_it_does_not_know_are_refused() {
    let mut rig = Rig::new();
    let whole = request(ADDRESS.as_bytes());
    let mut far = whole.to_vec();
    far[4..36].fill(0xff);
    let mut long = whole.to_vec();
    long[36..68].fill(0xff);
    let inputs = [
        Bytes::new(),
        Bytes::from_static(&[0x99]),
        Bytes::from_static(&[1, 2, 3, 4]),
        Bytes::from_static(ADDRESS.as_bytes()),
        // Cut short; an offset and a length beyond all data.
        whole.slice(..4),
        whole.slice(..whole.len() - 32),
        far.into(),
        long.into(),
    ];
    for input in inputs {
        for value in [sats(MIN_PAYOUT), U256::ZERO] {
            assert!(rig.reverted(to_bridge(0, value, input.clone())).is_empty(), "{input}");
        }
    }
    assert_eq!(rig.balance(BRIDGE), U256::ZERO);
}

/// `poison-burn`: numbers beyond any pool are values, and the peg's state takes them.
#[test]
fn poison_burn_the_highest_numbers_are_facts_like_any_other() {
    let mut genesis = genesis();
    let all = U256::MAX / U256::from(2);
    genesis.alloc.get_mut(&signer(4).address()).unwrap().balance = all;
    let mut rig = Rig::at(genesis);
    let unit = sats(1);
    let most = (all - sats(1 << 40)) / unit * unit;
    let mined = rig.block(vec![
        to_bridge(4, most, bounded(ADDRESS, U256::MAX)),
        to_bridge(3, sats(MIN_PAYOUT), bounded(ADDRESS, U256::ZERO)),
        to_bridge(3, sats(MIN_PAYOUT), bounded(ADDRESS, U256::from(1))),
    ]);
    let facts: Vec<_> = mined.burns.iter().map(|burn| (burn.value, burn.max_fee)).collect();
    let least = sats(MIN_PAYOUT);
    assert_eq!(facts, [(most, U256::MAX), (least, U256::ZERO), (least, U256::from(1))]);
    assert_eq!(rig.balance(BRIDGE), most + least + least);
    let facts = ExecutionFacts { burns: mined.burns, ..ExecutionFacts::default() };
    let state = PegState::default().next(&facts, &Body::default(), 64).unwrap();
    assert_eq!(state.burned, most + least + least);
}

/// What a wallet has to set aside. A change of the compiler or its settings shows here.
#[test]
fn a_request_costs_less_than_90_000_gas_and_a_cancellation_less_than_40_000() {
    let mut rig = Rig::new();
    let least = sats(MIN_PAYOUT);
    let longest = "q".repeat(64);
    let first = rig.block(vec![to_bridge(0, least, request(ADDRESS.as_bytes()))]).gas[0];
    let mined = rig.block(vec![
        to_bridge(0, least, request(ADDRESS.as_bytes())),
        to_bridge(0, least, bounded(ADDRESS, sats(500))),
        to_bridge(0, least, bounded(&longest, sats(500))),
        to_bridge(0, U256::ZERO, cancel(0)),
        to_bridge(0, U256::ZERO, cancel(0)),
        to_bridge(0, U256::from(1), request(ADDRESS.as_bytes())),
    ]);
    let names = ["request", "with a bound", "longest address", "cancel", "cancel again", "below the minimum"];
    println!("gas of the first request ever: {first}");
    for (name, gas) in names.iter().zip(&mined.gas) {
        println!("gas of {name}: {gas}");
    }
    assert_eq!(mined.succeeded(), [true, true, true, true, false, false]);
    assert!(first < 90_000 && mined.gas[..3].iter().all(|gas| *gas < 90_000), "{first}, {:?}", mined.gas);
    assert!(mined.gas[3..].iter().all(|gas| *gas < 40_000), "{:?}", mined.gas);
}
