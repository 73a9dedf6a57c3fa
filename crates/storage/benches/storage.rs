//! Storage against its limits, in one run: durable blocks per second one by one and in batches, point
//! reads, size on the disk. Peers: the raw database doing the same bytes, and a bare `fdatasync`.
//!
//! ```text
//! cargo bench -p alys-storage [-- BLOCKS]
//! ```
//!
//! Blocks have about 2 KB and two transactions; each is persisted, and made head and final, with all
//! index entries. What the raw databases write is recorded from the store: the same keys and values in
//! the same batches. Trust the ratios; the disk below decides the rest.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a bench measures time, prints, and ends at the first failure"
)]

#[path = "../tests/storage/blocks.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod blocks;
mod peers;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alys_database::{Backend, DatabaseConfig, open};
use alys_primitives::{B256, Bytes, SignedProposal};
use alys_storage::{BlockCache, BlockQuery, Store};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use blocks::{child, genesis, hash, update};
use peers::{Recorder, Recording};

/// Blocks in a batch, as in the goal.
const BATCH: usize = 100;
/// Medians of so many runs, store and peer in turn.
const RUNS: usize = 3;
/// Memory of each database for its pages.
const CACHE: u64 = 256 << 20;

fn main() {
    let count = std::env::args().filter_map(|arg| arg.parse().ok()).next().unwrap_or(10_000);
    let blocks = make(count);
    let bytes: usize = blocks.iter().map(|block| block.block.encode().len()).sum();
    println!("{count} blocks of {} bytes, two transactions each; medians of {RUNS} runs", bytes / count);
    let syncs = median((0..RUNS).map(|_| peers::fdatasync(2_000)));
    println!("fdatasync after 2 KB appended: {syncs:.0}/s\n");

    let singles = &blocks[..(count / 10).max(1)];
    let one_by_one = record(singles, 1);
    let batched = record(&blocks, BATCH);
    println!("{:<28}{:>12}{:>12}{:>10}{:>14}", "", "store", "raw", "ratio", "of fdatasync");
    for backend in [Backend::Sled, Backend::Redb] {
        let name = backend.name();
        writes(&format!("{name}, one by one"), backend, singles, 1, &one_by_one, syncs);
        writes(&format!("{name}, batches of {BATCH}"), backend, &blocks, BATCH, &batched, syncs);
    }
    println!("\nblocks/s, each persisted and made head: two commits a block, or two for {BATCH}\n");
    for backend in [Backend::Sled, Backend::Redb] {
        reads(backend, &blocks, &batched);
    }
}

/// A chain of blocks of about 2 KB.
fn make(count: usize) -> Vec<Arc<SignedProposal>> {
    let mut rng = StdRng::seed_from_u64(1);
    let mut chain = vec![genesis()];
    for slot in 1..count as u64 {
        let mut transaction = || Bytes::from((0..540).map(|_| rng.random()).collect::<Vec<u8>>());
        let transactions = vec![transaction(), transaction()];
        let next = child(chain.last().unwrap(), slot, transactions);
        chain.push(next);
    }
    chain
}

/// Persists and applies all blocks, `batch` at a time; returns the time each batch took.
fn fill(store: &mut Store, blocks: &[Arc<SignedProposal>], batch: usize) -> Vec<Duration> {
    let mut times = Vec::with_capacity(blocks.len() / batch + 1);
    for (index, batch) in blocks.chunks(batch).enumerate() {
        let last = batch.last().unwrap();
        // The first move of an empty storage begins at its final block.
        let first = update(&batch[0], &batch[0], &batch[..1]);
        let update = update(last, last, batch);
        let started = Instant::now();
        for outcome in store.persist(batch) {
            outcome.unwrap();
        }
        if index == 0 {
            store.apply_head(&first).unwrap();
        }
        store.apply_head(&update).unwrap();
        times.push(started.elapsed());
    }
    times
}

fn record(blocks: &[Arc<SignedProposal>], batch: usize) -> Recording {
    let recorder = Arc::new(Recorder::default());
    let mut store = Store::open(Arc::clone(&recorder) as _, BlockCache::new(1 << 20)).unwrap();
    fill(&mut store, blocks, batch);
    recorder.recording()
}

fn open_store(backend: Backend, folder: &Path, block_cache: u64) -> Store {
    let mut config = DatabaseConfig::new(backend, folder.join("store"));
    config.cache_bytes = CACHE;
    Store::open(open(&config).unwrap(), BlockCache::new(block_cache)).unwrap()
}

fn writes(
    label: &str,
    backend: Backend,
    blocks: &[Arc<SignedProposal>],
    batch: usize,
    recording: &Recording,
    syncs: f64,
) {
    let (mut ours, mut raw, mut latencies) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open_store(backend, folder.path(), 64 << 20);
        let times = fill(&mut store, blocks, batch);
        ours.push(blocks.len() as f64 / times.iter().sum::<Duration>().as_secs_f64());
        latencies.extend(times);
        let folder = tempfile::tempdir().unwrap();
        let started = Instant::now();
        peers::replay(backend, folder.path(), CACHE, recording);
        raw.push(blocks.len() as f64 / started.elapsed().as_secs_f64());
    }
    let (ours, raw) = (median(ours), median(raw));
    // Two commits, and so two syncs, for each batch.
    let limit = syncs / 2.0 * batch as f64;
    let (ratio, of_limit) = (ours / raw, ours / limit);
    println!("{label:<28}{ours:>12.0}{raw:>12.0}{ratio:>10.2}{of_limit:>14.2}");
    let (p50, p99) = quantiles(&mut latencies);
    println!("{:<28}p50 {p50:.2?}, p99 {p99:.2?} a batch (goal: p99 < 50 ms)", "");
}

fn reads(backend: Backend, blocks: &[Arc<SignedProposal>], recording: &Recording) {
    const READS: usize = 20_000;
    let name = backend.name();
    let folder = tempfile::tempdir().unwrap();
    let mut rng = StdRng::seed_from_u64(2);
    let mut hashes = || hash(&blocks[rng.random_range(0..blocks.len())]);
    let picked: Vec<B256> = (0..READS).map(|_| hashes()).collect();

    let mut store = open_store(backend, folder.path(), 1 << 30);
    fill(&mut store, blocks, BATCH);
    let (cached, _) = time(&picked, |hash| store.retrieve(BlockQuery::Hash(*hash)).unwrap().len());
    let size = store.statistics().unwrap().disk_bytes;
    drop(store);
    let store = open_store(backend, folder.path(), 0);
    let (uncached, per_second) = time(&picked, |hash| store.retrieve(BlockQuery::Hash(*hash)).unwrap().len());

    let raw_folder = tempfile::tempdir().unwrap();
    let raw = peers::replay(backend, raw_folder.path(), CACHE, recording);
    let by_hash = recording.block_keys();
    let keys: Vec<&Vec<u8>> = picked.iter().map(|hash| &by_hash[hash]).collect();
    let (bare, bare_per_second) = time(&keys, |key| raw.get(key));
    let raw_size = raw.close_and_measure(raw_folder.path());
    let data: u64 = recording.live_bytes();

    let show = |(p50, p99): (Duration, Duration)| format!("p50 {p50:.1?}, p99 {p99:.1?}");
    println!("{name}, block by hash, cached      {} (goal: p99 < 1 ms)", show(cached));
    println!(
        "{name}, block by hash, from disk   {}, {per_second:.0}/s: height, block, facts, decoded and hashed",
        show(uncached)
    );
    println!("{name}, raw get of the block       {}, {bare_per_second:.0}/s", show(bare));
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "{name}, size on disk               {:.0} MiB for {:.0} MiB of keys and values; raw {:.0} MiB; ratio {:.2}\n",
        mib(size),
        mib(data),
        mib(raw_size),
        size as f64 / raw_size as f64
    );
}

/// p50 and p99 of `work` over `inputs`, and how many it did in a second.
fn time<T>(inputs: &[T], mut work: impl FnMut(&T) -> usize) -> ((Duration, Duration), f64) {
    let mut times = Vec::with_capacity(inputs.len());
    let all = Instant::now();
    for input in inputs {
        let started = Instant::now();
        assert!(work(input) > 0, "nothing was found");
        times.push(started.elapsed());
    }
    let per_second = inputs.len() as f64 / all.elapsed().as_secs_f64();
    (quantiles(&mut times), per_second)
}

fn quantiles(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
