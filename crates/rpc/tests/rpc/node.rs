//! A server with its stand-ins, and a client for it.

use std::{future::Future, net::SocketAddr, time::Duration};

use alys_bus::{
    Address, Latest, Limits,
    protocol::{
        ChainMessage, EngineMessage,
        chain::{ChainStatus, SyncState},
    },
};
use alys_rpc::{Execution, Neighbours, RpcArgs, RpcConfig, RpcMessage};
use serde_json::{Value, json};

use crate::{
    actor::{Answers, Asked, Stop, incarnation, stand_in, stoppable},
    answers,
};

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const CHAIN_ID: u64 = 4242;

/// Everything that waits, waits here.
pub(crate) async fn soon<F: Future>(what: F) -> F::Output {
    tokio::time::timeout(PATIENCE, what).await.expect("it should have happened long ago")
}

/// A running server.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    pub(crate) asked: Asked,
    pub(crate) engine: Address<EngineMessage>,
    pub(crate) engine_actor: Box<dyn Stop>,
    pub(crate) actor: Box<dyn Stop>,
    pub(crate) bound: Latest<Option<SocketAddr>>,
    client: reqwest::Client,
}

/// How a server of a test is made.
pub(crate) struct Setup {
    pub(crate) config: RpcConfig,
    pub(crate) engine_limits: Limits,
    pub(crate) status: Option<ChainStatus>,
    pub(crate) supervised: bool,
    pub(crate) execution: Execution,
    pub(crate) bound: Latest<Option<SocketAddr>>,
}

impl Default for Setup {
    fn default() -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            config: RpcConfig { listen, ..RpcConfig::default() },
            engine_limits: Limits::default(),
            status: Some(answers::status(SyncState::Synced)),
            supervised: true,
            execution: Execution::default(),
            bound: Latest::new(None),
        }
    }
}

impl Setup {
    /// With other limits.
    pub(crate) fn config(mut self, change: impl FnOnce(&mut RpcConfig)) -> Self {
        change(&mut self.config);
        self
    }

    /// Starts the server with an engine that answers by `engine`.
    pub(crate) async fn start(self, engine: impl Answers<EngineMessage>) -> Node {
        self.try_start(engine).await.expect("the server should start")
    }

    pub(crate) async fn try_start(self, engine: impl Answers<EngineMessage>) -> Result<Node, String> {
        let (engine, (asked, engine_actor)) = {
            let address = Address::new(self.engine_limits);
            let started = incarnation(&address, engine).await;
            (address, started)
        };
        let status = self.status;
        let chain = move |message: ChainMessage| {
            if let (ChainMessage::Status { reply }, Some(status)) = (message, &status) {
                reply.send(Ok(Box::new(status.clone())));
            }
        };
        let (chain, _) = stand_in(Limits::default(), chain).await;
        let supervisor = match self.supervised {
            true => Some(stand_in(Limits::default(), answers::supervisor).await.0),
            false => None,
        };
        let args = RpcArgs {
            config: self.config,
            chain_id: CHAIN_ID,
            client_version: "alys/v0/test".to_owned(),
            neighbours: Neighbours { engine: engine.clone(), chain, supervisor },
            execution: self.execution,
            bound: self.bound.clone(),
        };
        let rpc = Address::<RpcMessage>::new(Limits::default());
        let (actor, ended) = alys_rpc::spawn(&rpc, None, args).await.map_err(|error| error.to_string())?;
        Ok(Node {
            address: self.bound.get().expect("the address should be published"),
            asked,
            engine,
            engine_actor,
            actor: stoppable(actor, ended),
            bound: self.bound,
            client: reqwest::Client::builder().timeout(PATIENCE).build().unwrap(),
        })
    }
}

/// An engine that knows all of [`answers`].
pub(crate) async fn node() -> Node {
    Setup::default().start(answers::engine).await
}

impl Node {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A request as yet unsent, with the headers every client sends.
    pub(crate) fn post(&self, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        self.client.post(self.url()).header("content-type", "application/json").body(body)
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Sends a body; status and answer.
    pub(crate) async fn send(&self, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let response = self.post(body).send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Calls a method; the whole answer.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        let (status, answer) = self.send(body.to_string()).await;
        assert_eq!(status, 200, "{method}: {answer}");
        assert_eq!(answer["jsonrpc"], "2.0", "{method}: {answer}");
        assert_eq!(answer["id"], 7, "{method}: {answer}");
        answer
    }

    /// Calls a method that must succeed; its result.
    pub(crate) async fn ok(&self, method: &str, params: Value) -> Value {
        let answer = self.call(method, params.clone()).await;
        assert!(answer.get("error").is_none(), "{method} {params}: {answer}");
        answer.get("result").expect("a result").clone()
    }

    /// Calls a method that must fail; code, message, data.
    pub(crate) async fn err(&self, method: &str, params: Value) -> (i64, String, Value) {
        let answer = self.call(method, params.clone()).await;
        let error = answer.get("error").unwrap_or_else(|| panic!("{method} {params}: {answer}"));
        let message = error["message"].as_str().unwrap().to_owned();
        (error["code"].as_i64().unwrap(), message, error["data"].clone())
    }

    /// What the engine was asked last, as text.
    pub(crate) fn last_asked(&self) -> String {
        self.asked.lock().last().cloned().unwrap_or_default()
    }
}
