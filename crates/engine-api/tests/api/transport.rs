//! Every way in which an answer can fail to come, or be none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use alys_engine_api::{ApiError, JwtKey, RpcErrorKind, Transport, TransportConfig};
use serde_json::{Value, json};

use crate::server::{NOW, Reaction, Server, key, now};

const WITHIN: Duration = Duration::from_secs(60);

const LONG: &str = include_str!("transport.rs");

fn to(server: &Server) -> Transport {
    Transport::new(TransportConfig::engine(server.url(), key(), now())).unwrap()
}

async fn reaction(reaction: Reaction) -> ApiError {
    let server = Server::start(move |_, _| reaction.clone()).await;
    to(&server).call::<u64>("test", &[1], WITHIN).await.unwrap_err()
}

#[tokio::test]
async fn a_result_comes_back_and_the_request_says_what_was_asked() {
    let server = Server::start(|_, params| Reaction::Result(params.clone())).await;
    let echoed: Vec<u64> = to(&server).call("echo", &[1, 2], WITHIN).await.unwrap();
    assert_eq!(echoed, [1, 2]);
    assert_eq!(server.log(), [("echo".to_owned(), json!([1, 2]))]);
}

#[tokio::test]
async fn each_request_has_a_token_of_its_own_second() {
    let server = Server::start(|_, _| Reaction::Result(Value::Null)).await;
    let seconds = Arc::new(AtomicU64::new(NOW));
    let clock = Arc::clone(&seconds);
    let config =
        TransportConfig::engine(server.url(), key(), Arc::new(move || clock.load(Ordering::Relaxed)));
    let transport = Transport::new(config).unwrap();
    for _ in 0..3 {
        transport.call::<Value>("test", &[(); 0], WITHIN).await.unwrap();
        seconds.fetch_add(1, Ordering::Relaxed);
    }
    let issued: Vec<_> = server.tokens().iter().map(|token| key().issued_at(token).unwrap()).collect();
    assert_eq!(issued, [NOW, NOW + 1, NOW + 2]);
}

#[tokio::test]
async fn a_wrong_secret_a_stale_clock_and_no_token_are_told_as_auth() {
    let server = Server::start(|_, _| Reaction::Result(Value::Null)).await;
    let wrong = TransportConfig::engine(server.url(), JwtKey::new([9; 32]), now());
    let stale = TransportConfig::engine(server.url(), key(), Arc::new(|| NOW - 61));
    let none = TransportConfig::public(server.url());
    for config in [wrong, stale, none] {
        let error = Transport::new(config).unwrap().call::<Value>("test", &[1], WITHIN).await.unwrap_err();
        assert!(matches!(error, ApiError::Auth { status: 401, .. }), "{error}");
        assert!(error.to_string().contains("JWT secret"), "{error}");
    }
    assert!(matches!(reaction(Reaction::Status(403, "no")).await, ApiError::Auth { status: 403, .. }));
}

/// The clock of this side shows `shown` until it is read anew, and then `right`.
async fn by_a_clock(shown: u64, right: u64) -> (Server, Result<Value, ApiError>) {
    let server = Server::start(|_, _| Reaction::Result(json!(1))).await;
    let config = TransportConfig {
        anew: Some(Arc::new(move || right)),
        ..TransportConfig::engine(server.url(), key(), Arc::new(move || shown))
    };
    let outcome = Transport::new(config).unwrap().call("test", &[1], WITHIN).await;
    (server, outcome)
}

#[tokio::test]
async fn a_token_refused_for_a_clock_that_was_stepped_is_made_once_more_by_the_right_time() {
    for shown in [NOW - 3600, NOW + 3600] {
        let (server, outcome) = by_a_clock(shown, NOW).await;
        assert_eq!(outcome, Ok(json!(1)));
        let issued: Vec<_> = server.tokens().iter().map(|token| key().issued_at(token).unwrap()).collect();
        assert_eq!((issued, server.count("test")), (vec![shown, NOW], 1));
    }
    let (server, outcome) = by_a_clock(NOW - 3600, NOW - 7200).await;
    assert!(matches!(outcome, Err(ApiError::Auth { .. })), "{outcome:?}");
    assert_eq!(server.tokens().len(), 2, "once more, and no further");
}

#[tokio::test]
async fn a_token_refused_by_a_right_clock_is_not_tried_again() {
    for shown in [NOW - 3600, NOW - 3599] {
        let (server, outcome) = by_a_clock(shown, NOW - 3600).await;
        assert!(matches!(outcome, Err(ApiError::Auth { .. })), "{outcome:?}");
        assert_eq!(server.tokens().len(), 1);
    }
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    let server = Server::start(|_, _| Reaction::Silence).await;
    let within = Duration::from_millis(50);
    let error = to(&server).call::<Value>("test", &[1], within).await.unwrap_err();
    assert_eq!(error, ApiError::Timeout { method: "test".into(), after: within });
    assert!(error.is_outage());
}

#[tokio::test]
async fn a_port_where_nobody_listens_refuses() {
    // Taken, so that nobody else can listen there.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let url = format!("http://{}", taken.local_addr().unwrap());
    let transport = Transport::new(TransportConfig::engine(url, key(), now())).unwrap();
    let error = transport.call::<Value>("test", &[1], WITHIN).await.unwrap_err();
    assert!(matches!(error, ApiError::Refused { .. }), "{error}");
}

#[tokio::test]
async fn a_connection_that_ends_before_the_answer_is_broken() {
    for broken in [Reaction::HangUp, Reaction::Cut("{\"jsonrpc\":\"2.0\",")] {
        let error = reaction(broken).await;
        assert!(matches!(error, ApiError::Broken { .. }), "{error}");
    }
}

#[tokio::test]
async fn truncated_json_and_other_texts_are_not_json() {
    for text in ["", "{\"jsonrpc\":\"2.0\",\"id\":1,\"resu", "<html>", "[]", "{\"jsonrpc\":\"2.0\",\"id\":1}"]
    {
        let error = reaction(Reaction::Text(text.into())).await;
        assert!(matches!(error, ApiError::NotJson { .. }), "{text}: {error}");
    }
}

#[tokio::test]
async fn another_status_is_told_with_the_beginning_of_its_text() {
    let error = reaction(Reaction::Status(503, "starting up")).await;
    let expected = ApiError::Http { method: "test".into(), status: 503, body: "starting up".into() };
    assert_eq!(error, expected);
    for status in [300, 404, 500, 503] {
        let error = reaction(Reaction::ResultUnder(status, json!(7))).await;
        assert!(matches!(error, ApiError::Http { status: told, .. } if told == status), "{error}");
    }
    let refusal = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}"#;
    let error = reaction(Reaction::Status(400, refusal)).await;
    assert_eq!(error.rpc().map(|error| error.code), Some(-32600), "{error}");
}

#[tokio::test]
async fn an_answer_to_another_request_is_not_taken() {
    let error = reaction(Reaction::OtherId(json!(7))).await;
    assert!(matches!(&error, ApiError::WrongId { found, .. } if found == "987654321"), "{error}");
}

#[tokio::test]
async fn an_answer_without_end_is_cut_at_the_bound() {
    let server = Server::start(|_, _| Reaction::Endless).await;
    let config =
        TransportConfig { max_response: 100_000, ..TransportConfig::engine(server.url(), key(), now()) };
    let error = Transport::new(config).unwrap().call::<Value>("test", &[1], WITHIN).await.unwrap_err();
    assert_eq!(error, ApiError::TooLarge { method: "test".into(), limit: 100_000 });
    // The other side cannot write on: nobody reads.
    tokio::time::timeout(WITHIN, server.cut_off()).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_announces_more_than_the_bound_is_not_waited_for() {
    let server = Server::start(|_, _| Reaction::Announced(100_001)).await;
    let bounded = to(&server).bounded(100_000);
    let error = bounded.call::<Value>("test", &[1], WITHIN).await.unwrap_err();
    assert_eq!(error, ApiError::TooLarge { method: "test".into(), limit: 100_000 });
    assert_eq!(server.count("test"), 1);
}

#[tokio::test]
async fn a_refusal_of_the_token_is_one_however_long_its_text_is() {
    let server = Server::start(|_, _| Reaction::Status(401, LONG)).await;
    let error = to(&server).bounded(1000).call::<Value>("test", &[1], WITHIN).await.unwrap_err();
    assert!(matches!(&error, ApiError::Auth { body, .. } if body.len() < 1000), "{error}");
}

#[tokio::test]
async fn a_result_of_another_shape_is_told_as_one() {
    let error = reaction(Reaction::Result(json!("seven"))).await;
    assert!(matches!(error, ApiError::BadResult { .. }), "{error}");
}

#[tokio::test]
async fn a_refusal_comes_with_code_message_and_data_and_is_no_outage() {
    let error = reaction(Reaction::ErrorData(3, "execution reverted", json!("0x01"))).await;
    assert!(!error.is_outage());
    assert_eq!(error.kind(), Some(RpcErrorKind::Reverted));
    let rpc = error.rpc().unwrap();
    assert_eq!((rpc.message.as_str(), rpc.data.as_deref()), ("execution reverted", Some("\"0x01\"")));
    for (code, kind) in [
        (-38001, RpcErrorKind::UnknownPayload),
        (-32001, RpcErrorKind::UnknownPayload),
        (-38002, RpcErrorKind::InvalidForkchoice),
        (-38003, RpcErrorKind::InvalidAttributes),
        (-38004, RpcErrorKind::TooLargeRequest),
        (-38005, RpcErrorKind::UnsupportedFork),
        (-32601, RpcErrorKind::MethodNotFound),
        (-32000, RpcErrorKind::Other),
    ] {
        assert_eq!(reaction(Reaction::Error(code, "no")).await.kind(), Some(kind));
    }
}

#[test]
fn only_a_plain_http_url_is_taken() {
    for url in ["", "localhost:8551", "https://localhost:8551", "file:///etc/passwd", "http://"] {
        assert!(Transport::new(TransportConfig::public(url)).is_err(), "{url}");
    }
}

#[test]
fn what_is_printed_of_a_transport_has_no_secret_in_it() {
    let config = TransportConfig::engine("http://127.0.0.1:1", JwtKey::new([0xab; 32]), now());
    let printed = format!("{config:?} {:?}", Transport::new(config.clone()).unwrap());
    assert!(!printed.contains("171") && !printed.contains("abab"), "{printed}");
}
