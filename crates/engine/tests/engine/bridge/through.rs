//! Burns by other contracts: found where the bridge made them, and nowhere else.

use alloy_primitives::{Address, Bytes, Log, LogData, U256};
use alloy_sol_types::SolEvent;
use alys_engine::burns;

use super::script::{Script, deploy_forwarder, leave_behind};
use super::*;
use crate::common::{build, delegate, withdrawal};

fn burn_all() -> Bytes {
    request(ADDRESS.as_bytes())
}

/// The two logs of a burn, as the bridge would emit them.
fn forged(id: u64) -> [LogData; 2] {
    let request = Bridge::RequestPegOut {
        evmAddress: signer(0).address(),
        bitcoinAddress: ADDRESS.as_bytes().into(),
        value: sats(1_000_000),
    };
    let terms = Bridge::PegOutTerms { id: U256::from(id), maxFee: U256::MAX };
    [request.encode_log_data(), terms.encode_log_data()]
}

#[test]
fn a_burn_through_another_contract_is_found_and_is_that_contract_s() {
    let mut rig = Rig::new();
    let forwarder = rig.deploy(deploy_forwarder(BRIDGE));
    let mined = rig.block(vec![
        send(1, forwarder, sats(20_000), burn_all()),
        send(1, forwarder, sats(30_000), bounded(ADDRESS, sats(9))),
    ]);
    let found: Vec<_> = mined.burns.iter().map(|b| (b.burner, b.value, b.max_fee)).collect();
    assert_eq!(found, [(forwarder, sats(20_000), U256::MAX), (forwarder, sats(30_000), sats(9))]);
    // So it is the contract that may cancel, whoever calls it; the key behind it may not.
    let error = rig.refused(to_bridge(1, U256::ZERO, cancel(0)));
    assert!(matches!(error, BridgeErrors::NotYourPegOut(_)));
    let mined = rig.block(vec![send(2, forwarder, U256::ZERO, cancel(1))]);
    assert_eq!(mined.cancellations.iter().map(|c| (c.id, c.burner)).collect::<Vec<_>>(), [(1, forwarder)]);
}

#[test]
fn a_burn_in_the_constructor_of_another_contract_is_found() {
    let mut rig = Rig::new();
    let made = rig.next_contract(0);
    let code = Script::default().call(BRIDGE, sats(20_000), &burn_all()).construct();
    let mined = rig.block(vec![create(0, sats(20_000), code)]);
    assert_eq!(mined.burns.iter().map(|b| (b.burner, b.value)).collect::<Vec<_>>(), [(made, sats(20_000))]);
    assert_eq!(rig.balance(BRIDGE), sats(20_000));
    // One that is undone leaves nothing.
    let code = Script::default().call(BRIDGE, sats(20_000), &burn_all()).revert().construct();
    let mined = rig.block(vec![create(0, sats(20_000), code)]);
    assert_eq!((mined.succeeded(), mined.is_quiet()), (vec![false], true));
    assert_eq!(rig.balance(BRIDGE), sats(20_000));
}

/// `constructor-burn`: events like the bridge's, emitted by a constructor.
#[test]
fn constructor_burn_events_that_a_constructor_or_a_contract_forges_are_nothing() {
    let mut rig = Rig::new();
    let [request, terms] = forged(0);
    let cancellation = Bridge::CancelPegOut { evmAddress: signer(0).address(), id: U256::ZERO };
    let script = Script::default().log(&request).log(&terms).log(&cancellation.encode_log_data());
    let contract = rig.deploy(script.clone().deploy());
    let mined = rig.block(vec![
        create(0, sats(MIN_PAYOUT), script.clone().construct()),
        send(0, contract, sats(MIN_PAYOUT), Bytes::new()),
    ]);
    assert_eq!(mined.succeeded(), [true, true]);
    let logs: Vec<_> = mined.receipts.iter().flat_map(|receipt| &receipt.logs).collect();
    // They are the bridge's in everything but the address: from the bridge they would be burns.
    assert_eq!(logs.len(), 6);
    assert!(mined.is_quiet());
    let mut theirs = mined.receipts.clone();
    theirs[0].logs.iter_mut().for_each(|log: &mut Log| log.address = BRIDGE);
    assert_eq!(burns(&theirs).len(), 1);
}

#[test]
fn a_burn_in_a_reverted_inner_call_is_none_and_leaves_the_coins_and_the_id() {
    let mut rig = Rig::new();
    let least = sats(MIN_PAYOUT);
    // Burns what it was sent, then undoes it.
    let undone = Script::default().call(BRIDGE, least, &burn_all()).revert();
    let undone = rig.deploy(undone.deploy());
    let made = rig.next_contract(0);
    let script = Script::default()
        .try_call(undone, least, &[])
        .call(BRIDGE, sats(20_000), &burn_all())
        .try_call(undone, least, &[])
        .construct();
    let mined = rig.block(vec![create(0, sats(40_000), script)]);
    assert_eq!(mined.succeeded(), [true]);
    assert_eq!(mined.burns.iter().map(|b| (b.log_index, b.id)).collect::<Vec<_>>(), [(0, 0)]);
    assert_eq!((rig.balance(BRIDGE), rig.balance(made)), (sats(20_000), sats(20_000)));
    // A cancellation undone may be made again.
    let forwarder = rig.deploy(deploy_forwarder(BRIDGE));
    rig.block(vec![send(0, forwarder, least, burn_all())]);
    let undo = |to: Address, input: &[u8]| Script::default().call(to, U256::ZERO, input).revert();
    let outer = rig.deploy(undo(forwarder, &cancel(1)).deploy());
    let caller = Script::default().try_call(outer, U256::ZERO, &[]).construct();
    assert!(rig.block(vec![create(0, U256::ZERO, caller)]).is_quiet());
    let mined = rig.block(vec![send(0, forwarder, U256::ZERO, cancel(1))]);
    assert_eq!(mined.cancellations.len(), 1);
}

#[test]
fn of_several_requests_in_one_transaction_each_that_was_taken_is_a_burn() {
    let mut rig = Rig::new();
    let [request, terms] = forged(7);
    let made = rig.next_contract(0);
    let script = Script::default()
        .call(BRIDGE, sats(20_000), &burn_all())
        // A forged half before a true pair, a refused one, and a forged half behind.
        .log(&request)
        .call(BRIDGE, sats(30_000), &bounded(ADDRESS, sats(3)))
        .try_call(BRIDGE, sats(MIN_PAYOUT) - U256::from(1), &burn_all())
        .log(&terms)
        .call(BRIDGE, U256::ZERO, &cancel(0))
        .call(BRIDGE, sats(40_000), &burn_all())
        .construct();
    let mined = rig.block(vec![create(0, sats(100_000), script)]);
    assert_eq!(mined.succeeded(), [true]);
    let found: Vec<_> = mined.burns.iter().map(|b| (b.log_index, b.id, b.value)).collect();
    assert_eq!(found, [(0, 0, sats(20_000)), (3, 1, sats(30_000)), (7, 2, sats(40_000))]);
    let cancelled = Cancellation { log_index: 6, id: 0, burner: made };
    assert_eq!(mined.cancellations, [cancelled]);
    assert_eq!(rig.balance(BRIDGE), sats(90_000));
}

/// `silent-loss`: nobody burns at an address where nobody pays out.
#[test]
fn silent_loss_the_bridge_s_code_takes_nothing_at_any_other_address() {
    let mut rig = Rig::new();
    let least = sats(MIN_PAYOUT);
    // A copy.
    let code = bridge_account(MIN_PAYOUT).code;
    let copy = rig.deploy(leave_behind(&code));
    let error = rig.refused(send(1, copy, least, burn_all()));
    assert!(matches!(&error, BridgeErrors::NotTheBridge(error) if error.here == copy), "{error:?}");
    // Run as a contract's own by a delegate call: its value is the call's.
    let script = Script::default().try_delegate(BRIDGE, &burn_all());
    let made = rig.next_contract(1);
    let mined = rig.block(vec![create(1, least, script.construct())]);
    assert_eq!((mined.succeeded(), mined.is_quiet()), (vec![true], true));
    assert!(mined.receipts[0].logs.is_empty());
    assert_eq!(rig.balance(made), least);
    // Run as a key's own by a delegation (EIP-7702): refused by the same name.
    let nonce = rig.nonce(1);
    let mined = rig.mine(vec![delegate(1, nonce, 2, BRIDGE)], Vec::new());
    assert!(mined.is_quiet());
    let key = signer(2).address();
    let error = rig.refused(send(1, key, least, burn_all()));
    assert!(matches!(&error, BridgeErrors::NotTheBridge(error) if error.here == key), "{error:?}");
}

#[test]
fn coins_forced_upon_the_bridge_are_no_burn_and_harm_nothing() {
    let mut rig = Rig::new();
    let forced = U256::from(12_345);
    let mined = rig.block(vec![create(0, forced, Script::default().destroy(BRIDGE).construct())]);
    assert_eq!((mined.succeeded(), mined.is_quiet()), (vec![true], true));
    assert_eq!(rig.balance(BRIDGE), forced);
    // By a withdrawal, which is how consensus mints.
    let mined = rig.mine(Vec::new(), vec![withdrawal(0, BRIDGE, 3)]);
    assert!(mined.is_quiet());
    let forced = forced + U256::from(3_000_000_000u64);
    assert_eq!(rig.balance(BRIDGE), forced);
    let mined = rig.block(vec![to_bridge(0, sats(MIN_PAYOUT), burn_all())]);
    assert_eq!((mined.burns[0].id, mined.burns[0].value), (0, sats(MIN_PAYOUT)));
    assert_eq!(rig.balance(BRIDGE), forced + sats(MIN_PAYOUT));
}

#[test]
fn a_request_that_runs_out_of_gas_keeps_its_coins() {
    let mut rig = Rig::new();
    let whole = to_bridge(0, sats(MIN_PAYOUT), burn_all());
    let used = rig.block(vec![whole.clone()]).gas[0];
    let before = rig.balance(BRIDGE);
    // Through all of its steps: the checks, the writes, the two logs.
    let sends: Vec<_> =
        (24_000..used - 17_100).step_by(997).map(|gas| Send { gas, ..whole.clone() }).collect();
    let count = sends.len();
    let mined = rig.block(sends);
    assert!(count > 30 && mined.succeeded().iter().all(|success| !success), "{:?}", mined.succeeded());
    assert!(mined.is_quiet());
    assert_eq!(rig.balance(BRIDGE), before);
}

#[test]
fn a_block_built_elsewhere_with_burns_gives_the_same_facts() {
    let (ours, mut theirs) = (Rig::new(), Rig::new());
    let signed = to_bridge(0, sats(MIN_PAYOUT), burn_all()).sign();
    let built = build(&ours.engine, ours.engine.head().hash, vec![signed]);
    let hash = built.block().hash;
    import(&mut theirs.engine, &built);
    let imported = theirs.engine.reads().block(BlockId::Hash(hash)).unwrap().unwrap();
    assert_eq!(burns(&imported.receipts), burns(&built.block().receipts));
    assert_eq!(burns(&imported.receipts).len(), 1);
}
