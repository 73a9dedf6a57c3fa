//! A client that somebody else runs, behind the Engine API.

use std::sync::Arc;

use alys_engine::{EngineActor, EngineArgs, RemoteClient, RemoteConfig};
use alys_engine_api::{JwtKey, ManagedProcess};
use alys_supervisor::ChildSpec;

use crate::{
    builder::NodeError,
    slots::Parts,
    wiring::{ENGINE, Wiring},
};

pub(super) fn external(wiring: &Wiring, parts: &Parts) -> Result<ChildSpec, NodeError> {
    let execution = &parts.config.execution;
    let jwt = key(&execution.jwt_file)?;
    let mut config = config(parts, &execution.url, jwt);
    config.public_url = (!execution.http_url.is_empty()).then(|| execution.http_url.clone());
    let client = client(wiring, config, None)?;
    let start = move |feed| (EngineActor::default(), EngineArgs { feed, client: client.clone() });
    Ok(ChildSpec::new(&wiring.engine, start))
}

/// The secret shared with the client.
pub(super) fn key(file: &std::path::Path) -> Result<JwtKey, NodeError> {
    JwtKey::read(file).map_err(|error| NodeError::Setup(format!("execution.jwt_file: {error}")))
}

/// What a client of this chain must be, whoever runs it.
pub(super) fn config(parts: &Parts, url: &str, jwt: JwtKey) -> RemoteConfig {
    let genesis = parts.spec.genesis().block.header.payload_hash;
    let mut config = RemoteConfig::new(url, jwt, parts.spec.chain_id, genesis);
    config.timeout_multiplier = f64::from(parts.config.execution.timeout_percent) / 100.0;
    // What the RPC server cannot pass on need not be read.
    config.max_answer = usize::try_from(parts.config.rpc.max_response_bytes).unwrap_or(config.max_answer);
    config
}

/// The client, which publishes its health.
pub(super) fn client(
    wiring: &Wiring,
    config: RemoteConfig,
    managed: Option<Arc<dyn ManagedProcess>>,
) -> Result<RemoteClient, NodeError> {
    let (clock, health) = (wiring.clock.clone(), wiring.engine_health.clone());
    RemoteClient::new(config, clock, ENGINE, health, managed)
        .map_err(|error| NodeError::Setup(error.to_string()))
}
