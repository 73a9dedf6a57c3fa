//! Random blocks before all referees. `ALYS_SEED` and `ALYS_BLOCKS` choose others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use alys_referees::run::{Options, Peers, play};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[tokio::test]
async fn the_embedded_engine_takes_its_own_payloads_and_refuses_forged_ones() {
    let options = Options::new(number("ALYS_SEED", 1), number("ALYS_BLOCKS", 100), Peers::default());
    let report = play(&options).await.unwrap();
    println!("{report}");
}
