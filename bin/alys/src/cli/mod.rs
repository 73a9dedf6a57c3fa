//! The command line: what can be asked of the program, with its help.

mod chain;
mod db;
mod engine;
mod member;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use chain::{ChainArgs, DevArgs, DevEngine, FundArgs, GenesisArgs, InitArgs};
pub(crate) use db::{DbArgs, DbCommand};
pub(crate) use engine::{EngineCheckArgs, EngineCommand, EngineGenesisArgs};
pub(crate) use member::{PromisesArgs, PromisesCommand, ResetArgs, RunArgs, StatusArgs};

/// A node of an Alys chain: a Bitcoin sidechain with smart contracts.
#[derive(Debug, Parser)]
#[command(name = "alys", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a development chain of one member, with funded accounts: for trying things out.
    Dev(DevArgs),
    /// Make the files of a development chain: chain spec, keys, configuration.
    Init(InitArgs),
    /// Run a node by its configuration.
    Run(RunArgs),
    /// Print the execution genesis of a chain: what an execution client of your own is initialised with.
    Genesis(GenesisArgs),
    /// Ask a running node where its chain stands.
    Status(StatusArgs),
    /// Show or reset the record of what this member has promised: its last proposal and votes.
    #[command(subcommand)]
    Promises(PromisesCommand),
    /// Look after the blocks of a node that is stopped: measure, check, copy, move them.
    #[command(subcommand)]
    Db(DbCommand),
    /// Try an execution client before a validator relies on it.
    #[command(subcommand)]
    Engine(EngineCommand),
    /// Print completions for a shell, to be sourced by it.
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_and_completions_know_it() {
        let mut script = Vec::new();
        clap_complete::generate(Shell::Bash, &mut Cli::command(), "alys", &mut script);
        let script = String::from_utf8_lossy(&script).into_owned();
        let mut commands: Vec<_> = Cli::command().get_subcommands().cloned().collect();
        while let Some(command) = commands.pop() {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
            assert!(script.contains(command.get_name()));
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
            commands.extend(command.get_subcommands().cloned());
        }
    }
}
