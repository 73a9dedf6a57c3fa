//! Connections: each has a place, ends when it is silent for too long, and ends when the server does.

use std::{
    io,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use alys_bus::{Owner, spawn_task};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use jsonrpsee::server::{HttpBody, HttpRequest};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};

use super::{
    gate::{Entrance, Gate, GateRules, JsonRpc},
    stream::PatientStream,
};
use crate::metrics::RpcMetrics;

/// After an error of the operating system (no file descriptors left, say), before the next attempt.
const AFTER_ACCEPT_ERROR: Duration = Duration::from_millis(100);

/// How many connections without a place are told so at a time; further ones are closed without a word.
const REFUSALS: usize = 32;

/// How long a connection without a place may take to be told so.
const REFUSE_WITHIN: Duration = Duration::from_secs(1);

/// The largest head of a request, in bytes.
const MOST_HEAD: usize = 64 << 10;

/// What refused connections are told.
const FULL: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json; charset=utf-8\r\n\
    content-length: 95\r\nconnection: close\r\n\r\n\
    {\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32005,\"message\":\"too many connections; try later\"}}";

/// How far the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Taking requests.
    Serving,
    /// Finishing what is under way.
    Draining,
    /// At its end: what is still under way is cut off.
    Closed,
}

/// What every connection gets.
#[derive(Clone)]
pub(super) struct Connections {
    pub(super) places: Arc<Semaphore>,
    pub(super) phases: watch::Receiver<Phase>,
    pub(super) idle_timeout: Duration,
    pub(super) transfer_timeout: Duration,
    pub(super) metrics: Arc<RpcMetrics>,
    pub(super) owner: Owner,
}

/// The place of one connection. A WebSocket outlives the HTTP connection it began as, and keeps it.
#[derive(Debug, Clone)]
pub(super) struct Place(#[allow(dead_code, reason = "held, not read")] Arc<OwnedSemaphorePermit>);

/// Takes connections until it is dropped.
pub(super) async fn accept(
    listener: TcpListener,
    connections: Connections,
    rules: GateRules,
    json_rpc: impl Fn() -> JsonRpc + Send,
) {
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    loop {
        let socket = match listener.accept().await {
            Ok((socket, _)) => socket,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                sleep(AFTER_ACCEPT_ERROR).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&connections.places).try_acquire_owned() else {
            connections.metrics.connections_refused.fetch_add(1, Relaxed);
            if let Ok(place) = Arc::clone(&refusals).try_acquire_owned() {
                let refusal = async move {
                    // A client that says nothing needs no answer.
                    let _ = timeout(REFUSE_WITHIN, refuse(socket)).await;
                    drop(place);
                };
                spawn_task(connections.owner.clone(), "rpc refusal", refusal).detach();
            }
            continue;
        };
        let gate = Gate::new(json_rpc(), rules.clone(), Place(Arc::new(place)));
        let connection = serve(socket, gate, connections.clone());
        // Ends by itself: when silent, and when the server that holds the other end of its phases ends.
        spawn_task(connections.owner.clone(), "rpc connection", connection).detach();
    }
}

/// Says that there is no place. After the request, since clients take no answer before it.
async fn refuse(mut socket: TcpStream) -> io::Result<()> {
    let mut request = [0; 4096];
    let _read = socket.read(&mut request).await?;
    socket.write_all(FULL.as_bytes()).await?;
    socket.shutdown().await
}

async fn serve(socket: TcpStream, gate: Gate, mut connections: Connections) {
    // Without it, small answers wait for the next packet; where it fails the connection is gone.
    if socket.set_nodelay(true).is_err() {
        return;
    }
    let entrance = Entrance::new(gate);
    let service =
        service_fn(move |request: HttpRequest<Incoming>| entrance.clone().call(request.map(HttpBody::new)));
    let stream = PatientStream::new(socket, connections.transfer_timeout);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(connections.idle_timeout)
        .max_buf_size(MOST_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let phases = &mut connections.phases;
    let served = tokio::select! {
        served = &mut connection => Some(served),
        _ = phases.wait_for(|phase| *phase != Phase::Serving) => None,
    };
    let served = match served {
        Some(served) => served,
        None => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                served = &mut connection => served,
                _ = phases.wait_for(|phase| *phase == Phase::Closed) => return,
            }
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended badly");
    }
}

#[cfg(test)]
mod tests {
    use super::FULL;

    #[test]
    fn the_refusal_states_its_own_length() {
        let (head, body) = FULL.split_once("\r\n\r\n").unwrap_or_default();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())));
    }
}
