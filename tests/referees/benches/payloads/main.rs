//! One full block of 30 M gas after the other, built and validated by the embedded engine and by Geth.
//!
//! `cargo bench -p alys-referees --bench payloads`, after `cargo xtask peers geth`. The embedded engine is
//! asked as the node asks it, by messages to its actor, with its state on the disk; Geth by `newPayload`
//! and `forkchoiceUpdated`, with the flags of a managed one. Both validate the very same blocks, which
//! neither has built. Without Geth its columns are left out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a bench measures time, and has threads of its own")]

mod geth;
mod loads;
mod ours;
mod worst;

use std::time::Duration;

use geth::Geth;
use loads::Load;
use ours::Engine;

/// Blocks of each load; medians are shown.
const BLOCKS: usize = 5;

/// What one load came to, in milliseconds.
#[derive(Default)]
struct Times {
    build: Vec<f64>,
    validate: Vec<f64>,
    follow: Vec<f64>,
}

#[tokio::main]
async fn main() {
    let only = std::env::var("ALYS_BENCH_LOAD").ok();
    println!(
        "| 30 M gas of | transactions | gas | build: ours, Geth at most | validate: ours, Geth, ratio | follow: ours, Geth |"
    );
    println!("|---|---|---|---|---|---|");
    for load in
        loads::all().into_iter().filter(|load| only.as_ref().is_none_or(|only| load.name.contains(only)))
    {
        measure(&load).await;
    }
}

async fn measure(load: &Load) {
    let builder = Engine::start(load).await;
    let validator = Engine::start(load).await;
    let geth = Geth::start(load);
    let (mut ours, mut theirs) = (Times::default(), Times::default());
    let (mut gas, mut count) = (0, 0);
    for index in 0..BLOCKS {
        let transactions = load.block(index);
        for raw in &transactions {
            builder.submit(raw).await;
        }
        let (block, took) = builder.build(index as u64 + 1).await;
        ours.build.push(took);
        gas = block.payload.payload_inner.payload_inner.gas_used;
        count = block.payload.payload_inner.payload_inner.transactions.len();
        let (validate, follow) = validator.follow(&block).await;
        ours.validate.push(validate);
        ours.follow.push(follow);
        builder.follow(&block).await;
        if let Ok(geth) = &geth {
            if index == BLOCKS - 1 {
                theirs.build.push(geth.build(&transactions, &block).await);
            }
            let (validate, follow) = geth.follow(&block).await;
            theirs.validate.push(validate);
            theirs.follow.push(follow);
        }
    }
    let (build, validate, follow) = (median(&ours.build), median(&ours.validate), median(&ours.follow));
    let beside = match &geth {
        Ok(_) => {
            let (b, v, f) = (median(&theirs.build), median(&theirs.validate), median(&theirs.follow));
            format!(
                "{build:.0} ms, {b:.0} ms | {validate:.1} ms, {v:.1} ms, {:.2}x | {follow:.1} ms, {f:.1} ms",
                validate / v
            )
        }
        Err(why) => format!("{build:.0} ms | {validate:.1} ms ({why}) | {follow:.1} ms"),
    };
    println!("| {} | {count} | {:.1} M | {beside} |", load.name, gas as f64 / 1e6);
}

fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}
