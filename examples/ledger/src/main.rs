//! A ledger that never forgets a page: what storage and supervisor do for a program of its own.
//!
//! ```text
//! ledger run FOLDER [sled|redb]       keeps each line of standard input as one page
//! ledger verify FOLDER [sled|redb]    reads everything and prints it
//! ```
//!
//! `run` prints `kept HEIGHT HASH` when a page is on the disk, and not before. It may be killed at any
//! moment: what it printed is there when it runs again, and it goes on after the last page. When the
//! disk refuses a write the supervisor starts storage again; when that does not help it stops the
//! program in order, with the reason as the last line.
//!
//! A page is a block with one "transaction", the line; nothing here knows an execution client, a
//! network or a federation.

mod keep;
mod page;
mod verify;

use std::{path::PathBuf, process::ExitCode};

use alys_database::Backend;
use alys_storage::StorageConfig;
use eyre::{OptionExt as _, bail};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let config = match configuration(args) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}\n\nledger run FOLDER [sled|redb]\nledger verify FOLDER [sled|redb]");
            return ExitCode::FAILURE;
        }
    };
    match command.as_str() {
        "run" => alys_supervisor::run_until_exit(keep::run(config)),
        "verify" => match verify::verify(config) {
            Ok(code) => code,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        },
        other => {
            eprintln!("there is no command {other:?}; there are `run` and `verify`");
            ExitCode::FAILURE
        }
    }
}

fn configuration(mut args: impl Iterator<Item = String>) -> eyre::Result<StorageConfig> {
    let folder = PathBuf::from(args.next().ok_or_eyre("which folder?")?);
    let backend = match args.next().as_deref() {
        None | Some("sled") => Backend::Sled,
        Some("redb") => Backend::Redb,
        Some(other) => bail!("there is no backend {other:?}; there are `sled` and `redb`"),
    };
    Ok(StorageConfig::new(backend, folder))
}
