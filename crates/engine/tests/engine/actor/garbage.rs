//! Calls as nobody would make them: every field that JSON-RPC has, there or not, with values from everywhere.
//!
//! Whatever is asked is answered, or refused by the engine. A panic would end the thread that answers, and its asker
//! would be told so by the bus. This profile keeps the debug assertions, of the EVM too.

use alloy_eips::BlockId;
use alloy_primitives::{Address, U256, hex};
use alloy_rpc_types_eth as eth;
use alloy_rpc_types_eth::state::EvmOverrides;
use alys_bus::AskError;
use alys_engine::messages::{EngineMessage, QueryError, TransactionRefusal};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use super::rig::Rig;
use crate::common::{CHAIN_ID, LOADER, REVERTER, STORE, signer};

const CASES: u32 = 1_500;

/// A field, or none.
fn maybe(
    name: &'static str,
    value: impl Strategy<Value = Value> + 'static,
) -> BoxedStrategy<(&'static str, Option<Value>)> {
    prop::option::of(value).prop_map(move |value| (name, value)).boxed()
}

fn quantity() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(U256::ZERO),
        Just(U256::ONE),
        Just(U256::from(21_000)),
        Just(U256::from(u64::MAX)),
        Just(U256::from(u128::MAX)),
        Just(U256::MAX),
        any::<u64>().prop_map(U256::from),
        any::<[u8; 32]>().prop_map(U256::from_be_bytes),
    ]
    .prop_map(|number| json!(number))
}

fn small(most: u64) -> impl Strategy<Value = Value> {
    prop_oneof![Just(0), Just(1), Just(21_000), Just(most), 0..=most]
        .prop_map(|number| json!(format!("{number:#x}")))
}

fn price() -> impl Strategy<Value = Value> {
    prop_oneof![Just(0), Just(1), Just(1_000_000_000), Just(u128::MAX), any::<u128>()]
        .prop_map(|number| json!(format!("{number:#x}")))
}

fn address() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Address::ZERO),
        Just(signer(0).address()),
        Just(STORE),
        Just(REVERTER),
        Just(LOADER),
        (1..=0x12_u8).prop_map(Address::with_last_byte),
        any::<[u8; 20]>().prop_map(Address::from),
    ]
    .prop_map(|address| json!(address))
}

fn word() -> impl Strategy<Value = Value> {
    any::<[u8; 32]>().prop_map(|bytes| json!(hex::encode_prefixed(bytes)))
}

fn bytes() -> impl Strategy<Value = Value> {
    prop_oneof![
        vec(any::<u8>(), 0..200),
        // What a delegation looks like, and what deployments begin with.
        vec(any::<u8>(), 0..40).prop_map(|rest| [&hex!("ef0100")[..], &rest].concat()),
        // Lengths for MODEXP.
        vec(prop_oneof![Just(0), Just(1), Just(0xff)], 96..160),
    ]
    .prop_map(|bytes| json!(hex::encode_prefixed(bytes)))
}

fn access_list() -> impl Strategy<Value = Value> {
    vec((address(), vec(word(), 0..3)), 0..3).prop_map(|list| {
        let list = list.into_iter().map(|(address, keys)| json!({"address": address, "storageKeys": keys}));
        Value::Array(list.collect())
    })
}

fn authorizations() -> impl Strategy<Value = Value> {
    let one = (quantity(), address(), small(u64::MAX), 0..4_u8, quantity(), quantity());
    vec(one, 0..3).prop_map(|list| {
        let list = list.into_iter().map(|(chain, address, nonce, parity, r, s)| {
            json!({
                "chainId": chain, "address": address, "nonce": nonce,
                "yParity": format!("{parity:#x}"), "r": r, "s": s,
            })
        });
        Value::Array(list.collect())
    })
}

fn object(fields: Vec<BoxedStrategy<(&'static str, Option<Value>)>>) -> impl Strategy<Value = Value> {
    fields.prop_map(|fields| {
        let there = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(there.collect::<Map<_, _>>())
    })
}

fn call() -> impl Strategy<Value = Value> {
    let chain = prop_oneof![4 => Just(json!(format!("{CHAIN_ID:#x}"))), 1 => small(u64::MAX)];
    object(vec![
        maybe("from", address()),
        maybe("to", address()),
        maybe("gas", small(u64::MAX)),
        maybe("gasPrice", price()),
        maybe("maxFeePerGas", price()),
        maybe("maxPriorityFeePerGas", price()),
        maybe("value", quantity()),
        maybe("input", bytes()),
        maybe("nonce", small(u64::MAX)),
        maybe("chainId", chain),
        maybe("type", small(5)),
        maybe("accessList", access_list()),
        maybe("authorizationList", authorizations()),
    ])
}

fn overrides() -> impl Strategy<Value = Value> {
    let slots = || btree_map(word().prop_map(|word| word.as_str().unwrap().to_owned()), word(), 0..3);
    let slots = move || slots().prop_map(|slots| json!(slots));
    let account = object(vec![
        maybe("balance", quantity()),
        maybe("nonce", small(u64::MAX)),
        maybe("code", bytes()),
        maybe("state", slots()),
        maybe("stateDiff", slots()),
    ]);
    let accounts =
        btree_map(address().prop_map(|address| address.as_str().unwrap().to_owned()), account, 0..3);
    let block = object(vec![
        maybe("number", quantity()),
        maybe("time", small(u64::MAX)),
        maybe("gasLimit", small(u64::MAX)),
        maybe("feeRecipient", address()),
        maybe("prevRandao", word()),
        maybe("baseFeePerGas", quantity()),
    ]);
    object(vec![maybe("state", accounts.prop_map(|accounts| json!(accounts))), maybe("block", block)])
}

/// Which of the five questions, what, on which changed state.
fn question() -> impl Strategy<Value = (u8, Value, Value)> {
    (0..5_u8, call(), overrides())
}

/// Whether it was answered; `None` where JSON-RPC would not read it.
async fn answered(
    rig: &Rig,
    kind: u8,
    call: Value,
    overrides: &Value,
) -> Option<Result<(), AskError<QueryError>>> {
    let request: Box<eth::TransactionRequest> = Box::new(serde_json::from_value(call).ok()?);
    let part = |name: &str| overrides.get(name).cloned().unwrap_or_default();
    let overrides = Box::new(EvmOverrides {
        state: serde_json::from_value(part("state")).ok()?,
        block: serde_json::from_value(part("block")).ok()?,
    });
    let at = BlockId::latest();
    Some(match kind {
        0 => rig.ask(|reply| EngineMessage::Call { request, at, reply }).await.map(drop),
        1 => rig.ask(|reply| EngineMessage::EstimateGas { request, at, reply }).await.map(drop),
        2 => rig.ask(|reply| EngineMessage::CallOverridden { request, at, overrides, reply }).await.map(drop),
        3 => rig
            .ask(|reply| EngineMessage::EstimateOverridden { request, at, overrides, reply })
            .await
            .map(drop),
        _ => rig.ask(|reply| EngineMessage::AccessList { request, at, overrides, reply }).await.map(drop),
    })
}

#[test]
fn panic_abort_no_call_ends_the_engine_whatever_is_in_it() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let rig = runtime.block_on(Rig::start());
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) };
    let (mut read, mut succeeded) = (0_u32, 0_u32);
    let counts = (&mut read, &mut succeeded);
    let counts = std::cell::RefCell::new(counts);
    let outcome = TestRunner::new(config).run(&question(), |(kind, call, overrides)| {
        let Some(outcome) = runtime.block_on(answered(&rig, kind, call, &overrides)) else { return Ok(()) };
        let mut counts = counts.borrow_mut();
        *counts.0 += 1;
        match outcome {
            Ok(()) => *counts.1 += 1,
            Err(AskError::Actor(_)) => {}
            Err(gone) => return Err(TestCaseError::fail(format!("the engine did not answer: {gone:?}"))),
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    // Else it would have tried nothing.
    assert!(read > CASES / 2 && succeeded > CASES / 50, "{read} read, {succeeded} succeeded");
}

#[tokio::test(start_paused = true)]
async fn a_delegation_in_a_deployment_is_refused_as_geth_refuses_it() {
    let rig = Rig::start().await;
    let authorization =
        json!({"chainId": "0x1", "address": STORE, "nonce": "0x0", "yParity": "0x0", "r": "0x1", "s": "0x1"});
    let request =
        json!({"from": STORE, "gas": "0x186a0", "input": "0x", "authorizationList": [authorization]});
    let request: eth::TransactionRequest = serde_json::from_value(request).unwrap();
    let said = format!(
        "err: EIP-7702 transaction cannot be used to create contract (sender {STORE}) (supplied gas 100000)"
    );
    let refused = QueryError::Refused(TransactionRefusal::Invalid(said));
    assert_eq!(rig.call(request.clone()).await, Err(Some(refused.clone())));
    assert_eq!(rig.estimate(request).await, Err(Some(refused)));
}
