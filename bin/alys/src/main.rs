//! The Alys node: a thin main around [`alys_node`], which composes the actors.
//!
//! `alys dev` makes and runs a development chain, `alys init` and `alys run` do the same in two steps with files between
//! them, `alys status` asks a running node, `alys db` looks after a stopped one. Exit codes: 0 after an ordered stop, 1 when
//! something failed (the reason is the last line), 2 for a command line that is wrong.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod accounts;
mod cli;
mod db;
mod dev;
mod engine;
mod genesis;
mod init;
mod logging;
mod new_chain;
mod output;
mod own_geth;
mod promises;
mod run;
mod show;
mod status;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let code = match Cli::parse().command {
        Command::Dev(args) => dev::run(&args),
        Command::Init(args) => init::run(&args).map(|()| 0),
        Command::Run(args) => run::run(&args),
        Command::Genesis(args) => genesis::run(&args).map(|()| 0),
        Command::Engine(command) => engine::run(&command),
        Command::Status(args) => status::run(&args).map(|()| 0),
        Command::Db(command) => db::run(&command),
        Command::Promises(command) => promises::run(&command).map(|()| 0),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "alys", &mut script);
            output::print(String::from_utf8_lossy(&script).trim_end()).map(|()| 0)
        }
    };
    match code {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::complain(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
