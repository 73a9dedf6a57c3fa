//! Which ids come back, and what is said of those that cannot.

use serde_json::{Value, json};

use crate::{node::node, websocket::WebSocket};

/// Ids that Geth echoes, and jsonrpsee does not know.
const STRANGE: [&str; 5] = ["-1", "1.5", "1e3", "18446744073709551616", "true"];

fn request(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"eth_chainId","params":[]}}"#)
}

#[tokio::test]
async fn an_id_comes_back_as_it_was_sent() {
    let node = node().await;
    for id in ["0", "18446744073709551615", "\"\"", "\"-1\"", "null"] {
        let answer = node.post(request(id)).send().await.unwrap().text().await.unwrap();
        assert_eq!(answer, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"0x1092"}}"#));
    }
}

#[tokio::test]
async fn a_negative_or_fractional_id_is_refused_in_words_and_not_taken_for_a_notification() {
    let node = node().await;
    for id in STRANGE {
        for body in [request(id), format!("[{}, {}]", request("1"), request(id))] {
            let (status, answer) = node.send(body).await;
            let error = json!({
                "code": -32600,
                "message": "invalid request: an id is a string, or a whole number from 0 up",
            });
            assert_eq!(
                (status, answer),
                (200, json!({ "jsonrpc": "2.0", "id": Value::Null, "error": error })),
                "{id}"
            );
        }
    }
}

#[tokio::test]
async fn over_a_websocket_such_a_request_is_a_notification_and_has_no_answer() {
    let node = node().await;
    let (status, mut socket) = WebSocket::open(node.address, None).await;
    assert_eq!(status, 101);
    for id in STRANGE {
        socket.send(&request(id)).await;
    }
    socket.send(&request("7")).await;
    let answer = socket.next().await.unwrap();
    assert_eq!(answer["id"], 7, "the first answer is that of the last request: {answer}");
}
