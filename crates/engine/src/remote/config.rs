//! What a client behind the Engine API is reached by, and what it must be.

use std::time::Duration;

use alloy_primitives::B256;
use alys_engine_api::{JwtKey, TransportConfig};

/// How to reach an execution client, and which chain's it must be.
#[derive(Debug, Clone)]
pub struct RemoteConfig {
    /// The engine port, `http://host:port`.
    pub url: String,
    /// The secret that both sides share.
    pub jwt: JwtKey,
    /// The public port, `http://host:port`: for wallets' questions. `None`: they go over the engine port,
    /// where some clients do not serve all of them (Geth no `txpool_*`).
    pub public_url: Option<String>,
    /// This chain's EVM chain id.
    pub chain_id: u64,
    /// The hash of this chain's execution block 0.
    pub genesis: B256,
    /// What the timeouts of the Engine API are multiplied by. Default 1.
    pub timeout_multiplier: f64,
    /// The most bytes of one answer to consensus. Default 128 MiB.
    pub max_response: usize,
    /// The most bytes of one answer to a wallet, of which as many may be read at once as there are `questions`.
    /// Default 25 MiB, as the RPC server's; a larger one could not be passed on.
    pub max_answer: usize,
    /// How many of wallets' questions are with the client at once. Default 32; more wait. What chain asks has
    /// places of its own.
    pub questions: usize,
    /// The least time a payload is built for before it is taken. Default 150 ms: Geth begins with an empty
    /// one, and hands that out until the first full one is ready.
    pub min_build: Duration,
    /// How often a client that is out of reach is looked for. Default 500 ms.
    pub probe_offline: Duration,
    /// How often one that answers is asked whether it is still this chain's. Default 3 s.
    pub probe_online: Duration,
}

impl RemoteConfig {
    /// With the defaults for everything that has one.
    #[must_use]
    pub fn new(url: impl Into<String>, jwt: JwtKey, chain_id: u64, genesis: B256) -> Self {
        Self {
            url: url.into(),
            jwt,
            public_url: None,
            chain_id,
            genesis,
            timeout_multiplier: 1.0,
            max_response: TransportConfig::MAX_RESPONSE,
            max_answer: 25 << 20,
            questions: 32,
            min_build: Duration::from_millis(150),
            probe_offline: Duration::from_millis(500),
            probe_online: Duration::from_secs(3),
        }
    }
}
