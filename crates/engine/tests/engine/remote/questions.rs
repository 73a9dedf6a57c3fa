//! Wallets' questions on the wire.

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rpc_types_eth::{
    BlockOverrides,
    state::{AccountOverride, EvmOverrides, StateOverride},
};
use alys_bus::AskError;
use alys_engine::messages::{EngineMessage, PoolStatus, QueryError, TransactionRefusal};
use alys_testkit::{PATIENCE, wallet::Unsigned};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::remote::fake::CHAIN_ID;
use crate::remote::rig::Rig;
use crate::remote::server::Reaction;

const SEND: &str = "eth_sendRawTransaction";

fn raw(chain_id: u64) -> Bytes {
    Unsigned::transfer(chain_id, 0, Address::repeat_byte(1), 1).sign()
}

async fn submit(rig: &Rig, raw: Bytes) -> Result<B256, TransactionRefusal> {
    let outcome = rig.ask(|reply| EngineMessage::SubmitTransaction { raw, reply }).await;
    outcome.map_err(|error| error.into_actor().unwrap())
}

#[tokio::test]
async fn a_transaction_is_sent_on_and_its_hash_is_computed_here() {
    let rig = Rig::start().await;
    let transaction = raw(CHAIN_ID);
    rig.fake.server.set(SEND, Reaction::Result(json!(keccak256(&transaction))));
    assert_eq!(submit(&rig, transaction.clone()).await, Ok(keccak256(&transaction)));
    rig.fake.server.set(SEND, Reaction::Result(json!(B256::ZERO)));
    let refused = submit(&rig, transaction).await.unwrap_err();
    assert!(matches!(refused, TransactionRefusal::Unavailable(_)), "{refused}");
}

#[tokio::test]
async fn what_no_node_of_this_chain_takes_is_refused_without_asking() {
    let rig = Rig::start().await;
    let refused = submit(&rig, raw(1)).await.unwrap_err();
    assert_eq!(refused, TransactionRefusal::WrongChain { have: Some(1), want: CHAIN_ID });
    let refused = submit(&rig, Bytes::from_static(b"\x02no")).await.unwrap_err();
    assert!(matches!(refused, TransactionRefusal::Malformed(_)), "{refused}");
    assert_eq!(rig.fake.server.count(SEND), 0);
}

#[tokio::test]
async fn a_clients_refusal_of_a_transaction_keeps_its_meaning_and_an_outage_says_nothing_about_it() {
    let rig = Rig::start().await;
    for (text, expected) in [
        ("already known", TransactionRefusal::AlreadyKnown),
        ("nonce too low: next nonce 5, tx nonce 0", TransactionRefusal::NonceTooLow { next: 5, nonce: 0 }),
        ("a new rule", TransactionRefusal::Invalid("a new rule".into())),
    ] {
        rig.fake.server.set(SEND, Reaction::Error(-32000, text));
        assert_eq!(submit(&rig, raw(CHAIN_ID)).await, Err(expected));
    }
    rig.fake.server.set(SEND, Reaction::HangUp);
    let refused = submit(&rig, raw(CHAIN_ID)).await.unwrap_err();
    assert!(matches!(refused, TransactionRefusal::Unavailable(_)), "{refused}");
}

async fn call(rig: &Rig) -> Result<Bytes, QueryError> {
    let (request, at) = (Box::default(), BlockId::latest());
    rig.ask(|reply| EngineMessage::Call { request, at, reply })
        .await
        .map_err(|error| error.into_actor().unwrap())
}

#[tokio::test]
async fn a_revert_brings_its_data_and_any_other_refusal_comes_as_it_is() {
    let rig = Rig::start().await;
    let method = "eth_call";
    rig.fake.server.set(method, Reaction::Result(json!("0x0102")));
    assert_eq!(call(&rig).await, Ok(Bytes::from_static(&[1, 2])));
    rig.fake.server.set(method, Reaction::ErrorData(3, "execution reverted: no", json!("0x08c379a0")));
    let reason = Some("no".to_owned());
    let output = Bytes::from_static(&[8, 0xc3, 0x79, 0xa0]);
    assert_eq!(call(&rig).await, Err(QueryError::Reverted { output, reason }));
    rig.fake.server.set(method, Reaction::Error(-32000, "header not found"));
    assert_eq!(call(&rig).await, Err(QueryError::BlockNotFound("latest".into())));
    rig.fake.server.set(method, Reaction::ErrorData(-32000, "out of gas", json!({ "used": 7 })));
    let data = Some("{\"used\":7}".to_owned());
    assert_eq!(
        call(&rig).await,
        Err(QueryError::Client { code: -32000, message: "out of gas".into(), data })
    );
    rig.fake.server.set(method, Reaction::Result(json!({ "what": "is this" })));
    assert!(matches!(call(&rig).await, Err(QueryError::Unavailable(_))));
}

#[tokio::test]
async fn overrides_go_along_as_the_client_takes_them() {
    let rig = Rig::start().await;
    rig.fake.server.set("eth_call", Reaction::Result(json!("0x01")));
    let account = AccountOverride { balance: Some(U256::from(5)), ..AccountOverride::default() };
    let state = StateOverride::from_iter([(Address::repeat_byte(7), account)]);
    let block = Some(Box::new(BlockOverrides { time: Some(9), ..BlockOverrides::default() }));
    for (block, params) in [(None, 3), (block, 4)] {
        let (request, at) = (Box::default(), BlockId::latest());
        let overrides = Box::new(EvmOverrides { state: Some(state.clone()), block });
        let ask = |reply| EngineMessage::CallOverridden { request, at, overrides, reply };
        assert_eq!(rig.ask(ask).await.unwrap(), Bytes::from_static(&[1]));
        let (_, asked) = rig.fake.server.log().into_iter().rfind(|(method, _)| method == "eth_call").unwrap();
        assert_eq!(asked.as_array().unwrap().len(), params);
        assert_eq!(asked[2][Address::repeat_byte(7).to_string().to_lowercase()]["balance"], "0x5");
    }
}

#[tokio::test]
async fn an_access_list_is_the_clients_with_the_state_that_is_changed_for_it() {
    let rig = Rig::start().await;
    let method = "eth_createAccessList";
    let list = json!({ "accessList": [{ "address": Address::repeat_byte(7), "storageKeys": [] }], "gasUsed": "0x9" });
    rig.fake.server.set(method, Reaction::Result(list));
    let account = AccountOverride { balance: Some(U256::from(5)), ..AccountOverride::default() };
    let changed = StateOverride::from_iter([(Address::repeat_byte(7), account)]);
    for (state, params) in [(None, 2), (Some(changed), 3)] {
        let (request, at) = (Box::default(), BlockId::latest());
        let overrides = Box::new(EvmOverrides { state, block: None });
        let ask = |reply| EngineMessage::AccessList { request, at, overrides, reply };
        let found = rig.ask(ask).await.unwrap();
        assert_eq!((found.gas_used, found.access_list.0.len(), found.error), (U256::from(9), 1, None));
        let (_, asked) = rig.fake.server.log().into_iter().rfind(|(called, _)| called == method).unwrap();
        assert_eq!(asked.as_array().unwrap().len(), params);
    }
}

#[tokio::test]
async fn an_account_is_asked_for_in_one_request_and_nobody_is_all_zero() {
    // No look of the probe comes between.
    let rig = Rig::configured(|config| config.probe_online = PATIENCE).await;
    for (method, answer) in
        [("eth_getBalance", "0x0"), ("eth_getTransactionCount", "0x0"), ("eth_getCode", "0x")]
    {
        rig.fake.server.set(method, Reaction::Result(json!(answer)));
    }
    let (address, at) = (Address::repeat_byte(7), BlockId::latest());
    let nobody = rig.ask(|reply| EngineMessage::Account { address, at, reply }).await.unwrap();
    assert_eq!(nobody, Default::default());
    rig.fake.server.set("eth_getBalance", Reaction::Result(json!("0x5")));
    rig.fake.server.set("eth_getTransactionCount", Reaction::Result(json!("0x2")));
    let requests = rig.fake.server.tokens().len();
    let somebody = rig.ask(|reply| EngineMessage::Account { address, at, reply }).await.unwrap();
    assert_eq!((somebody.balance, somebody.nonce, somebody.code_hash), (U256::from(5), 2, keccak256([])));
    assert_eq!(rig.fake.server.tokens().len(), requests + 1);
    rig.fake.server.set("eth_getCode", Reaction::Error(-32000, "header not found"));
    let outcome = rig.ask(|reply| EngineMessage::Account { address, at, reply }).await;
    assert!(matches!(outcome, Err(AskError::Actor(QueryError::BlockNotFound(_)))), "{outcome:?}");
}

#[tokio::test]
async fn absence_is_none_however_a_client_says_it() {
    let rig = Rig::start().await;
    let hash = B256::repeat_byte(5);
    rig.fake.server.set("eth_getTransactionReceipt", Reaction::Result(Value::Null));
    assert_eq!(rig.ask(|reply| EngineMessage::Receipt { hash, reply }).await.unwrap(), None);
    for reaction in [Reaction::Result(Value::Null), Reaction::Error(-32001, "Unknown block")] {
        rig.fake.server.set("eth_getBlockReceipts", reaction);
        let at = BlockId::hash(hash);
        assert_eq!(rig.ask(|reply| EngineMessage::BlockReceipts { at, reply }).await.unwrap(), None);
    }
}

/// Seen with Geth 1.17.8, whose index of transactions is never done at genesis.
#[tokio::test]
async fn a_client_that_still_indexes_is_asked_again_and_has_nothing_at_genesis() {
    let rig = Rig::start().await;
    let (method, hash) = ("eth_getTransactionReceipt", B256::repeat_byte(5));
    rig.fake.server.set(method, Reaction::Error(-32000, "transaction indexing is in progress"));
    assert_eq!(rig.ask(|reply| EngineMessage::Receipt { hash, reply }).await.unwrap(), None);
    let block = crate::remote::rig::empty(crate::remote::fake::GENESIS, 1);
    rig.judge(&block).await;
    rig.follow(block.header.payload_hash).await.unwrap();
    let asked = rig.fake.server.count(method);
    let question = rig.ask(|reply| EngineMessage::Receipt { hash, reply });
    let done = async {
        while rig.fake.server.count(method) < asked + 2 {
            tokio::task::yield_now().await;
        }
        rig.fake.server.set(method, Reaction::Result(Value::Null));
    };
    assert_eq!(tokio::join!(question, done).0.unwrap(), None);
}

#[tokio::test]
async fn the_pool_is_counted_where_the_client_counts_it() {
    let rig = Rig::start().await;
    rig.fake.server.set("txpool_status", Reaction::Result(json!({ "pending": "0x10", "queued": "0x1" })));
    let status = rig.ask(|reply| EngineMessage::PoolStatus { reply }).await.unwrap();
    assert_eq!(status, PoolStatus { pending: 16, queued: 1 });
}

pub(super) async fn forward(rig: &Rig, method: &str) -> Result<Box<RawValue>, QueryError> {
    forward_with(rig, method, "[\"0x1\"]").await
}

async fn forward_with(rig: &Rig, method: &str, params: &str) -> Result<Box<RawValue>, QueryError> {
    let (method, params) = (method.to_owned(), Some(RawValue::from_string(params.to_owned()).unwrap()));
    let outcome = rig.ask(|reply| EngineMessage::Forward { method, params, reply }).await;
    outcome.map_err(|error| error.into_actor().unwrap())
}

#[tokio::test]
async fn a_forwarded_question_comes_back_to_the_letter_and_commands_are_not_forwarded() {
    let rig = Rig::start().await;
    rig.fake.server.set("eth_getProof", Reaction::Result(json!({ "nonce": "0x1" })));
    assert_eq!(forward(&rig, "eth_getProof").await.unwrap().get(), "{\"nonce\":\"0x1\"}");
    rig.fake.server.set("eth_getProof", Reaction::ErrorData(-32602, "invalid argument 0", json!([1])));
    let client =
        QueryError::Client { code: -32602, message: "invalid argument 0".into(), data: Some("[1]".into()) };
    assert_eq!(forward(&rig, "eth_getProof").await.unwrap_err(), client);
    for command in ["engine_forkchoiceUpdatedV3", "admin_addPeer", "miner_setGasLimit", "personal_sign"] {
        assert!(matches!(forward(&rig, command).await, Err(QueryError::InvalidQuery(_))), "{command}");
        assert_eq!(rig.fake.server.count(command), 0);
    }
}

#[tokio::test]
async fn a_blob_transaction_is_refused_as_every_node_of_this_chain_does_and_the_client_is_not_asked() {
    let rig = Rig::start().await;
    for method in [SEND, "eth_sendRawTransactionSync"] {
        rig.fake.server.set(method, Reaction::Result(json!("0x1")));
        for blob in [r#"["0x03f8"]"#, r#" [ "0X03" , 5 ]"#, r#"["\u0030x03c0"]"#, r#"["03c0"]"#] {
            let refused = forward_with(&rig, method, blob).await.unwrap_err();
            assert_eq!(refused, QueryError::Refused(TransactionRefusal::TypeNotSupported), "{method}{blob}");
        }
        assert_eq!(rig.fake.server.count(method), 0, "{method}");
        // What is no such transaction, or cannot be read, is for the client to judge.
        for other in
            [r#"["0x02f8"]"#, r#"["0x"]"#, "[]", r#"[3]"#, r#"{"transaction":"0x03f8"}"#, r#"["0x30"]"#]
        {
            forward_with(&rig, method, other).await.unwrap();
        }
        assert_eq!(rig.fake.server.count(method), 6, "{method}");
    }
    // As a parameter of anything else it is none.
    rig.fake.server.set("eth_getStorageAt", Reaction::Result(json!("0x1")));
    forward_with(&rig, "eth_getStorageAt", r#"["0x03f8"]"#).await.unwrap();
}

#[tokio::test]
async fn a_slow_question_of_a_wallet_takes_no_vote_away() {
    let rig = Rig::start().await;
    rig.fake.server.set("eth_getLogs", Reaction::Silence);
    let filter = Box::default();
    let slow = rig.ask(|reply| EngineMessage::Logs { filter, reply });
    let vote = async {
        let block = crate::remote::rig::empty(crate::remote::fake::GENESIS, 1);
        rig.judge(&block).await
    };
    tokio::select! {
        outcome = slow => panic!("it is silent: {outcome:?}"),
        verdict = vote => assert!(matches!(verdict, alys_engine::messages::PayloadVerdict::Valid(_))),
    }
    assert_eq!(rig.health.get(), alys_bus::protocol::engine::EngineHealth::Synced);
}
