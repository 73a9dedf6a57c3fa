//! `alys db`: looking after the blocks of a node that is stopped.
//!
//! Long work goes step by step, and says on standard error how far it is.

mod backend;
mod progress;

use alys_database::{Backend, open};
use alys_node::{NodeConfig, Sources};
use alys_storage::{
    BlockCache, Store, moving,
    moving::Move,
    store::{Checkpoint, Integrity, Prune, Step},
};
use eyre::{WrapErr as _, bail, ensure};
use serde::Serialize;
use serde_json::json;

use self::progress::{Progress, size};
use crate::{
    cli::{DbArgs, DbCommand},
    output::print,
};

/// Does what was asked; answers the exit code.
pub(crate) fn run(command: &DbCommand) -> eyre::Result<u8> {
    match command {
        DbCommand::Stats(args) => stats(args).map(|()| 0),
        DbCommand::Check(args) => check(args),
        DbCommand::Checkpoint { folder, of } => checkpoint(folder, of).map(|()| 0),
        DbCommand::Prune { below, of } => prune(*below, of).map(|()| 0),
        DbCommand::Move { to, of } => move_to(*to, of).map(|()| 0),
    }
}

/// The node's configuration, of which storage's part is used.
fn load(args: &DbArgs) -> eyre::Result<NodeConfig> {
    let config = Sources::file(Some(args.file())).load(&NodeConfig::default())?;
    ensure!(!config.is_in_memory(), "storage.backend is memory: such a node keeps no blocks on the disk");
    let database = config.storage.database_path();
    unmoved(&config)?;
    ensure!(database.exists(), "there are no blocks: {} is not there; has the node run?", database.display());
    Ok(config)
}

/// Refuses a storage that is in two pieces: opened, it would be made anew and empty.
pub(crate) fn unmoved(config: &NodeConfig) -> eyre::Result<()> {
    match moving::unfinished(&config.storage) {
        Some(interrupted) if !config.is_in_memory() => bail!(interrupted),
        _ => Ok(()),
    }
}

/// Opens the blocks for this process alone. The promise record stays closed: nothing here needs it.
fn store(args: &DbArgs) -> eyre::Result<Store> {
    let config = load(args)?.storage;
    let database = open(&config.database())?;
    let damaged = || format!("the blocks in {} cannot be opened", config.database_path().display());
    Store::open(database, BlockCache::new(config.block_cache_bytes)).wrap_err_with(damaged)
}

/// Prints a report: as JSON where it was asked for, else in words.
fn report(args: &DbArgs, report: &impl Serialize, words: &str) -> eyre::Result<()> {
    if args.json { print(&serde_json::to_string_pretty(report)?) } else { print(words) }
}

fn stats(args: &DbArgs) -> eyre::Result<()> {
    let has = store(args)?.statistics()?;
    let words = format!(
        "backend    {}\nblocks     {}\noldest     {}\nhead       {}\nfinal      {}\ndisk       {}",
        has.backend,
        has.blocks,
        has.oldest,
        has.head,
        has.finalized,
        size(has.disk_bytes)
    );
    report(args, &has, &words)
}

fn check(args: &DbArgs) -> eyre::Result<u8> {
    let store = store(args)?;
    let (mut work, mut progress) = (Integrity::new(&store), Progress::new("checking"));
    let found = loop {
        match work.step(&store)? {
            Step::More => progress.tick(String::new),
            Step::Done(found) => break found,
        }
    };
    let mut words: Vec<String> = found.damage.iter().map(|damage| format!("damage: {damage}")).collect();
    words.push(match found.damage.len() {
        0 => format!("{} entries read, all sound", found.entries),
        _ => format!(
            "{} entries read. What is damaged is never served: restore a checkpoint, or move the folder away and sync again",
            found.entries
        ),
    });
    report(args, &found, &words.join("\n"))?;
    Ok(u8::from(!found.damage.is_empty()))
}

fn checkpoint(folder: &std::path::Path, args: &DbArgs) -> eyre::Result<()> {
    let store = store(args)?;
    let (mut work, mut progress) = (Checkpoint::new(&store, folder)?, Progress::new("copying"));
    let made = loop {
        match work.step(&store)? {
            Step::More => progress.tick(String::new),
            Step::Done(made) => break made,
        }
    };
    let words = format!(
        "{}: {} entries, copied and checked; head {} {}\n\
         It holds no promise record: a member that is restored from it is locked first (alys promises reset).",
        made.path.display(),
        made.entries,
        made.head.height,
        made.head.hash
    );
    report(args, &made, &words)
}

fn prune(below: u64, args: &DbArgs) -> eyre::Result<()> {
    let mut store = store(args)?;
    let (mut work, mut progress) = (Prune::new(below), Progress::new("pruning"));
    let done = loop {
        match work.step(&mut store)? {
            Step::More => progress
                .tick(|| store.statistics().map_or(String::new(), |has| format!("below {}", has.oldest))),
            Step::Done(done) => break done,
        }
    };
    let kept = if done.oldest < below { "; the last final block always stays" } else { "" };
    let words = format!("{} blocks dropped; the oldest that is whole is {}{kept}", done.blocks, done.oldest);
    report(args, &done, &words)
}

fn move_to(to: Backend, args: &DbArgs) -> eyre::Result<()> {
    let config = load(args)?.storage;
    let (mut work, mut progress) = (Move::new(&config, to)?, Progress::new("moving"));
    let moved = loop {
        match work.step()? {
            Step::More => progress.tick(|| {
                let (copied, compared) = work.progress();
                format!("{} copied, {} compared with the original", size(copied.bytes), size(compared.bytes))
            }),
            Step::Done(moved) => break moved,
        }
    };
    let file = args.file();
    let (from, to) = (config.backend.name(), to.name());
    let told = backend::write(&file, from, to);
    let next = match &told {
        Ok(true) => format!("{} says so now: storage.backend = \"{to}\"", file.display()),
        Ok(false) => {
            format!("Now set storage.backend to \"{to}\" where it is \"{from}\": not in {}", file.display())
        }
        Err(error) => format!("Now set storage.backend to \"{to}\" in {}: {error:#}", file.display()),
    };
    let words = format!(
        "{} entries, {}, moved from {from} to {to} and compared with the original\n{next}",
        moved.entries,
        size(moved.bytes)
    );
    let told = matches!(told, Ok(true));
    let json = json!({ "entries": moved.entries, "bytes": moved.bytes, "backend": to, "configured": told });
    report(args, &json, &words)
}
