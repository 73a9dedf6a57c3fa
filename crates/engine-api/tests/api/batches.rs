//! Batches: a way to be faster, and never a condition.

use std::time::Duration;

use alys_engine_api::{ApiError, Call, Transport, TransportConfig};
use serde_json::{Value, json};

use crate::server::{Reaction, Server, key, now};

const WITHIN: Duration = Duration::from_secs(60);

fn to(server: &Server) -> Transport {
    Transport::new(TransportConfig::engine(server.url(), key(), now())).unwrap()
}

/// Answers each call with its parameter; `refused` it refuses.
async fn echo() -> Server {
    Server::start(|method, params| match method {
        "refused" => Reaction::Error(-32000, "no"),
        _ => Reaction::Result(params[0].clone()),
    })
    .await
}

fn calls() -> [Call; 3] {
    [Call::new("a", json!([1])), Call::new("refused", json!([2])), Call::new("c", json!([3]))]
}

/// That the three calls come to what they should.
async fn ask(transport: &Transport) {
    let answers = transport.batch(&calls(), WITHIN).await.unwrap();
    let texts: Vec<_> =
        answers.iter().map(|answer| answer.as_ref().map(|raw| raw.get().to_owned())).collect();
    assert_eq!((texts[0].as_deref(), texts[2].as_deref()), (Ok("1"), Ok("3")));
    assert_eq!(texts[1].as_ref().unwrap_err().code, -32000);
}

#[tokio::test]
async fn a_batch_answered_in_any_order_comes_back_in_ours() {
    let server = echo().await;
    ask(&to(&server)).await;
    assert_eq!((server.arrays(), server.tokens().len()), (1, 1));
    assert!(to(&server).batch(&[], WITHIN).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_batch_of_one_is_a_single_request() {
    let server = echo().await;
    server.set_arrays(Some(Reaction::Silence));
    let transport = to(&server);
    let answers = transport.batch(&[Call::new("a", json!([5]))], WITHIN).await.unwrap();
    assert_eq!(answers[0].as_ref().unwrap().get(), "5");
    let answers = transport.batch(&[Call::new("refused", json!([5]))], WITHIN).await.unwrap();
    assert_eq!(answers[0].as_ref().unwrap_err().code, -32000);
    assert_eq!(server.arrays(), 0);
}

#[tokio::test]
async fn a_client_that_takes_no_batches_is_asked_singly_and_not_bothered_with_one_again() {
    let refusal =
        json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32600, "message": "no batches" } });
    for reaction in [
        Reaction::Text(refusal.to_string()),
        Reaction::Error(-32601, "Method not found"),
        Reaction::Text("cannot read arrays".into()),
        Reaction::Text(json!({ "jsonrpc": "2.0", "id": 1, "result": 1 }).to_string()),
        Reaction::Text("[]".into()),
        Reaction::Status(400, "an object, please"),
        Reaction::Status(500, "TypeError"),
    ] {
        let server = echo().await;
        server.set_arrays(Some(reaction));
        let transport = to(&server);
        ask(&transport).await;
        ask(&transport).await;
        assert_eq!(server.arrays(), 1, "remembered");
        // Another program has come to the port.
        server.set_arrays(None);
        transport.expect_batches();
        ask(&transport).await;
        assert_eq!(server.arrays(), 2);
    }
}

#[tokio::test]
async fn a_client_that_answers_nothing_at_all_is_not_taken_for_one_without_batches() {
    let server = echo().await;
    let transport = to(&server);
    for (reaction, whole) in [
        (Reaction::HangUp, "the connection broke"),
        (Reaction::Status(503, "starting up"), "HTTP 503"),
        (Reaction::Text("<html>".into()), "no JSON-RPC response"),
    ] {
        server.set_arrays(Some(reaction.clone()));
        server.set("a", reaction);
        let error = transport.batch(&calls(), WITHIN).await.unwrap_err();
        assert!(error.to_string().contains(whole), "{error}");
        server.set_arrays(None);
        server.unset("a");
        let arrays = server.arrays();
        ask(&transport).await;
        assert_eq!(server.arrays(), arrays + 1, "batches are still believed in");
    }
}

#[tokio::test]
async fn a_batch_has_one_deadline_whether_it_goes_whole_or_singly() {
    let server = echo().await;
    server.set("c", Reaction::Silence);
    let within = Duration::from_millis(50);
    for arrays in [None, Some(Reaction::Status(400, "an object, please"))] {
        server.set_arrays(arrays);
        let error = to(&server).batch(&calls(), within).await.unwrap_err();
        assert!(matches!(error, ApiError::Timeout { after, .. } if after == within), "{error}");
    }
    let _: Value = to(&server).call("a", &[1], WITHIN).await.unwrap();
}
