//! How punctual a chain's slots are, as an onlooker sees it: from the start of a slot to the moment at which
//! its block is the node's head, beside the bound of 200 ms.
//!
//! `cargo bench -p alys --bench slots`. One node by `alys dev` (embedded engine, durable, slots of a second), idle,
//! then under a load of transfers. The head is asked for every two milliseconds, so no figure is finer than that;
//! node and onlooker read one machine's clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a bench measures time, and has threads of its own")]
#![allow(dead_code, reason = "the parts of the bench beside it, of which this one uses some")]

#[path = "clients/load.rs"]
mod load;
#[path = "clients/measure.rs"]
mod measure;
#[path = "clients/peer.rs"]
mod peer;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use load::{Kind, Load};
use peer::{Peer, number};
use serde_json::json;

/// The most by which a block may come after its slot's start.
const BOUND_MS: f64 = 200.0;
/// Slots that are looked at, in each state.
const SLOTS: u64 = 60;
/// Transfers of one load; as many loads as the slots take.
const TRANSFERS: usize = 2_000;
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

#[tokio::main]
async fn main() {
    let load = Load::new(Kind::Transfer, TRANSFERS);
    let peer = peer::embedded().expect("alys dev starts");
    peer.is_up().await;
    println!("{SLOTS} slots of a second each");
    println!("\n| node | slots, missed | p50 | p99 | most | most to the bound of {BOUND_MS} ms |");
    println!("|---|---|---|---|---|---|");
    watch(&peer).await.print("idle");
    let under_load = async {
        loop {
            measure::rate(&peer, &load).await;
        }
    };
    tokio::select! {
        seen = watch(&peer) => seen.print("under transfers"),
        () = under_load => {}
    }
}

/// What was seen of the slots.
struct Seen {
    missed: u64,
    /// From each block's slot to its sight, ascending.
    late_ms: Vec<f64>,
}

/// Looks at the head until enough slots have passed.
async fn watch(peer: &Peer) -> Seen {
    let mut last = head(peer).await.0;
    let first = last;
    let mut late_ms = Vec::new();
    while last < first + SLOTS {
        let (slot, at_ms) = head(peer).await;
        if slot > last {
            last = slot;
            late_ms.push(at_ms - slot as f64 * 1000.0);
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    late_ms.sort_by(f64::total_cmp);
    Seen { missed: last - first - late_ms.len() as u64, late_ms }
}

/// When the head's slot began, Unix seconds, and when it was seen, Unix ms.
async fn head(peer: &Peer) -> (u64, f64) {
    let block = peer.call("eth_getBlockByNumber", json!(["latest", false])).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    (number(&block["timestamp"]), now.as_secs_f64() * 1000.0)
}

impl Seen {
    fn print(&self, name: &str) {
        let at = |share: f64| self.late_ms[((self.late_ms.len() - 1) as f64 * share) as usize];
        println!(
            "| {name} | {}, {} | {:.0} ms | {:.0} ms | {:.0} ms | {:.2}x |",
            self.late_ms.len(),
            self.missed,
            at(0.5),
            at(0.99),
            at(1.0),
            at(1.0) / BOUND_MS
        );
    }
}
