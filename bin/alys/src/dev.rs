//! `alys dev`: a development chain of one member, ready for a wallet.

mod banner;
mod funds;
mod profile;

use std::{fs, path::Path};

use alys_federation::MemberKeys;
use alys_node::{Node, NodeConfig};
use alys_primitives::ChainSpec;
use eyre::{WrapErr as _, ensure};
use tempfile::TempDir;

use crate::{
    accounts::Account,
    cli::{DevArgs, InitArgs},
    db, init, logging, new_chain, output,
};

const NAME: &str = "alys-dev";

/// A chain that is ready to run.
struct Ready {
    config: NodeConfig,
    spec: ChainSpec,
    keys: MemberKeys,
    /// Those of its funded accounts whose keys are known.
    accounts: Vec<Account>,
}

/// Runs the chain until a signal ends it; answers the exit code.
pub(crate) fn run(args: &DevArgs) -> eyre::Result<u8> {
    let temporary;
    let ready = match &args.data_dir {
        Some(folder) => in_folder(args, folder)?,
        None => {
            // A client that is a process of its own has files, too.
            temporary = TempDir::with_prefix("alys-dev-").wrap_err("cannot make a temporary folder")?;
            in_memory(args, temporary.path())?
        }
    };
    let Ready { config, spec, keys, accounts } = ready;
    logging::start(&config.log.filter)?;
    db::unmoved(&config)?;
    ensure!(spec.development, "this is no development chain; start it with `alys run`");
    let banner = banner::Banner {
        spec: &spec,
        accounts: &accounts,
        words: args.fund.words(),
        kept: args.data_dir.as_deref(),
    };
    output::print(&banner.to_string())?;
    let node = Node::builder(config, spec).keys(keys);
    crate::run::until_stopped(node)
}

/// A new chain that is gone when the program ends.
fn in_memory(args: &DevArgs, temporary: &Path) -> eyre::Result<Ready> {
    let config = profile::in_memory(args, temporary)?;
    let chain = new_chain::make(NAME, &args.chain, &args.fund)?;
    Ok(Ready { config, spec: chain.spec, keys: chain.keys, accounts: chain.accounts })
}

/// The chain in a folder, which is made where there is none.
fn in_folder(args: &DevArgs, folder: &Path) -> eyre::Result<Ready> {
    if !folder.join(init::SPEC).exists() {
        // What the command line and the environment say is wrong before anything is made, or not at all.
        profile::before_the_folder(args)?;
        let files = InitArgs {
            data_dir: folder.to_owned(),
            name: NAME.to_owned(),
            chain: args.chain.clone(),
            fund: args.fund.clone(),
            password_file: None,
            // The password lies beside the keys: dear derivation would only slow the start.
            light_kdf: true,
        };
        init::make(&files, &profile::template())?;
    }
    let folder = fs::canonicalize(folder).wrap_err_with(|| format!("cannot find {}", folder.display()))?;
    let config = profile::of_file(args, folder.join(init::CONFIG))?;
    let spec = init::read_spec(&config.node.spec)?;
    funds::same_chain(&args.chain, &spec)?;
    let accounts = funds::of_chain(&args.fund, &spec)?;
    let keys = crate::run::keys(&config)?
        .ok_or_else(|| eyre::eyre!("{} has no keys; `alys dev` needs them", folder.display()))?;
    Ok(Ready { config, spec, keys, accounts })
}
