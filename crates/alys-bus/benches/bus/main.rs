//! What the bus costs, beside ractor itself in the same run: `cargo bench -p alys-bus`.
//!
//! Trust the ratios, not the times. Rounds are interleaved, so that what else the machine does falls on
//! both sides; the median round is shown, with the least and the greatest. Each line names its goal.
//!
//! All runs inside one live info span, as every root request does; hop spans are compiled in and
//! filtered out.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a bench reads the clock, and may fail")]

mod actors;
mod cost;
mod flood;
mod restart;
mod table;

use tracing::{Instrument, level_filters::LevelFilter};

fn main() {
    // `cargo test --benches` and `cargo bench -- --list` start this too.
    if std::env::args().any(|argument| argument == "--list" || argument == "--test") {
        return;
    }
    tracing_subscriber::fmt().with_max_level(LevelFilter::INFO).with_writer(std::io::sink).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // `cargo bench -p alys-bus -- cost` runs one part.
    let wanted = |part: &str| {
        let mut named = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
        named.peek().is_none() || named.any(|name| name == part)
    };
    let all = async move {
        if wanted("cost") {
            cost::run().await;
        }
        if wanted("flood") {
            flood::run().await;
        }
        if wanted("restart") {
            restart::run().await;
        }
    };
    // In a task: the thread of `block_on` is no worker, and would pay for a wake-up per ask.
    runtime
        .block_on(async { tokio::spawn(all.instrument(tracing::info_span!("request", id = 1))).await })
        .unwrap();
}
