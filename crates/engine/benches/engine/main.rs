//! What executing blocks costs, and of what the cost is made, beside raw revm in the same run.
//!
//! `cargo bench -p alys-engine` prints three tables: throughput of transfers and of ERC-20 transfers
//! at 10^3 and 10^5 accounts, split into recovery, execution, state root, receipts and commit;
//! the state root against the accounts touched; blocks in short against whole blocks; resident memory. Ratios count, not the figures: other
//! work on the machine moves all columns of a run alike.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench fails by panicking and prints")]
#![allow(clippy::disallowed_methods, reason = "a bench measures with the machine's clock")]

mod load;
mod memory;
mod phases;
mod ranges;
mod root;

use load::{Kind, Load};

/// The memory table runs alone, in a process of its own.
const MEMORY_ALONE: &str = "ALYS_BENCH_MEMORY";

fn main() {
    if std::env::var_os(MEMORY_ALONE).is_some() {
        return memory::measure();
    }
    println!(
        "blocks of {} transactions, medians of {} blocks, redb on {}",
        load::PER_BLOCK,
        load::BLOCKS,
        std::env::temp_dir().display()
    );
    println!("\nthousand transactions a second; all: recovery to durable commit; recovered: senders known");
    phases::header();
    for accounts in [1_000, 100_000] {
        for kind in [Kind::Transfer, Kind::Erc20] {
            phases::measure(&mut Load::new(kind, accounts));
        }
    }
    println!("\nstate root at 100,000 accounts, redb");
    root::measure();
    println!("\nreading over long ranges, redb");
    ranges::measure();
    println!("\nresident memory, a process of its own");
    let alone =
        std::process::Command::new(std::env::current_exe().unwrap()).env(MEMORY_ALONE, "1").status().unwrap();
    assert!(alone.success());
}
