//! Long runs of the referees by hand: `cargo run -p alys-referees -- --blocks 5000 --peers geth,t8n`.

use std::process::ExitCode;

use alys_referees::cli::Cli;
use alys_referees::record;
use alys_referees::run::play;
use clap::Parser as _;

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
    if let Some(file) = &cli.replay {
        return record::replay(file, cli.peers()).await;
    }
    println!("{}", play(&cli.options()).await?);
    Ok(())
}
