//! Who reaches whom: every actor's address, and what is published to all.

use alys_bus::{
    Address, Clock, Latest, Limits, Topic,
    protocol::{
        ChainMessage, EngineMessage, FederationMessage, StorageMessage, SupervisorMessage,
        chain::{ChainEvent, ChainStatus},
        engine::EngineHealth,
    },
};
use alys_rpc::RpcMessage;
use std::net::SocketAddr;

/// Events that are kept for a slow reader of the chain's events.
const EVENTS: usize = 1024;

/// The addresses of a node's actors. An actor's arguments take from here only those that it may ask.
#[derive(Debug, Clone)]
pub struct Wiring {
    /// The one clock.
    pub clock: Clock,
    /// Blocks, indexes, promises.
    pub storage: Address<StorageMessage>,
    /// The execution client.
    pub engine: Address<EngineMessage>,
    /// How the execution client fares.
    pub engine_health: Latest<EngineHealth>,
    /// Members and keys.
    pub federation: Address<FederationMessage>,
    /// Agreement.
    pub chain: Address<ChainMessage>,
    /// The RPC server.
    pub rpc: Address<RpcMessage>,
    /// The supervisor.
    pub supervisor: Address<SupervisorMessage>,
    /// What happens on the chain.
    pub events: Topic<ChainEvent>,
    /// Where the chain stands.
    pub status: Latest<ChainStatus>,
    /// Where the RPC server listens, once it does.
    pub rpc_address: Latest<Option<SocketAddr>>,
}

/// Work in flight that each actor may hold: normal and control lane. Storage and engine answer in
/// milliseconds, so these are seconds of work at the most, and bound memory together with the size of
/// messages.
pub(crate) const STORAGE: Limits = Limits::new(256, 64);
pub(crate) const ENGINE: Limits = Limits::new(1024, 64);
pub(crate) const FEDERATION: Limits = Limits::new(256, 256);
pub(crate) const CHAIN: Limits = Limits::new(256, 1024);
pub(crate) const RPC: Limits = Limits::new(16, 16);
pub(crate) const SUPERVISOR: Limits = Limits::new(64, 16);

impl Wiring {
    /// Addresses that lead nowhere yet.
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            storage: Address::new(STORAGE),
            engine: Address::new(ENGINE),
            engine_health: Latest::new(EngineHealth::default()),
            federation: Address::new(FEDERATION),
            chain: Address::new(CHAIN),
            rpc: Address::new(RPC),
            supervisor: Address::new(SUPERVISOR),
            events: Topic::new(EVENTS),
            status: Latest::new(ChainStatus::default()),
            rpc_address: Latest::new(None),
        }
    }
}
