//! `alys genesis`: the execution genesis of a chain, in the form of `geth init`.

use crate::{cli::GenesisArgs, init, output};

/// Prints it.
pub(crate) fn run(args: &GenesisArgs) -> eyre::Result<()> {
    let spec = init::read_spec(&args.spec)?;
    let text = serde_json::to_string_pretty(&spec.execution_genesis_file())?;
    output::print(&text)
}
