//! The bridge predeploy's code from its source: `contracts/build.mjs` with the compiler of its lock file.

use std::{path::Path, process::Command};

use eyre::WrapErr as _;

use crate::status;

/// Compiles `contracts/Bridge.sol` and writes its artifacts; with `check`, fails where the tree's
/// artifacts are not what the source compiles to, and writes nothing.
pub(crate) fn run(root: &Path, check: bool) -> eyre::Result<()> {
    let contracts = root.join("contracts");
    status(
        Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(&contracts),
    )
    .wrap_err("the compiler of contracts needs Node.js 20 or later, and npm")?;
    let mut build = Command::new("node");
    build.arg("build.mjs").current_dir(&contracts);
    if check {
        build.arg("--check");
    }
    status(&mut build)
}
