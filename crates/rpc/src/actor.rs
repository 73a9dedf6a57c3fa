//! The actor: starts the server, says where it listens, stops it in order.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use alys_bus::{Address, Clock, Feed, Inbox, Latest, Owner, Timer, Work, spawn_actor};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr, concurrency::JoinHandle};
use tokio::sync::Semaphore;

use crate::{
    Execution, Neighbours, RpcConfig, RpcError, RpcMessage, api::Api, filters::Filters, messages::Private,
    methods, server::Server,
};

/// How often the figures are handed to the metrics recorder.
const PUBLISH_EVERY: Duration = Duration::from_secs(5);

/// What an incarnation of the actor is made of.
#[derive(Debug, Clone)]
pub struct RpcArgs {
    /// Limits, and where to listen.
    pub config: RpcConfig,
    /// The EVM's chain id.
    pub chain_id: u64,
    /// What `web3_clientVersion` says, such as `alys/v0.1.0/linux-x86_64`.
    pub client_version: String,
    /// Whom the methods ask.
    pub neighbours: Neighbours,
    /// How the execution client is used; the default fits the embedded one.
    pub execution: Execution,
    /// Where the server listens, for whoever shows or uses it; `None` before its first start. Made by the node and
    /// given to every incarnation: where the configuration leaves the port open, the next takes the port of the last.
    pub bound: Latest<Option<SocketAddr>>,
}

/// Serves JSON-RPC from its start to its stop.
#[derive(Debug)]
pub struct RpcActor;

/// What the actor holds between messages.
pub struct RpcState {
    feed: Feed<RpcMessage>,
    address: SocketAddr,
    /// There until it is stopped.
    server: Option<Server>,
    _publish: Timer,
}

/// Starts the actor and binds `address` to it. Fails where the configuration is wrong or the port is in use, with an
/// [`RpcError`] that says which and what to do.
pub async fn spawn(
    address: &Address<RpcMessage>,
    parent: Option<ActorCell>,
    args: RpcArgs,
) -> Result<(ActorRef<Inbox<RpcMessage, Private>>, JoinHandle<()>), SpawnErr> {
    spawn_actor(address, parent, RpcActor, |feed| (feed, args)).await
}

impl Actor for RpcActor {
    type Msg = Inbox<RpcMessage, Private>;
    type State = RpcState;
    type Arguments = (Feed<RpcMessage>, RpcArgs);

    async fn pre_start(
        &self,
        me: ActorRef<Self::Msg>,
        (feed, args): Self::Arguments,
    ) -> Result<RpcState, ActorProcessingErr> {
        let RpcArgs { config, chain_id, client_version, neighbours, execution, bound } = args;
        config.validate().map_err(RpcError::from)?;
        let api = Api {
            neighbours,
            execution,
            chain_id,
            client_version,
            timeout: config.request_timeout(),
            patience: config.transfer_timeout(),
            clock: Clock::system(),
            owner: Owner::actor(&me),
            filters: Filters::default(),
            subscriptions: Arc::new(Semaphore::new(methods::MOST_SUBSCRIPTIONS)),
        };
        let methods =
            methods::all(api, config.debug).map_err(|error| RpcError::Methods(error.to_string()))?;
        let before = bound.get();
        let listen = where_to_listen(config.listen, before);
        let again = before == Some(listen);
        let server = Server::start(&config, listen, again, methods, Owner::actor(&me)).await?;
        let address = server.address();
        bound.set(Some(address));
        tracing::info!(%address, "serving JSON-RPC over HTTP and WebSocket");
        Ok(RpcState {
            feed,
            address,
            server: Some(server),
            _publish: Timer::every(&me, "rpc metrics", PUBLISH_EVERY, Private::Publish),
        })
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut RpcState,
    ) -> Result<(), ActorProcessingErr> {
        let mut message = Some(message);
        while let Some(work) = state.feed.next(&mut message).await {
            match work {
                Work::Public(RpcMessage::BoundAddress { reply }, _) => {
                    reply.send(Ok(state.address));
                }
                Work::Private(Private::Publish(_tick)) => {
                    if let Some(server) = &state.server {
                        server.publish();
                    }
                }
            }
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<Self::Msg>,
        state: &mut RpcState,
    ) -> Result<(), ActorProcessingErr> {
        if let Some(server) = state.server.take() {
            server.stop().await;
        }
        Ok(())
    }
}

/// The configured address; where its port is left open, the port of the incarnation before, which users know by now.
fn where_to_listen(configured: SocketAddr, before: Option<SocketAddr>) -> SocketAddr {
    match before {
        Some(before) if configured.port() == 0 && before.ip() == configured.ip() => before,
        _ => configured,
    }
}
