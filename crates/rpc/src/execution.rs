//! What the execution client is to the server, beside the address by which it is asked.

use alys_bus::{
    LatestReader,
    protocol::{chain::ChainStatus, engine::EngineHealth},
};

/// How the server comes to answers about the execution, and what it may say about the client.
///
/// The default fits the embedded client: its answers are typed, its health is not told.
#[derive(Debug, Clone, Default)]
pub struct Execution {
    /// The client has a JSON-RPC of its own, which answers what this server has no better answer to: what is
    /// forwarded stands in `methods/forwarded.rs`, and nothing else is. Without it every answer is made here, of
    /// typed messages.
    pub forward: bool,
    /// How the client fares, for `alys_status`.
    pub health: Option<LatestReader<EngineHealth>>,
    /// Where the chain stands, as chain publishes it. Wakes subscriptions when the head moves; without it they look
    /// for themselves, once in a while.
    pub status: Option<LatestReader<ChainStatus>>,
}
