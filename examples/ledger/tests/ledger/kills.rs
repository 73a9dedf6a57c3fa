//! `kill -9` at random moments: every acknowledged page is there.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::running::{Running, acknowledged, verify};

/// Kills the program `times` times: while it opens, between pages, in the middle of one.
fn kill(backend: &str, times: u64) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("ledger");
    let mut rng = StdRng::seed_from_u64(times);
    let mut kept: BTreeMap<u64, String> = BTreeMap::new();
    for round in 0..times {
        let mut ledger = Running::on(&folder, backend);
        // More than it can keep before it is killed, so that it dies at work.
        let length = if rng.random_bool(0.1) { 60_000 } else { rng.random_range(1..3_000) };
        let wanted = if rng.random_bool(0.15) { 0 } else { rng.random_range(1..25) };
        let pages = if length > 10_000 { 1 } else { wanted + 20 };
        // The pipe takes some of it; the rest waits for the reader, who dies.
        let _ = ledger.give(pages.min(60_000 / length as u64), length);
        let mut lines = Vec::new();
        for _ in 0..wanted.min(pages.min(60_000 / length as u64)) {
            let Some(line) = ledger.line() else { break };
            lines.push(line);
        }
        if wanted == 0 && rng.random_bool(0.5) {
            // At some moment of opening: after a random number of tiny pauses.
            (0..rng.random_range(0..4_000u32)).for_each(|_| std::thread::yield_now());
        }
        lines.extend(ledger.kill());
        for line in &lines {
            if let Some(height) = line.strip_prefix("continues after ") {
                let height: u64 = height.parse().unwrap();
                let last = kept.last_key_value().map_or(0, |(height, _)| *height);
                assert!(height >= last, "round {round}: {last} was acknowledged, it goes on after {height}");
            }
        }
        for (height, hash) in lines.iter().filter_map(|line| acknowledged(line)) {
            assert_eq!(kept.insert(height, hash), None, "round {round}: page {height} was kept twice");
        }
        if round % 10 == 9 || round + 1 == times {
            let pages = verify(&folder, backend);
            for (height, hash) in &kept {
                assert_eq!(pages.get(height), Some(hash), "round {round}: acknowledged page {height}");
            }
            // Nothing is missing in between, acknowledged or not.
            assert_eq!(pages.len() as u64, pages.last_key_value().map_or(0, |(height, _)| height + 1));
        }
    }
    println!("{backend}: {} acknowledged pages through {times} kills", kept.len());
    assert!(kept.len() as u64 > times, "hardly anything was kept");
}

#[test]
fn every_acknowledged_page_is_there_after_fifty_kills_over_sled() {
    kill("sled", 50);
}

#[test]
fn every_acknowledged_page_is_there_after_fifty_kills_over_redb() {
    kill("redb", 50);
}
