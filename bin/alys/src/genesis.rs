//! `alys genesis`: the execution genesis of a chain, in the form of `geth init`.

use std::{fs, path::Path};

use alys_primitives::ChainSpec;
use eyre::WrapErr as _;

use crate::{cli::GenesisArgs, init, output, own_geth};

/// Prints it, or writes it and says how a Geth is started with it.
pub(crate) fn run(args: &GenesisArgs) -> eyre::Result<()> {
    let spec = init::read_spec(&args.spec)?;
    match &args.out {
        None => print(&spec),
        Some(file) => output::print(&written(&spec, file)?),
    }
}

/// Prints the genesis.
pub(crate) fn print(spec: &ChainSpec) -> eyre::Result<()> {
    output::print(&serde_json::to_string_pretty(&spec.execution_genesis_file())?)
}

/// Writes the genesis to a file; what to tell of it.
pub(crate) fn written(spec: &ChainSpec, file: &Path) -> eyre::Result<String> {
    let mut text = serde_json::to_string_pretty(&spec.execution_genesis_file())?;
    text.push('\n');
    fs::write(file, text).wrap_err_with(|| format!("cannot write {}", file.display()))?;
    Ok(format!(
        "{}: genesis of chain {}, gas limit {}\n\
         Start a Geth that has nothing in it yet so, with the flags that all tests are run with (DIR: a folder for its\n\
         data; JWT: the file of the secret, which Geth makes; other clients have the same under other names):\n{}",
        file.display(),
        spec.chain_id,
        spec.blocks.gas_limit,
        own_geth::commands(spec, file).trim_end()
    ))
}
