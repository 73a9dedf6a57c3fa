//! An ask beside a bare ractor `call` with timeout, and a tell beside a bare `cast`.

use std::time::{Duration, Instant};

use alys_bus::{Address, Limits};
use ractor::{ActorRef, rpc::CallResult};
use tokio::task::yield_now;

use super::{
    actors::{BareMessage, Message, bare, ctx, on_the_bus, start},
    table::{goal, median, quantile, spread},
};

const ROUNDS: usize = 9;
const ASKS: u64 = 20_000;
const CASTS: u64 = 400_000;
const PATIENCE: Duration = Duration::from_secs(5);

/// p50, p99 in microseconds, of every round.
#[derive(Default)]
struct Rounds {
    p50: Vec<f64>,
    p99: Vec<f64>,
}

/// Times each of many asks.
macro_rules! round {
    ($rounds:expr, $ask:expr) => {{
        let mut times = Vec::with_capacity(ASKS as usize);
        for n in 0..ASKS {
            let begun = Instant::now();
            let answer = $ask(n).await;
            times.push(begun.elapsed().as_nanos() as u64);
            assert_eq!(answer, n + 1);
        }
        $rounds.p50.push(quantile(&mut times, 0.5));
        $rounds.p99.push(quantile(&mut times, 0.99));
    }};
}

pub(crate) async fn run() {
    let bare = bare().await;
    let (address, _) = on_the_bus(Limits::new(1024, 64)).await;
    let control = address.control();
    let above = Address::new(Limits::new(1024, 64));
    start(&above, Some(address.clone()), None).await;

    let mut rows: [Rounds; 4] = Default::default();
    let (mut casts, mut tells) = (vec![], vec![]);
    for round in 0..=ROUNDS {
        round!(rows[0], |n| call(&bare, n));
        round!(rows[1], |n| ask(&address, n));
        round!(rows[2], |n| ask(&control, n));
        round!(rows[3], |n| relay(&above, n));
        casts.push(cast_rate(&bare).await);
        tells.push(tell_rate(&address).await);
        if round == 0 {
            // Warm-up.
            rows = Default::default();
            (casts, tells) = (vec![], vec![]);
        }
    }
    print(&rows, &casts, &tells);
}

fn print(rows: &[Rounds; 4], casts: &[f64], tells: &[f64]) {
    let names =
        ["bare ractor call with timeout", "ask", "ask, control lane", "ask of an actor that asks (pipe)"];
    println!("\nasks: median round of {ROUNDS} x {ASKS}, one asker; us");
    for (name, row) in names.iter().zip(rows) {
        println!("  {name:34} p50 {:32} p99 {}", spread(&row.p50), spread(&row.p99));
    }
    let ratio = |row: &Rounds| {
        let ratios: Vec<f64> = row.p50.iter().zip(&rows[0].p50).map(|(ours, bare)| ours / bare).collect();
        median(&ratios)
    };
    goal("ask / bare call, p50", ratio(&rows[1]), 2.0, true, "x");
    goal("ask in the control lane / bare call, p50", ratio(&rows[2]), 2.0, true, "x");
    println!("  two hops / bare call, p50 {:37.3} x", ratio(&rows[3]));
    println!("\ncasts: median round of {ROUNDS} x {CASTS}, one sender; millions per second");
    println!("  bare ractor cast {}", spread(casts));
    println!("  try_tell         {}", spread(tells));
    let ratios: Vec<f64> = tells.iter().zip(casts).map(|(ours, bare)| ours / bare).collect();
    goal("try_tell / bare cast, rate", median(&ratios), 0.5, false, "x");
}

async fn call(bare: &ActorRef<BareMessage>, n: u64) -> u64 {
    match bare.call(|reply| BareMessage::Get(n, reply), Some(PATIENCE)).await.unwrap() {
        CallResult::Success(Ok(answer)) => answer,
        _ => 0,
    }
}

async fn ask(address: &Address<Message>, n: u64) -> u64 {
    address.ask(ctx(PATIENCE), |reply| Message::Get { n, reply }).await.unwrap()
}

async fn relay(address: &Address<Message>, n: u64) -> u64 {
    address.ask(ctx(PATIENCE), |reply| Message::Relay { n, reply }).await.unwrap()
}

/// Both senders yield as often, or the one without a bound would only fill memory.
const BURST: u64 = 512;

async fn cast_rate(bare: &ActorRef<BareMessage>) -> f64 {
    let begun = Instant::now();
    for n in 0..CASTS {
        bare.cast(BareMessage::Note(n)).unwrap();
        if n % BURST == BURST - 1 {
            yield_now().await;
        }
    }
    call(bare, 0).await;
    CASTS as f64 / begun.elapsed().as_secs_f64() / 1e6
}

async fn tell_rate(address: &Address<Message>) -> f64 {
    let ctx = ctx(Duration::from_secs(60));
    let begun = Instant::now();
    for n in 0..CASTS {
        while address.try_tell(ctx, Message::Note { n }).is_err() {
            yield_now().await;
        }
        if n % BURST == BURST - 1 {
            yield_now().await;
        }
    }
    ask(address, 0).await;
    CASTS as f64 / begun.elapsed().as_secs_f64() / 1e6
}
