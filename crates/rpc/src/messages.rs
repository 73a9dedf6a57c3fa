//! What the RPC actor itself can be asked, and what it tells itself.

use std::{convert::Infallible, net::SocketAddr};

use alys_bus::{Reply, Tick, protocol_kinds};

/// What the RPC actor can be asked. Wallets do not come this way: they come over HTTP.
#[derive(Debug)]
#[non_exhaustive]
pub enum RpcMessage {
    /// Where the server listens. Sent by the node, to show it; answered at once.
    BoundAddress {
        /// Address and port, the real one where the configuration said 0.
        reply: Reply<SocketAddr, Infallible>,
    },
}

protocol_kinds!(RpcMessage, "rpc", [BoundAddress]);

/// What the actor tells itself.
#[derive(Debug)]
pub enum Private {
    /// Time to hand the figures to the metrics recorder.
    Publish(Tick),
}
