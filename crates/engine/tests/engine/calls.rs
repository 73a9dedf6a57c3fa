//! Calls and estimates.

use std::cell::Cell;

use alloy_primitives::{Bytes, TxKind, U256};
use alloy_rpc_types_eth::state::AccountOverride;
use alys_database::MemoryDisk;
use alys_engine::{BlockId, CallError, CallRequest, EngineLimits, Overrides, StateError};

use crate::common::{
    Engine, FEE_SINK, LOADER, REVERTER, STORE, Send, build, deploy_store, engine, finalize, genesis_with,
    import, open_on, set_head, signer,
};

fn load(engine: &Engine, id: BlockId, contract: alloy_primitives::Address) -> Result<U256, CallError> {
    let input = Bytes::copy_from_slice(&U256::from(1).to_be_bytes::<32>());
    let request = CallRequest { to: TxKind::Call(contract), input, ..CallRequest::default() };
    Ok(U256::from_be_slice(&engine.reads().call(id, &request)?.output))
}

#[test]
fn a_call_reads_the_state_of_the_block_it_names() {
    let genesis = genesis_with(3, true);
    let mut engine = engine(&genesis);
    // The loader's own slot 1 is changed through a delegation of its storage: no contract here can,
    // so a deployed store is used instead, read directly.
    assert_eq!(load(&engine, BlockId::Head, LOADER).unwrap(), U256::from(5));
    let balance = |id| engine.reads().state(id).unwrap().storage(STORE, U256::from(1)).unwrap();
    assert_eq!(balance(BlockId::Head), U256::from(5));
    let built = build(&engine, engine.head().hash, vec![Send::store(0, 0, STORE, 1, 8).sign()]);
    import(&mut engine, &built);
    finalize(&mut engine, built.block().hash);
    let reads = engine.reads();
    let at = |id| reads.state(id).unwrap().storage(STORE, U256::from(1)).unwrap();
    assert_eq!((at(BlockId::Number(0)), at(BlockId::Head)), (U256::from(5), U256::from(8)));
    let missing = load(&engine, BlockId::Number(9), LOADER).unwrap_err();
    assert!(matches!(missing, CallError::State(StateError::NoSuchHeight { height: 9, head: 1 })));
}

#[test]
fn a_revert_comes_back_with_its_data() {
    let engine = engine(&genesis_with(1, true));
    let input = Bytes::from(vec![0x08, 0xc3, 0x79, 0xa0, 1, 2, 3]);
    let request = CallRequest { to: TxKind::Call(REVERTER), input: input.clone(), ..Default::default() };
    for error in [
        engine.reads().call(BlockId::Head, &request).map(drop).unwrap_err(),
        engine.reads().estimate_gas(BlockId::Head, &request).map(drop).unwrap_err(),
    ] {
        assert!(matches!(&error, CallError::Reverted { data, .. } if *data == input), "{error}");
        assert_eq!(error.to_string(), "execution reverted");
    }
}

#[test]
fn calls_need_no_fee_no_nonce_and_no_key_but_they_need_the_value() {
    let engine = engine(&genesis_with(1, true));
    let free = CallRequest { to: TxKind::Call(FEE_SINK), ..CallRequest::default() };
    assert!(engine.reads().call(BlockId::Head, &free).is_ok());
    let from_contract = CallRequest { from: STORE, ..free.clone() };
    assert!(engine.reads().call(BlockId::Head, &from_contract).is_ok());
    let poor = CallRequest { value: U256::from(1), ..free.clone() };
    assert!(matches!(engine.reads().call(BlockId::Head, &poor), Err(CallError::Refused(_))));
    let both = CallRequest { gas_price: Some(1), max_fee_per_gas: Some(1), ..free };
    assert!(matches!(engine.reads().call(BlockId::Head, &both), Err(CallError::TwoKindsOfFee)));
}

#[test]
fn calls_are_bounded_by_the_gas_cap() {
    let genesis = genesis_with(1, true);
    let limits = EngineLimits { call_gas: 100_000, ..EngineLimits::default() };
    let engine = open_on(&MemoryDisk::new(), &genesis, &limits);
    // JUMPDEST PUSH1 0 JUMP, as init code: runs for ever.
    let input = Bytes::from(vec![0x5b, 0x60, 0x00, 0x56]);
    let request = CallRequest { to: TxKind::Create, input, gas: Some(u64::MAX), ..Default::default() };
    let error = engine.reads().call(BlockId::Head, &request).unwrap_err();
    assert!(matches!(&error, CallError::Halted { gas_used: 100_000, .. }), "{error:?}");
    assert_eq!(error.to_string(), "execution failed: out of gas");
    let error = engine.reads().estimate_gas(BlockId::Head, &request).unwrap_err();
    assert!(matches!(error, CallError::GasAllowance(100_000)), "{error:?}");
}

#[test]
fn an_estimate_suffices_and_is_close() {
    let genesis = genesis_with(2, true);
    let mut engine = engine(&genesis);
    let sends = [
        Send::transfer(0, 0, FEE_SINK, 5),
        Send::store(0, 1, STORE, 9, 9),
        Send::store(0, 2, STORE, 9, 0),
        Send::create(0, 3, deploy_store()),
        Send { input: vec![1; 3_000].into(), ..Send::transfer(0, 4, FEE_SINK, 5) },
    ];
    for send in sends {
        let request = CallRequest {
            from: signer(send.from).address(),
            to: send.to,
            value: send.value,
            input: send.input.clone(),
            max_fee_per_gas: Some(send.max_fee),
            max_priority_fee_per_gas: Some(send.tip),
            ..CallRequest::default()
        };
        let gas = engine.reads().estimate_gas(BlockId::Head, &request).unwrap();
        let built = build(&engine, engine.head().hash, vec![Send { gas, ..send.clone() }.sign()]);
        assert_eq!(built.block().receipts.len(), 1, "{send:?}");
        assert!(built.block().receipts[0].success, "{send:?} with {gas}");
        let used = built.facts().gas_used;
        assert!(gas <= used + used / 4 + 2_300, "{send:?}: estimated {gas}, used {used}");
        if send.input.is_empty() {
            assert_eq!(gas, 21_000);
        }
        import(&mut engine, &built);
        set_head(&mut engine, built.block().hash);
    }
}

#[test]
fn an_estimate_that_the_sender_cannot_pay_for_says_so() {
    let engine = engine(&genesis_with(1, true));
    let request = CallRequest {
        from: signer(50).address(),
        to: TxKind::Call(STORE),
        input: vec![0; 64].into(),
        max_fee_per_gas: Some(10_000_000_000),
        ..CallRequest::default()
    };
    let error = engine.reads().estimate_gas(BlockId::Head, &request).unwrap_err();
    assert!(matches!(error, CallError::GasAllowance(0)), "{error:?}");
    let request = CallRequest { value: U256::from(1), ..request };
    let error = engine.reads().estimate_gas(BlockId::Head, &request).unwrap_err();
    assert!(
        matches!(&error, CallError::Refused(reason) if reason.contains("insufficient funds")),
        "{error:?}"
    );
}

#[test]
fn a_call_is_ended_where_its_asker_says_so_and_not_before() {
    let genesis = genesis_with(1, true);
    let limits = EngineLimits { call_gas: 50_000_000, ..EngineLimits::default() };
    let engine = open_on(&MemoryDisk::new(), &genesis, &limits);
    let input = Bytes::from(vec![0x5b, 0x60, 0x00, 0x56]);
    let request = CallRequest { to: TxKind::Create, input, ..Default::default() };
    let asked = Cell::new(0u64);
    let after = |looks: u64| {
        let asked = &asked;
        move || asked.replace(asked.get() + 1) == looks
    };
    for looks in [0, 1, 2, 500] {
        asked.set(0);
        let error = engine.reads().call_until(BlockId::Head, &request, &after(looks)).unwrap_err();
        assert!(matches!(error, CallError::Stopped), "{error:?}");
        assert_eq!(asked.get(), looks + 1, "asked no more once it said so");
    }
    // It is asked seldom enough to cost nothing: some thousand times in fifty million gas.
    asked.set(0);
    let error = engine.reads().call_until(BlockId::Head, &request, &after(u64::MAX)).unwrap_err();
    assert!(matches!(error, CallError::Halted { gas_used: 50_000_000, .. }), "{error:?}");
    assert!((1_000..5_000).contains(&asked.get()), "{}", asked.get());
    // An estimate asks before each of its tries, also where each of them is short.
    asked.set(0);
    let short = CallRequest { to: TxKind::Call(STORE), input: vec![0; 64].into(), ..Default::default() };
    engine.reads().estimate_gas_until(BlockId::Head, &short, &after(u64::MAX)).unwrap();
    let tries = asked.get();
    assert!(tries > 1, "{tries}");
    for looks in 0..tries {
        asked.set(0);
        let error = engine.reads().estimate_gas_until(BlockId::Head, &short, &after(looks)).unwrap_err();
        assert!(matches!(error, CallError::Stopped), "{error:?}");
    }
}

#[test]
fn an_execution_that_only_calls_itself_is_ended_too() {
    // Calls its own address twice and never jumps: 2^1024 frames, if gas lasted.
    let engine = open_on(
        &MemoryDisk::new(),
        &genesis_with(1, true),
        &EngineLimits { call_gas: u64::MAX, ..EngineLimits::default() },
    );
    let once = [0x5f, 0x5f, 0x5f, 0x5f, 0x30, 0x5a, 0xfa, 0x50];
    let code = Bytes::from([once, once].concat());
    let account = AccountOverride { code: Some(code), ..AccountOverride::default() };
    let overrides = Overrides { state: [(FEE_SINK, account)].into_iter().collect(), block: None };
    let request = CallRequest { to: TxKind::Call(FEE_SINK), overrides, ..Default::default() };
    let asked = Cell::new(0);
    let stop = || asked.replace(asked.get() + 1) == 10_000;
    let error = engine.reads().call_until(BlockId::Head, &request, &stop).unwrap_err();
    assert!(matches!(error, CallError::Stopped), "{error:?}");
}
