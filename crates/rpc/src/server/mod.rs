//! The listening side: one port, HTTP/1.1 and WebSocket, with bounds on everything.
//!
//! jsonrpsee reads and writes JSON-RPC. The port, the connections and the bodies are in our own hands, because
//! what jsonrpsee's own loop leaves open can be used to fill a node: it counts requests and not connections, keeps
//! silent connections for ever, and reads from a WebSocket client that takes no answers.

mod accept;
mod gate;
mod guard;
mod hosts;
mod stream;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use alys_bus::{Owner, Task, spawn_task};
use jsonrpsee::{
    RpcModule,
    core::traits::IdProvider,
    server::{BatchRequestConfig, PingConfig, ServerBuilder, ServerConfig, ServerHandle, stop_channel},
    types::SubscriptionId,
};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    time::{sleep, timeout},
};

use self::{
    accept::{Connections, Phase},
    gate::GateRules,
    guard::{GuardLayer, Shared},
};
use crate::{RpcConfig, RpcError, api::Api, filters::WatchId, metrics::RpcMetrics};

/// How often an open WebSocket is asked whether its client is there.
const PING_EVERY: Duration = Duration::from_secs(30);

/// How many answers wait for one WebSocket client before its requests do.
const ANSWERS_WAITING: u32 = 64;

/// How many subscriptions one WebSocket may hold.
const SUBSCRIPTIONS_PER_CONNECTION: u32 = 64;

/// Names subscriptions as filters are named, which is as Geth does it: some clients take no numbers.
#[derive(Debug)]
struct Names;

impl IdProvider for Names {
    fn next_id(&self) -> SubscriptionId<'static> {
        SubscriptionId::Str(WatchId::random().to_string().into())
    }
}

/// How often, and how long after each other, the port of an incarnation that just ended is tried: for a second.
const BIND_ATTEMPTS: u32 = 50;
const BIND_AGAIN: Duration = Duration::from_millis(20);

/// A running server. Dropping it ends every connection.
pub(crate) struct Server {
    address: SocketAddr,
    metrics: Arc<RpcMetrics>,
    places: Arc<Semaphore>,
    config: RpcConfig,
    phase: watch::Sender<Phase>,
    sessions: ServerHandle,
    accepting: Option<Task>,
}

impl Server {
    /// Listens on `address` and serves `methods`, in tasks that belong to `owner`.
    ///
    /// With `again`, an incarnation before had this address: its end may take a moment to reach the port.
    pub(crate) async fn start(
        config: &RpcConfig,
        address: SocketAddr,
        again: bool,
        methods: RpcModule<Api>,
        owner: Owner,
    ) -> Result<Self, RpcError> {
        let listener = bind(address, if again { BIND_ATTEMPTS } else { 1 }).await?;
        let bound = listener.local_addr().map_err(|error| RpcError::bind(address, error))?;
        let metrics = Arc::new(RpcMetrics::new(methods.method_names()));
        let guard = GuardLayer::new(Shared::new(config, Arc::clone(&metrics)));
        let (stop, sessions) = stop_channel();
        let rpc = ServerBuilder::with_config(server_config(config))
            .set_rpc_middleware(jsonrpsee::server::middleware::rpc::RpcServiceBuilder::new().layer(guard))
            .to_service_builder();
        let (phase, phases) = watch::channel(Phase::Serving);
        let places = Arc::new(Semaphore::new(config.max_connections as usize));
        let connections = Connections {
            places: Arc::clone(&places),
            phases,
            idle_timeout: config.idle_timeout(),
            transfer_timeout: config.transfer_timeout(),
            metrics: Arc::clone(&metrics),
            owner: owner.clone(),
        };
        let rules = GateRules::new(config, Arc::clone(&metrics));
        let accepting = spawn_task(
            owner,
            "rpc accept",
            accept::accept(listener, connections, rules, move || {
                rpc.clone().build(methods.clone(), stop.clone())
            }),
        );
        Ok(Self {
            address: bound,
            metrics,
            places,
            config: config.clone(),
            phase,
            sessions,
            accepting: Some(accepting),
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands the figures to the metrics recorder.
    pub(crate) fn publish(&self) {
        let held = (self.config.max_connections as usize).saturating_sub(self.places.available_permits());
        self.metrics.publish(held);
    }

    /// Takes no more connections and requests, and waits for those under way, within the grace of the configuration.
    pub(crate) async fn stop(mut self) {
        drop(self.accepting.take());
        self.phase.send_replace(Phase::Draining);
        // An error means that no session is left.
        let _ = self.sessions.stop();
        let drained =
            timeout(self.config.shutdown_grace(), self.places.acquire_many(self.config.max_connections))
                .await;
        if drained.is_err() {
            tracing::warn!("requests were still under way when the RPC server stopped");
        }
        self.phase.send_replace(Phase::Closed);
    }
}

/// Takes the port, at the last of so many attempts.
async fn bind(address: SocketAddr, attempts: u32) -> Result<TcpListener, RpcError> {
    for _ in 1..attempts {
        match TcpListener::bind(address).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => sleep(BIND_AGAIN).await,
            bound => return bound.map_err(|error| RpcError::bind(address, error)),
        }
    }
    TcpListener::bind(address).await.map_err(|error| RpcError::bind(address, error))
}

/// What is left to jsonrpsee. The number of batch entries over HTTP is counted by the gate, before anything is built
/// of them; here it holds for WebSocket.
fn server_config(config: &RpcConfig) -> ServerConfig {
    ServerConfig::builder()
        .max_request_body_size(config.max_request_bytes)
        .max_response_body_size(config.max_response_bytes)
        .max_connections(config.max_connections)
        .set_batch_request_config(BatchRequestConfig::Limit(config.max_batch))
        .set_message_buffer_capacity(ANSWERS_WAITING)
        .max_subscriptions_per_connection(SUBSCRIPTIONS_PER_CONNECTION)
        .set_id_provider(Names)
        .enable_ws_ping(
            PingConfig::new()
                .ping_interval(PING_EVERY)
                .inactive_limit(config.idle_timeout().max(2 * PING_EVERY)),
        )
        .build()
}
