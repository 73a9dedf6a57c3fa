//! `alys engine`: trying an execution client before a validator relies on it.
//!
//! `genesis` writes the genesis file of the chain on which clients are examined; `check` examines one that
//! was started with it: whom it lets in, what it offers, and the contract that every engine of a node must keep.

mod access;
mod recording;
mod subject;

use alys_testkit::contract::engine as contract;
use eyre::ensure;

use crate::{
    cli::{EngineCheckArgs, EngineCommand, EngineGenesisArgs},
    output,
};
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
    let Some(file) = &args.out else { return crate::genesis::print(&spec) };
    output::print(&format!(
        "{}\nThen, while it stands at genesis:\n  \
         alys engine check --url http://127.0.0.1:8551 --jwt JWT --http http://127.0.0.1:8545",
        crate::genesis::written(&spec, file)?
    ))
}

/// Examines the client, one sentence after the other: whom it lets in, and the contract.
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
        let (let_in, wrongly) = target.access(tell).await?;
        // What a sentence says when it fails is printed by `tell`, not as a panic.
        std::panic::set_hook(Box::new(|panic| tracing::debug!("{panic}")));
        let (examined, failed) =
            contract::examine(async || Examined::client(&target).await, tell).await;
        let _ = std::panic::take_hook();
        let (examined, failed) = (examined + let_in, failed + wrongly);
        output::print(&format!("\n{} of {examined} sentences hold", examined - failed))?;
        Ok(u8::from(failed > 0))
    })
}

/// Prints a sentence, and whether it holds.
fn tell(sentence: &str, outcome: Result<(), &str>) {
    let line = match outcome {
        Ok(()) => format!("ok      {sentence}"),
        Err(why) => format!("FAILED  {sentence}\n        {}", why.replace('\n', "\n        ")),
    };
    if let Err(error) = output::print(&line) {
        tracing::error!("{error:#}");
    }
}
