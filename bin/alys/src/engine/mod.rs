//! `alys engine`: trying an execution client before a validator relies on it.
//!
//! `genesis` writes the genesis file of the chain on which clients are examined; `check` examines one that
//! was started with it, by the contract that every engine of a node must keep.

mod recording;
mod subject;

use std::{fs, io::Write as _};

use alys_testkit::contract::engine as contract;
use eyre::{WrapErr as _, ensure};

use crate::cli::{EngineCheckArgs, EngineCommand, EngineGenesisArgs};
use subject::Examined;

/// Does what was asked; answers the exit code.
pub(crate) fn run(command: &EngineCommand) -> eyre::Result<u8> {
    match command {
        EngineCommand::Genesis(args) => genesis(args).map(|()| 0),
        EngineCommand::Check(args) => check(args),
    }
}

/// Writes the genesis file, and says with which flags a client has to be started.
fn genesis(args: &EngineGenesisArgs) -> eyre::Result<()> {
    let spec = contract::spec();
    let mut text = serde_json::to_string_pretty(&spec.execution_genesis_file())?;
    text.push('\n');
    let Some(file) = &args.out else {
        return crate::logging::print(text.trim_end());
    };
    fs::write(file, text).wrap_err_with(|| format!("cannot write {}", file.display()))?;
    println!("{}: genesis of chain {}, gas limit {}", file.display(), spec.chain_id, spec.blocks.gas_limit);
    println!("Start a client that has nothing in it yet, so (Geth; others have the same under other names):");
    println!("  geth init --datadir DIR --state.scheme hash {}", file.display());
    println!(
        "  geth --datadir DIR --state.scheme hash --gcmode archive --syncmode full --networkid {} \\\n    --miner.gaslimit {} --nodiscover --maxpeers 0 --authrpc.jwtsecret JWT --http --http.api eth,net,web3,txpool",
        spec.chain_id, spec.blocks.gas_limit
    );
    println!("  alys engine check --url http://127.0.0.1:8551 --jwt JWT --http http://127.0.0.1:8545");
    Ok(())
}

/// Runs the contract against the client, one sentence after the other.
fn check(args: &EngineCheckArgs) -> eyre::Result<u8> {
    crate::logging::start(&args.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let target = subject::Target::new(args)?;
        let head = target.look().await?;
        ensure!(
            head == 0,
            "the client stands at block {head}: the contract is examined from genesis on; start one with an empty data folder"
        );
        // What a sentence says when it fails is printed below, not as a panic.
        std::panic::set_hook(Box::new(|panic| tracing::debug!("{panic}")));
        let (examined, failed) = contract::examine(
            async || Examined::client(&target).await,
            |sentence, outcome| {
                let line = match outcome {
                    Ok(()) => format!("ok      {sentence}"),
                    Err(why) => format!("FAILED  {sentence}\n        {}", why.replace('\n', "\n        ")),
                };
                // A reader that has gone needs no more lines.
                let _ = writeln!(std::io::stdout(), "{line}");
            },
        )
        .await;
        let _ = std::panic::take_hook();
        println!("\n{} of {examined} sentences hold", examined - failed);
        Ok(u8::from(failed > 0))
    })
}
