//! `alys genesis`: the execution genesis of a chain, in the form of `geth init`.

use crate::{cli::GenesisArgs, init, logging};

/// Prints it.
pub(crate) fn run(args: &GenesisArgs) -> eyre::Result<()> {
    let spec = init::read_spec(&args.spec)?;
    let text = serde_json::to_string_pretty(&spec.execution_genesis_file())?;
    logging::print(&text)
}
