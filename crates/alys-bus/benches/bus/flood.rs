//! A vote every two milliseconds by the control lane, while the normal lane is full of slow work.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use alys_bus::{Address, Lane, Limits};
use tokio::{task::yield_now, time::sleep};

use super::{
    actors::{Message, ctx, on_the_bus},
    table::{goal, quantile},
};

const VOTES: usize = 300;
const CREDITS: usize = 256;

pub(crate) async fn run() {
    println!("\nflood: {CREDITS} credits, twice as many askers, {VOTES} votes by the control lane");
    for work in [50, 200, 1000].map(Duration::from_micros) {
        flood(work).await;
    }
}

async fn flood(work: Duration) {
    let (address, actor) = on_the_bus(Limits::new(CREDITS, 16)).await;
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicU64::new(0));
    let askers: Vec<_> = (0..CREDITS * 2)
        .map(|_| tokio::spawn(ask_for_slow_work(address.clone(), work, Arc::clone(&stop), Arc::clone(&done))))
        .collect();
    while address.stats().lane(Lane::Normal).in_flight < CREDITS {
        yield_now().await;
    }
    let (mut votes, begun) = (Vec::with_capacity(VOTES), Instant::now());
    let control = address.control();
    while votes.len() < VOTES {
        sleep(Duration::from_millis(2)).await;
        let sent = Instant::now();
        control.ask(ctx(Duration::from_secs(10)), |reply| Message::Get { n: 1, reply }).await.unwrap();
        votes.push(sent.elapsed().as_nanos() as u64);
    }
    let rate = done.load(Relaxed) as f64 / begun.elapsed().as_secs_f64();
    stop.store(true, Relaxed);
    for asker in askers {
        asker.await.unwrap();
    }
    actor.stop(None);
    let p50 = quantile(&mut votes, 0.5) / 1e3;
    let what = format!("work {work:?}: p50 {p50:.3} ms, normal {rate:.0}/s; control p99");
    goal(&what, quantile(&mut votes, 0.99) / 1e3, 10.0, true, "ms");
}

async fn ask_for_slow_work(
    address: Address<Message>,
    time: Duration,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
) {
    while !stop.load(Relaxed) {
        let outcome = address.ask(ctx(Duration::from_secs(10)), |reply| Message::Spin { time, reply }).await;
        if outcome.is_ok() {
            done.fetch_add(1, Relaxed);
        }
    }
}
