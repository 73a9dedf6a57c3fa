//! Random blocks before all referees.
//!
//! `ALYS_SEED` and `ALYS_BLOCKS` choose other blocks and how many; a failure prints the command that plays
//! its chain again. Referees are skipped where they are not installed (`cargo xtask peers`), and must be
//! there where `ALYS_PEERS=required`. All tests together play more than 2,000 blocks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use alys_peers::required;
use alys_referees::generate::{Kind, MOST_WITHDRAWALS, Profile};
use alys_referees::report::Report;
use alys_referees::run::{Options, Peers, play};

const GETH: Peers = Peers { geth: true, ethereumjs: false, specs: false };
const ETHEREUMJS: Peers = Peers { geth: false, ethereumjs: true, specs: false };
const SPECS: Peers = Peers { geth: false, ethereumjs: false, specs: true };
const ALL: Peers = Peers { geth: true, ethereumjs: true, specs: true };

/// The type of transactions with authorisations.
const EIP_7702: u8 = 4;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Blocks of the embedded engine, judged by `peers`. `None` where one is not installed.
fn options(peers: Peers, blocks: u64) -> Option<Options> {
    if peers.geth {
        required(alys_peers::geth())?;
    }
    if peers.ethereumjs {
        required(alys_peers::ethereumjs())?;
    }
    if peers.specs {
        required(alys_peers::t8n())?;
    }
    Some(Options::new(number("ALYS_SEED", 1), number("ALYS_BLOCKS", blocks), peers))
}

/// As [`options`], with half of the blocks built by the others.
fn built_by_others(peers: Peers, blocks: u64) -> Option<Options> {
    let options = options(peers, blocks)?;
    Some(Options { building: 0.5, profile: Profile::POOLS, ..options })
}

async fn played(options: Options) -> Report {
    shown(play(&options).await, options.blocks)
}

/// The same, half of the chains beside the others: the specs are one thread of Python.
#[allow(clippy::disallowed_methods, reason = "a test ends with its threads")]
async fn played_in_halves(options: Options) -> Report {
    let first = Options { blocks: options.blocks.div_ceil(2), ..options };
    let chains = first.blocks.div_ceil(first.chain);
    let second = Options { blocks: options.blocks - first.blocks, seed: options.seed + chains, ..options };
    let runtime = tokio::runtime::Handle::current();
    let other = tokio::task::spawn_blocking(move || runtime.block_on(play(&second)));
    let report = play(&first).await;
    let other = other.await.unwrap();
    shown(report.and_then(|mut report| other.map(|other| report.add(other)).map(|()| report)), options.blocks)
}

fn shown(report: eyre::Result<Report>, blocks: u64) -> Report {
    let report = report.unwrap_or_else(|error| panic!("{error:?}"));
    println!("{report}");
    assert_eq!(report.blocks, blocks);
    report
}

/// Transactions of every kind are in blocks, and have ended as they are meant to: what was planned and left
/// out proves nothing. So are authorisations, and as many withdrawals as there may be.
fn every_kind_is_in_blocks(report: &Report) {
    for kind in Kind::ALL {
        let outcomes = report.outcomes(kind);
        let meant = match kind {
            Kind::OutOfGas | Kind::Revert => outcomes.failed,
            _ => outcomes.succeeded,
        };
        assert!(meant > 0, "no {kind} is in a block and has ended as it should: {report}");
    }
    assert!(report.types.get(&EIP_7702).is_some_and(|count| *count > 0), "{report}");
    assert_eq!(report.most_withdrawals, MOST_WITHDRAWALS, "{report}");
}

// The longest: by its name among the first to run.
#[tokio::test(flavor = "multi_thread")]
async fn blocks_that_run_every_opcode_and_precompile_have_the_same_roots_by_the_execution_specs() {
    let Some(options) = options(SPECS, 600) else { return };
    let report = played_in_halves(Options { profile: Profile::FULL, ..options }).await;
    assert_eq!(report.referees["t8n"].valid, report.blocks);
    every_kind_is_in_blocks(&report);
    let coverage = report.coverage;
    assert_eq!(coverage.opcodes.len(), OPCODES, "{:?}", coverage.opcodes.keys());
    let precompiles: Vec<_> = coverage.precompiles.into_keys().collect();
    assert_eq!(precompiles, (1..=0x11).collect::<Vec<_>>());
}

#[tokio::test]
async fn geth_finds_the_embedded_engine_s_blocks_valid_with_equal_hashes_on_all_branches() {
    let Some(options) = options(GETH, 1_200) else { return };
    let report = played(options).await;
    assert_eq!(report.referees["geth"].valid, report.blocks);
    every_kind_is_in_blocks(&report);
    assert!(report.side_branches > 0 && report.with_requests > 0 && report.forgeries.len() > 20, "{report}");
}

#[tokio::test]
async fn ethereumjs_finds_the_embedded_engine_s_blocks_valid_with_equal_hashes_on_all_branches() {
    let Some(options) = options(ETHEREUMJS, 150) else { return };
    let report = played(options).await;
    assert_eq!(report.referees["ethereumjs"].valid, report.blocks);
}

/// Prague's opcodes as the specs list them: `INVALID` is none of theirs.
const OPCODES: usize = 148;

#[tokio::test]
async fn what_geth_builds_the_embedded_engine_finds_valid_and_the_other_way_round() {
    let Some(options) = built_by_others(GETH, 150) else { return };
    let report = played(options).await;
    assert!(report.referees["geth"].built > 30 && report.referees["geth"].transactions > 100, "{report}");
}

#[tokio::test]
async fn what_ethereumjs_builds_the_embedded_engine_finds_valid_and_the_other_way_round() {
    let Some(options) = built_by_others(ETHEREUMJS, 40) else { return };
    let report = played(options).await;
    assert!(
        report.referees["ethereumjs"].built > 8 && report.referees["ethereumjs"].transactions > 20,
        "{report}"
    );
}

#[tokio::test]
async fn all_four_follow_one_chain_that_any_of_them_builds() {
    let Some(options) = built_by_others(ALL, 30) else { return };
    let report = played(options).await;
    for name in ["geth", "ethereumjs", "t8n"] {
        assert_eq!(report.referees[name].valid, report.blocks, "{report}");
    }
}

#[tokio::test]
async fn the_embedded_engine_takes_its_own_payloads_and_refuses_forged_ones() {
    let report = played(Options::new(number("ALYS_SEED", 1), 60, Peers::default())).await;
    assert!(!report.forgeries.is_empty());
}
