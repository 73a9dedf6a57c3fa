//! What happens on the chain, one log line each, for people.

use std::net::SocketAddr;

use alloy_primitives::B256;
use alys_bus::{Event, LatestReader, Subscription, protocol::chain::ChainEvent};

use crate::output;

/// Shows events until the node has gone. Its reader may be slow: what it misses is counted, not kept.
pub(crate) async fn events(mut events: Subscription<ChainEvent>, mut rpc: LatestReader<Option<SocketAddr>>) {
    let mut listening = false;
    loop {
        tokio::select! {
            // The value may be there before this reader was.
            address = rpc.wait_for(Option::is_some), if !listening => {
                listening = true;
                if let Some(Some(address)) = address
                    && let Err(error) = output::print(&format!("Listening on {address}"))
                {
                    tracing::warn!("{error:#}");
                }
            }
            event = events.next() => match event {
                Some(Event::Event(event)) => show(&event),
                Some(Event::Missed(count)) => tracing::warn!("{count} events were too fast to show"),
                None => return,
            },
        }
    }
}

fn show(event: &ChainEvent) {
    match event {
        ChainEvent::HeadMoved { head, transactions, gas_used, reorged_from, .. } => {
            let reorg =
                reorged_from.map(|height| format!(" · reorganised from {height}")).unwrap_or_default();
            let plural = if *transactions == 1 { "" } else { "s" };
            tracing::info!(
                "block {:<6} slot {:<6} {} · {transactions} transaction{plural} · {gas_used} gas{reorg}",
                head.height,
                head.slot,
                short(&head.hash),
            );
        }
        ChainEvent::Finalized { block } => tracing::debug!("final {} {}", block.height, short(&block.hash)),
        ChainEvent::SlotMissed { slot, reason } => tracing::warn!("slot {slot} has no block: {reason}"),
        ChainEvent::Blamed { member, reason } => tracing::warn!("member {member} is blamed: {reason}"),
        other => tracing::info!("{other:?}"),
    }
}

/// The first and last bytes of a hash: enough to recognise it.
fn short(hash: &B256) -> String {
    let hex = alloy_primitives::hex::encode(hash);
    format!("0x{}…{}", &hex[..8], &hex[60..])
}
