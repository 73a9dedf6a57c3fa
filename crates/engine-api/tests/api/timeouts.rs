//! How long each asker waits, on the wire.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use alys_engine_api::timeouts::{BLOCK_WITH_TRANSACTIONS, LOOK_UP, RECEIPTS};
use alys_engine_api::{ApiError, EngineApi, Timeouts, Transport, TransportConfig};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::server::{Reaction, Server, key, now};

/// Longer than any method's own timeout.
const LONG: Duration = Duration::from_secs(3600);

fn api(server: &Server, multiplier: f64) -> EngineApi {
    let port = Transport::new(TransportConfig::engine(server.url(), key(), now())).unwrap();
    EngineApi::new(port).with_timeouts(Timeouts::times(multiplier))
}

/// Which timeout ended it.
fn after<T: std::fmt::Debug>(outcome: Result<T, ApiError>) -> Duration {
    match outcome.unwrap_err() {
        ApiError::Timeout { after, .. } => after,
        other => panic!("it is silent: {other}"),
    }
}

/// The head is asked for after both blocks, so what they are answered when its time is over comes later than that.
#[tokio::test]
async fn a_wallet_waits_for_a_whole_block_when_the_look_up_of_a_header_has_already_ended() {
    let permits = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&permits);
    let server = Server::start(move |_, params| match &params[0] {
        latest if latest == "latest" => Reaction::Silence,
        number => Reaction::Held(Arc::clone(&held), json!({ "number": number })),
    })
    .await;
    let api = api(&server, 1.0);
    let params = RawValue::from_string(r#"["0x1",true]"#.into()).unwrap();
    let forwarded = api.call("eth_getBlockByNumber", Some(&params), LONG);
    let typed = api.eth::<Value>("eth_getBlockByHash", &("0x2", true), LONG);
    let header = async {
        while server.log().len() < 2 {
            tokio::task::yield_now().await;
        }
        let ended = after(api.head().await);
        permits.add_permits(2);
        ended
    };
    let (forwarded, typed, ended) = tokio::join!(forwarded, typed, header);
    assert_eq!(ended, LOOK_UP);
    assert_eq!(forwarded.unwrap().get(), r#"{"number":"0x1"}"#);
    assert_eq!(typed.unwrap(), json!({ "number": "0x2" }));
}

#[tokio::test]
async fn silence_ends_at_the_constant_that_the_documentation_names() {
    let server = Server::start(|_, _| Reaction::Silence).await;
    let api = api(&server, 0.01);
    let hash = B256::repeat_byte(1);
    let block = ["eth_getBlockByNumber", "eth_getBlockByHash"];
    for method in block {
        assert_eq!(after(api.call(method, None, LONG).await), BLOCK_WITH_TRANSACTIONS / 100, "{method}");
    }
    assert_eq!(after(api.block(hash.into()).await), LOOK_UP / 100);
    assert_eq!(after(api.logs_of(&[hash]).await), RECEIPTS / 100);
    assert_eq!(after(api.call("eth_blockNumber", None, LONG).await), LOOK_UP / 100);
    let short = Duration::from_millis(3);
    assert_eq!(after(api.call(block[0], None, short).await), short, "the asker's own end comes first");
}
