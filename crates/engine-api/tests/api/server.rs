//! A client that answers as it is told, on a real socket: what is tested goes through HTTP, JSON and tokens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alys_bus::{Clock, Owner, Task, spawn_task};
use alys_engine_api::{JwtKey, UnixSeconds};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The secret of both sides.
pub(crate) fn key() -> JwtKey {
    JwtKey::new([0x11; 32])
}

/// The time on both sides, unless a test says otherwise.
pub(crate) const NOW: u64 = 1_700_000_000;

#[allow(dead_code, reason = "each test binary uses some of them")]
pub(crate) fn now() -> UnixSeconds {
    Arc::new(|| NOW)
}

/// What is done about one request.
#[derive(Debug, Clone)]
#[allow(dead_code, reason = "each test binary uses some of them")]
pub(crate) enum Reaction {
    /// The result.
    Result(Value),
    /// A JSON-RPC error.
    Error(i64, &'static str),
    /// A JSON-RPC error with data.
    ErrorData(i64, &'static str, Value),
    /// An HTTP status with a text.
    Status(u16, &'static str),
    /// HTTP 200 with this text.
    Text(String),
    /// A body that ends before its announced length, and the connection with it.
    Cut(&'static str),
    /// A result under another request's id.
    OtherId(Value),
    /// A result under another HTTP status than 200.
    ResultUnder(u16, Value),
    /// A body without end or announced length.
    Endless,
    /// A body of which only the length comes.
    Announced(usize),
    /// The result, once there is a permit for it.
    Held(Arc<Semaphore>, Value),
    /// No answer, ever.
    Silence,
    /// The connection is closed.
    HangUp,
}

impl Reaction {
    fn response(&self, id: &Value) -> Option<Value> {
        match self {
            Self::Result(result) => Some(json!({ "jsonrpc": "2.0", "id": id, "result": result })),
            Self::Error(code, message) => {
                Some(json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } }))
            }
            Self::ErrorData(code, message, data) => {
                let error = json!({ "code": code, "message": message, "data": data });
                Some(json!({ "jsonrpc": "2.0", "id": id, "error": error }))
            }
            Self::OtherId(result) => Some(json!({ "jsonrpc": "2.0", "id": 987_654_321, "result": result })),
            _ => None,
        }
    }
}

/// One request.
struct Asked {
    method: String,
    params: Value,
    at: Instant,
}

type Answer = dyn Fn(&str, &Value) -> Reaction + Send + Sync;

struct Shared {
    answer: Box<Answer>,
    /// Before `answer`: by method.
    overrides: Mutex<BTreeMap<String, Reaction>>,
    log: Mutex<Vec<Asked>>,
    clock: Clock,
    tokens: Mutex<Vec<String>>,
    /// `None`: a public port, which asks for no token.
    key: Mutex<Option<JwtKey>>,
    /// What is done about requests in an array; `None`: each is answered.
    arrays: Mutex<Option<Reaction>>,
    arrays_seen: AtomicUsize,
    /// A permit for each endless body that the other side did not read to its end.
    cut_off: Semaphore,
    connections: Mutex<Vec<Task>>,
}

/// A server. Closes its port and its connections when dropped.
pub(crate) struct Server {
    port: u16,
    shared: Arc<Shared>,
    _listening: Task,
}

#[allow(dead_code, reason = "each test binary uses some of them")]
impl Server {
    /// On a free port, with the secret of both sides.
    pub(crate) async fn start(answer: impl Fn(&str, &Value) -> Reaction + Send + Sync + 'static) -> Self {
        Self::on(0, answer).await
    }

    /// On a port that was another server's before.
    pub(crate) async fn on(
        port: u16,
        answer: impl Fn(&str, &Value) -> Reaction + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            answer: Box::new(answer),
            overrides: Mutex::default(),
            log: Mutex::default(),
            clock: Clock::system(),
            tokens: Mutex::default(),
            key: Mutex::new(Some(key())),
            arrays: Mutex::default(),
            arrays_seen: AtomicUsize::new(0),
            cut_off: Semaphore::new(0),
            connections: Mutex::default(),
        });
        let (accepting, owner) = (Arc::clone(&shared), Owner::watched("server").0);
        let listening = spawn_task(owner.clone(), "listening", async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serve(stream, Arc::clone(&accepting));
                accepting.connections.lock().push(spawn_task(owner.clone(), "connection", serving));
            }
        });
        Self { port, shared, _listening: listening }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// From now on, `method` is reacted to like this.
    pub(crate) fn set(&self, method: &str, reaction: Reaction) {
        self.shared.overrides.lock().insert(method.to_owned(), reaction);
    }

    /// `method` is answered as at first again.
    pub(crate) fn unset(&self, method: &str) {
        self.shared.overrides.lock().remove(method);
    }

    /// Another secret, or none.
    pub(crate) fn set_key(&self, key: Option<JwtKey>) {
        *self.shared.key.lock() = key;
    }

    /// From now on, requests in an array are reacted to like this.
    pub(crate) fn set_arrays(&self, reaction: Option<Reaction>) {
        *self.shared.arrays.lock() = reaction;
    }

    /// How many requests in an array came.
    pub(crate) fn arrays(&self) -> usize {
        self.shared.arrays_seen.load(Ordering::Relaxed)
    }

    /// Ready when an endless body was not read further.
    pub(crate) async fn cut_off(&self) {
        self.shared.cut_off.acquire().await.unwrap().forget();
    }

    /// What was asked so far, in order.
    pub(crate) fn log(&self) -> Vec<(String, Value)> {
        self.shared.log.lock().iter().map(|asked| (asked.method.clone(), asked.params.clone())).collect()
    }

    /// The same methods, and when each was called.
    pub(crate) fn times(&self) -> Vec<(String, Instant)> {
        self.shared.log.lock().iter().map(|asked| (asked.method.clone(), asked.at)).collect()
    }

    /// How often `method` was called.
    pub(crate) fn count(&self, method: &str) -> usize {
        self.shared.log.lock().iter().filter(|asked| asked.method == method).count()
    }

    /// The tokens that came, in order.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.shared.tokens.lock().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.connections.lock().clear();
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    while let Some((head, body)) = read_request(&mut stream).await {
        let Some(answer) = respond(&shared, &head, &body).await else { return };
        if stream.write_all(&answer.bytes).await.is_err() {
            return;
        }
        if answer.endless {
            while stream.write_all(&[b' '; 4096]).await.is_ok() {}
            shared.cut_off.add_permits(1);
            return;
        }
        if answer.last {
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
            let length: usize = header(&head, "content-length")?.parse().ok()?;
            if bytes.len() >= end + 4 + length {
                return Some((head, bytes[end + 4..end + 4 + length].to_vec()));
            }
        }
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

struct Bytes {
    bytes: Vec<u8>,
    last: bool,
    endless: bool,
}

fn http(status: u16, body: &str) -> Bytes {
    let length = body.len();
    let bytes = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    Bytes { bytes: bytes.into_bytes(), last: false, endless: false }
}

async fn respond(shared: &Shared, head: &str, body: &[u8]) -> Option<Bytes> {
    if let Some(key) = shared.key.lock().clone() {
        let token = header(head, "authorization").and_then(|value| value.strip_prefix("Bearer "));
        let Some(token) = token else { return Some(http(401, "missing token")) };
        shared.tokens.lock().push(token.to_owned());
        match key.issued_at(token) {
            None => return Some(http(401, "signature is invalid")),
            Some(issued) if issued.abs_diff(NOW) > 60 => return Some(http(401, "stale token")),
            Some(_) => {}
        }
    }
    let request: Value = serde_json::from_slice(body).unwrap();
    let Value::Array(calls) = request else {
        let reaction = react(shared, &request);
        return act(&reaction, &request["id"]).await;
    };
    shared.arrays_seen.fetch_add(1, Ordering::Relaxed);
    let reaction = shared.arrays.lock().clone();
    if let Some(reaction) = reaction {
        return act(&reaction, &Value::Null).await;
    }
    let mut answers = Vec::new();
    // In another order: a batch is answered in any.
    for call in calls.iter().rev() {
        let reaction = react(shared, call);
        match reaction.response(&call["id"]) {
            Some(answer) => answers.push(answer),
            None => return act(&reaction, &call["id"]).await,
        }
    }
    Some(http(200, &Value::Array(answers).to_string()))
}

fn react(shared: &Shared, call: &Value) -> Reaction {
    let method = call["method"].as_str().unwrap();
    let (at, params) = (shared.clock.now(), call["params"].clone());
    shared.log.lock().push(Asked { method: method.to_owned(), params, at });
    let set = shared.overrides.lock().get(method).cloned();
    set.unwrap_or_else(|| (shared.answer)(method, &call["params"]))
}

async fn act(reaction: &Reaction, id: &Value) -> Option<Bytes> {
    if let Some(answer) = reaction.response(id) {
        return Some(http(200, &answer.to_string()));
    }
    match reaction {
        Reaction::Status(status, text) => Some(http(*status, text)),
        Reaction::ResultUnder(status, result) => {
            let answer = json!({ "jsonrpc": "2.0", "id": id, "result": result });
            Some(http(*status, &answer.to_string()))
        }
        Reaction::Announced(length) => {
            let bytes = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            Some(Bytes { bytes: bytes.into_bytes(), last: false, endless: false })
        }
        Reaction::Text(text) => Some(http(200, text)),
        Reaction::Cut(text) => {
            let bytes = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len() + 50);
            Some(Bytes { bytes: bytes.into_bytes(), last: true, endless: false })
        }
        Reaction::Endless => {
            let bytes = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
            Some(Bytes { bytes, last: true, endless: true })
        }
        Reaction::Held(permits, result) => {
            permits.acquire().await.ok()?.forget();
            Some(http(200, &json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string()))
        }
        Reaction::Silence => std::future::pending().await,
        _ => None,
    }
}
