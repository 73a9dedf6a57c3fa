//! The same over WebSocket, on the same port.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    answers,
    node::{Setup, node, soon},
};

/// As much of a WebSocket client (RFC 6455) as a test needs.
pub(crate) struct WebSocket {
    socket: TcpStream,
}

impl WebSocket {
    /// Asks for a WebSocket; the status of the answer.
    pub(crate) async fn open(address: SocketAddr, origin: Option<&str>) -> (u16, Self) {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let origin = origin.map(|origin| format!("origin: {origin}\r\n")).unwrap_or_default();
        let head = format!(
            "GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n{origin}\r\n"
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(soon(socket.read_u8()).await.unwrap());
        }
        let answer = String::from_utf8(answer).unwrap();
        (answer.split(' ').nth(1).unwrap().parse().unwrap(), Self { socket })
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.socket.write_all(&frame(text)).await.unwrap();
    }

    /// The next text; `None` where the server closes.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            let (kind, text) = self.next_frame().await?;
            match kind {
                0x81 => return Some(serde_json::from_slice(&text).unwrap()),
                // A ping: the server only asks whether anyone is there.
                0x89 => {}
                _ => return None,
            }
        }
    }

    /// The next frame's first byte, and what is in it.
    async fn next_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let kind = soon(self.socket.read_u8()).await.ok()?;
        let length = match soon(self.socket.read_u8()).await.ok()? {
            126 => usize::from(soon(self.socket.read_u16()).await.ok()?),
            127 => usize::try_from(soon(self.socket.read_u64()).await.ok()?).unwrap(),
            short => usize::from(short),
        };
        let mut text = vec![0; length];
        soon(self.socket.read_exact(&mut text)).await.ok()?;
        Some((kind, text))
    }
}

/// A text frame, masked with zeros.
fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u8::try_from(text.len()) {
        Ok(short @ 0..=125) => frame.push(0x80 | short),
        _ => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}

#[tokio::test]
async fn a_websocket_answers_requests_and_batches() {
    let node = node().await;
    let (status, mut socket) = WebSocket::open(node.address, None).await;
    assert_eq!(status, 101);
    socket.send(r#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}"#).await;
    assert_eq!(socket.next().await.unwrap(), json!({ "jsonrpc": "2.0", "id": 1, "result": "0x1a" }));
    socket.send(r#"[{"jsonrpc":"2.0","id":2,"method":"eth_chainId"}]"#).await;
    assert_eq!(socket.next().await.unwrap(), json!([{ "jsonrpc": "2.0", "id": 2, "result": "0x1092" }]));
    socket.send("broken").await;
    assert_eq!(socket.next().await.unwrap()["error"]["code"], -32700);
}

#[tokio::test]
async fn a_page_that_was_not_named_opens_no_websocket() {
    let node = node().await;
    assert_eq!(WebSocket::open(node.address, Some("https://attacker.example")).await.0, 403);
    let open = Setup::default()
        .config(|config| config.cors_origins = vec!["https://wallet.example".to_owned()])
        .start(answers::engine)
        .await;
    assert_eq!(WebSocket::open(open.address, Some("https://wallet.example")).await.0, 101);
    assert_eq!(WebSocket::open(open.address, Some("https://attacker.example")).await.0, 403);
}

#[tokio::test]
async fn a_websocket_keeps_its_connections_place() {
    let node = Setup::default().config(|config| config.max_connections = 1).start(answers::engine).await;
    let (_, mut socket) = WebSocket::open(node.address, None).await;
    socket.send(r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#).await;
    socket.next().await.unwrap();
    assert_eq!(node.post("{}").send().await.unwrap().status(), 503);
}

#[tokio::test]
async fn a_websocket_ends_with_the_server() {
    let node = node().await;
    let (_, mut socket) = WebSocket::open(node.address, None).await;
    soon(node.actor.stop()).await;
    assert_eq!(socket.next().await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_takes_no_answers_is_no_longer_read_and_then_cut_off() {
    let node =
        Setup::default().config(|config| config.transfer_timeout_ms = 2000).start(answers::engine).await;
    let (_, mut socket) = WebSocket::open(node.address, None).await;
    // Echoed: each request has an answer as long.
    let call = json!([{ "to": answers::CONTRACT, "input": format!("0x{}", "00".repeat(25_000)) }]);
    let request =
        frame(&json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": call }).to_string());
    let mut sent = 0;
    soon(async {
        while socket.socket.write_all(&request).await.is_ok() {
            sent += request.len() >> 10;
        }
    })
    .await;
    // As much as the buffers of the two sockets take; in two seconds it would be many times that.
    assert!(sent < 60_000, "{sent} KiB were read");
    assert_eq!(node.ok("eth_chainId", json!([])).await, "0x1092");
}
