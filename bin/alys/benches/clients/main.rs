//! Nodes side by side, as a wallet meets them: `alys dev` with the embedded engine, `alys run` with Geth,
//! and anvil. Transactions go in by JSON-RPC, and count when they are in a block.
//!
//! `cargo bench -p alys --bench clients`, after `cargo xtask peers`. All nodes make a block a second with
//! the same gas limit and the same funded accounts; both nodes of ours keep their state on the disk,
//! anvil in memory. A peer that is not there is left out, and the table says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a bench measures time, and has threads of its own")]

mod load;
mod measure;
mod peer;

use load::{Kind, Load};
use measure::{Figures, Latency};
use peer::Peer;

/// Transactions of one measurement.
const TRANSACTIONS: usize = 16_000;

#[tokio::main]
async fn main() {
    let transactions = std::env::var("ALYS_BENCH_TRANSACTIONS").ok().and_then(|n| n.parse().ok());
    let transactions = transactions.unwrap_or(TRANSACTIONS);
    println!("signing {transactions} transactions of each kind");
    let loads = [Load::new(Kind::Transfer, transactions), Load::new(Kind::Erc20, transactions)];
    let mut rows = Vec::new();
    // ALYS_BENCH_NODE=geth leaves the others out.
    let only = std::env::var("ALYS_BENCH_NODE").ok();
    let nodes: [(&str, Start); 3] =
        [("embedded", peer::embedded), ("geth", peer::geth), ("anvil", peer::anvil)];
    for (_, start) in nodes.into_iter().filter(|(name, _)| only.as_ref().is_none_or(|only| only == name)) {
        match start() {
            Ok(peer) => rows.push(measure_all(peer, &loads).await),
            Err(why) => println!("left out: {why}"),
        }
    }
    print_table(&rows);
}

/// How a node is started; the error says why it is left out.
type Start = fn() -> Result<Peer, String>;

struct Row {
    name: &'static str,
    rates: Vec<(Kind, Figures)>,
    latency: Latency,
}

async fn measure_all(peer: Peer, loads: &[Load]) -> Row {
    println!("{}", peer.name);
    peer.is_up().await;
    let latency = measure::latency(&peer, &loads[0]).await;
    println!("  send to receipt: p50 {:.0} ms, p90 {:.0} ms", latency.p50_ms, latency.p90_ms);
    let mut rates = Vec::new();
    for load in loads {
        let figures = measure::rate(&peer, load).await;
        println!(
            "  {}: {:.0}/s in blocks ({:.0}/s accepted, {} blocks)",
            load.kind.name(),
            figures.mined_per_s,
            figures.accepted_per_s,
            figures.blocks
        );
        rates.push((load.kind, figures));
    }
    Row { name: peer.name, rates, latency }
}

fn print_table(rows: &[Row]) {
    let Some(first) = rows.first() else { return };
    println!(
        "\n| node | transfers/s | ERC-20/s | send to receipt p50, p90 | ours / it, transfers | ERC-20 |"
    );
    println!("|---|---|---|---|---|---|");
    for row in rows {
        let ratio = |index: usize| first.rates[index].1.mined_per_s / row.rates[index].1.mined_per_s;
        println!(
            "| {} | {:.0} | {:.0} | {:.0} ms, {:.0} ms | {:.2}x | {:.2}x |",
            row.name,
            row.rates[0].1.mined_per_s,
            row.rates[1].1.mined_per_s,
            row.latency.p50_ms,
            row.latency.p90_ms,
            ratio(0),
            ratio(1)
        );
    }
}
