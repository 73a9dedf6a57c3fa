//! Long runs of the referees by hand: `cargo run -p alys-referees -- --blocks 5000 --peers geth,t8n`.

use std::path::PathBuf;
use std::process::ExitCode;

use alys_referees::generate::Profile;
use alys_referees::record;
use alys_referees::run::{Options, Peers, play};
use clap::{Parser, ValueEnum};

/// Random blocks that the embedded engine and others must judge alike.
#[derive(Debug, Parser)]
#[command(name = "alys-referees")]
struct Cli {
    /// How many blocks, over all chains.
    #[arg(long, env = "ALYS_BLOCKS", default_value_t = 1_000)]
    blocks: u64,
    /// The first chain's seed; the next chain has the next number.
    #[arg(long, env = "ALYS_SEED", default_value_t = 1)]
    seed: u64,
    /// Who judges, besides the embedded engine.
    #[arg(long, value_delimiter = ',', default_value = "geth,ethereumjs,t8n")]
    peers: Vec<Peer>,
    /// How many blocks a chain has.
    #[arg(long, default_value_t = 100)]
    chain: u64,
    /// The share of blocks that clients build. With any, a seed alone does not give the same run again.
    #[arg(long, default_value_t = 0.0)]
    building: f64,
    /// What blocks are like; by default what the slowest referee bears.
    #[arg(long)]
    profile: Option<Kind>,
    /// Judges the blocks that a failed run has written to this file, instead.
    #[arg(long)]
    replay: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Peer {
    Geth,
    Ethereumjs,
    T8n,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Everything.
    Full,
    /// Few pairings, little gas: for the specs' Python.
    Slow,
    /// What pools take and builders include.
    Pools,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> eyre::Result<()> {
    let plays = |peer| cli.peers.contains(&peer);
    let peers =
        Peers { geth: plays(Peer::Geth), ethereumjs: plays(Peer::Ethereumjs), specs: plays(Peer::T8n) };
    if let Some(file) = cli.replay {
        return record::replay(&file, peers).await;
    }
    let mut options = Options::new(cli.seed, cli.blocks, peers);
    options.chain = cli.chain;
    options.building = cli.building;
    if cli.building > 0.0 {
        options.profile = Profile::POOLS;
    }
    match cli.profile {
        Some(Kind::Full) => options.profile = Profile::FULL,
        Some(Kind::Slow) => options.profile = Profile::SLOW,
        Some(Kind::Pools) => options.profile = Profile::POOLS,
        None => {}
    }
    println!("{}", play(&options).await?);
    Ok(())
}
