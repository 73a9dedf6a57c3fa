//! What nobody requested and what nothing was burned for, with and without what genesis writes for the bridge.

use super::*;

/// A chain whose genesis wrote the minimum, and one that has the code alone, as a test may put it there.
fn with_and_without_storage() -> [(Rig, U256); 2] {
    let mut bare = genesis();
    bare.alloc.get_mut(&BRIDGE).unwrap().storage = None;
    [(Rig::new(), sats(MIN_PAYOUT)), (Rig::at(bare), U256::ZERO)]
}

/// What a call of the bridge from an address meets that need not be anybody's.
fn refusal_of(rig: &Rig, from: Address, wei: U256, input: Bytes) -> BridgeErrors {
    let to = TxKind::Call(BRIDGE);
    let request = CallRequest { from, to, value: wei, input, ..CallRequest::default() };
    match rig.engine.reads().call(BlockId::Head, &request) {
        Err(CallError::Reverted { data, .. }) => BridgeErrors::abi_decode(&data).unwrap(),
        outcome => panic!("a call by {from} must revert: {outcome:?}"),
    }
}

/// `eth_call` without a sender comes from the zero address, which is also who made no request.
#[test]
fn an_id_that_nobody_was_given_is_cancelled_by_nobody_not_even_by_the_zero_address() {
    for (mut rig, _) in with_and_without_storage() {
        rig.block(vec![to_bridge(0, sats(MIN_PAYOUT), request(ADDRESS.as_bytes()))]);
        for id in [U256::from(1), U256::from(u64::MAX), U256::MAX] {
            let input = Bytes::from(Cancel { id }.abi_encode());
            for from in [Address::ZERO, signer(0).address(), signer(1).address(), BRIDGE] {
                let refusal = refusal_of(&rig, from, U256::ZERO, input.clone());
                assert!(
                    matches!(&refusal, BridgeErrors::UnknownPegOut(unknown) if unknown.id == id),
                    "{from}: {refusal:?}"
                );
            }
            let refusal = rig.refused(to_bridge(1, U256::ZERO, input));
            assert!(matches!(refusal, BridgeErrors::UnknownPegOut(_)), "{refusal:?}");
        }
        // A request that somebody made is not the zero address's either.
        let refusal = refusal_of(&rig, Address::ZERO, U256::ZERO, cancel(0));
        let BridgeErrors::NotYourPegOut(refusal) = refusal else { panic!("{refusal:?}") };
        assert_eq!((refusal.id, refusal.caller), (U256::ZERO, Address::ZERO));
    }
}

#[test]
fn a_burn_of_nothing_is_refused_whatever_genesis_wrote() {
    for (mut rig, minimum) in with_and_without_storage() {
        for input in [request(ADDRESS.as_bytes()), bounded(ADDRESS, U256::MAX)] {
            let refusals = [
                rig.refused(to_bridge(0, U256::ZERO, input.clone())),
                refusal_of(&rig, Address::ZERO, U256::ZERO, input),
            ];
            for refusal in refusals {
                match refusal {
                    BridgeErrors::BelowMinimum(below) => assert_eq!(below.minimum, minimum),
                    BridgeErrors::NothingToBurn(_) => assert!(minimum.is_zero()),
                    other => panic!("refused by another name: {other:?}"),
                }
            }
        }
        assert_eq!(rig.ask(&Bridge::nextIdCall {}), 0, "no id is given out for nothing");
        let least = minimum.max(sats(1));
        assert_eq!(rig.block(vec![to_bridge(0, least, request(ADDRESS.as_bytes()))]).values(), [least]);
    }
}
