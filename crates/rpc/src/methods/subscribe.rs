//! Subscriptions over WebSocket: `eth_subscribe` to `newHeads`, `logs`, `newPendingTransactions`, and
//! `eth_unsubscribe`.

use std::{sync::Arc, time::Duration};

use alloy_rpc_types_eth::Filter;
use alys_bus::{Context, LatestReader, protocol::chain::ChainStatus, spawn_task};
use jsonrpsee::{
    PendingSubscriptionSink, SubscriptionMessage, SubscriptionSink, core::RegisterMethodError,
    types::ErrorObjectOwned,
};
use serde::Serialize;
use tokio::{sync::OwnedSemaphorePermit, time::sleep};

use crate::{
    api::{Api, Register},
    call_error::{CallError, code},
    params::{Positional, SubscriptionName},
    watch::{Change, Kind, Look, Watch},
};

/// How many subscriptions there may be, over all connections.
pub(crate) const MOST: usize = 512;

/// How often a subscription looks without being woken: for what waits in the pool, and for a head that moves after
/// chain has said so.
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub(super) fn register(methods: &mut Register) -> Result<(), RegisterMethodError> {
    methods.add_subscription(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        |api, params, pending| {
            let owner = api.owner.clone();
            spawn_task(owner, "rpc subscription", serve(api, params, pending)).detach();
        },
    )
}

/// Serves one subscription until its client or the server ends it.
async fn serve(api: Arc<Api>, params: Result<Positional, CallError>, pending: PendingSubscriptionSink) {
    let (_place, mut watch) = match begin(&api, params).await {
        Ok(begun) => begun,
        Err(error) => return pending.reject(ErrorObjectOwned::from(error)).await,
    };
    let Ok(sink) = pending.accept().await else { return };
    let mut status = api.execution.status.clone();
    loop {
        tokio::select! {
            () = sink.closed() => return,
            () = wake(&mut status) => {}
        }
        let mut next = watch.clone();
        let look = Look { api: &api, ctx: Context::root(api.timeout) };
        match next.changes(&look).await {
            Ok(changes) => {
                if !tell(&api, &sink, changes).await {
                    return;
                }
                watch = next;
            }
            // It may be able to at the next look, and nothing is missed by then.
            Err(error) => tracing::debug!(error.message, "a subscription could not look"),
        }
    }
}

/// The place, and from where on the client is told.
async fn begin(
    api: &Arc<Api>,
    params: Result<Positional, CallError>,
) -> Result<(OwnedSemaphorePermit, Watch), CallError> {
    let mut params = params?;
    let SubscriptionName(name) = params.required("subscription")?;
    let kind = match name.as_str() {
        "newHeads" => Kind::Blocks,
        "logs" => {
            let filter: Option<Filter> = params.optional("filter")?;
            Kind::Logs(Box::new(filter.unwrap_or_default()))
        }
        "newPendingTransactions" => {
            let full = params.optional("full transactions")?.unwrap_or(false);
            Kind::Transactions { full }
        }
        other => {
            let text = format!("no {other:?} subscription in eth namespace");
            return Err(CallError::new(code::METHOD_NOT_FOUND, text));
        }
    };
    params.finish()?;
    let place = Arc::clone(&api.subscriptions).try_acquire_owned();
    let place = place.map_err(|_| CallError::limit(format!("too many subscriptions, at most {MOST}")))?;
    let watch = Watch::begin(kind, &Look { api, ctx: Context::root(api.timeout) }).await?;
    Ok((place, watch))
}

/// Until chain says something, or it is time.
async fn wake(status: &mut Option<LatestReader<ChainStatus>>) {
    let Some(reader) = status else { return sleep(LOOK_EVERY).await };
    tokio::select! {
        said = reader.changed() => if said.is_none() { *status = None },
        () = sleep(LOOK_EVERY) => {}
    }
}

/// Whether all was taken. A client that takes nothing is cut off with its connection.
async fn tell(api: &Api, sink: &SubscriptionSink, changes: Vec<Change>) -> bool {
    for change in changes {
        let message = match change {
            Change::Block(block) => {
                let mut header = block.header;
                // Of the block, not of its header.
                header.size = None;
                message(sink, &header)
            }
            Change::Log(log) => message(sink, &log),
            Change::Transaction(transaction) => message(sink, &transaction),
            Change::TransactionHash(hash) => message(sink, &hash),
        };
        let Ok(message) = message else { continue };
        if sink.send_timeout(message, api.patience).await.is_err() {
            return false;
        }
    }
    true
}

fn message(sink: &SubscriptionSink, what: &impl Serialize) -> Result<SubscriptionMessage, serde_json::Error> {
    SubscriptionMessage::new(sink.method_name(), sink.subscription_id(), what)
}
