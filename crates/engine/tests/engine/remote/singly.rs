//! A client that reads single requests only.

use alloy_eips::BlockId;
use alloy_primitives::{Address, U256};
use alys_bus::protocol::engine::EngineHealth;
use alys_engine::messages::{EngineMessage, PayloadVerdict};
use alys_engine_api::JwtKey;
use serde_json::json;

use crate::remote::fake::{Fake, GENESIS};
use crate::remote::rig::{Rig, config, with_transfer};
use crate::remote::server::{Reaction, key};

/// An account, which is asked for in three calls.
async fn balance(rig: &Rig) -> U256 {
    let (address, at) = (Address::repeat_byte(7), BlockId::latest());
    rig.ask(|reply| EngineMessage::Account { address, at, reply }).await.unwrap().balance
}

#[tokio::test]
async fn a_client_that_answers_arrays_with_an_error_is_known_judges_and_answers() {
    let fake = Fake::start().await;
    let server = &fake.server;
    server.set_arrays(Some(Reaction::Error(-32600, "an object, please")));
    for (method, answer) in
        [("eth_getBalance", "0x5"), ("eth_getTransactionCount", "0x0"), ("eth_getCode", "0x")]
    {
        server.set(method, Reaction::Result(json!(answer)));
    }
    let configured = config(server.url());
    let rig = Rig::with(fake, configured, None).await.unwrap();
    rig.becomes(EngineHealth::Synced).await;
    let (block, receipts) = with_transfer(GENESIS, 1, Vec::new());
    rig.fake.chain.lock().receipts.insert(block.header.payload_hash, receipts);
    assert!(matches!(rig.judge(&block).await, PayloadVerdict::Valid(_)));
    assert_eq!(rig.follow(block.header.payload_hash).await.unwrap().number, 1);
    assert_eq!(rig.fake.server.arrays(), 0, "nothing of consensus needs one");

    for _ in 0..3 {
        assert_eq!(balance(&rig).await, U256::from(5));
    }
    assert_eq!(rig.fake.server.arrays(), 1, "it has been tried once");

    // Another program comes to its port, or the same in another version.
    rig.fake.server.set_key(Some(JwtKey::new([9; 32])));
    rig.becomes(EngineHealth::AuthFailed).await;
    rig.fake.server.set_arrays(None);
    rig.fake.server.set_key(Some(key()));
    rig.becomes(EngineHealth::Synced).await;
    assert_eq!(balance(&rig).await, U256::from(5));
    assert_eq!(rig.fake.server.arrays(), 2, "and is tried again");
}
