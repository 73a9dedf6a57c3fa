//! The configuration of a development node: what it lets in is the built-in profile, below file, environment and flags.

use std::path::{Path, PathBuf};

use alys_node::{NodeConfig, Sources};
use eyre::ensure;

use crate::{
    cli::{DevArgs, DevEngine},
    init, logging,
};

/// What stands in the configuration of a folder that `alys dev` makes, for the three keys that it decides.
const LEFT_TO_DEV: &str = "\
# Left out, `alys dev` decides: on a loopback address every web page of this machine's browser is let in, elsewhere
# every name; debug is open. `alys run` takes what stands here behind the #.
# ";

/// The configuration that is written into a folder: without the keys that the profile decides.
pub(super) fn template() -> String {
    ["cors_origins = []", "allowed_hosts = [\"localhost\"]", "debug = false"]
        .iter()
        .fold(init::TEMPLATE.to_owned(), |text, key| text.replace(key, &format!("{LEFT_TO_DEV}{key}")))
}

/// The configuration of a chain in memory.
pub(super) fn in_memory(args: &DevArgs, temporary: &Path) -> eyre::Result<NodeConfig> {
    let mut profile = NodeConfig::in_memory();
    profile.node.data_dir = temporary.to_owned();
    let config = load(args, Sources::file(None), profile)?;
    ensure!(
        config.is_in_memory(),
        "storage.backend is {}, and without --data-dir a development chain is in memory; name a folder",
        config.storage.backend.name()
    );
    Ok(config)
}

/// The configuration of a chain in a folder, by its file.
pub(super) fn of_file(args: &DevArgs, file: PathBuf) -> eyre::Result<NodeConfig> {
    load(args, Sources::file(Some(file)), NodeConfig::default())
}

/// Checks what can be checked before there is a file: it shall be made by a command that can work.
pub(super) fn before_the_folder(args: &DevArgs) -> eyre::Result<()> {
    load(
        args,
        Sources::file(None),
        NodeConfig { storage: NodeConfig::in_memory().storage, ..NodeConfig::default() },
    )
    .map(drop)
}

fn load(args: &DevArgs, sources: Sources, mut profile: NodeConfig) -> eyre::Result<NodeConfig> {
    let client = args.engine.map(|engine| match engine {
        DevEngine::Embedded => "embedded",
        DevEngine::Geth => "geth",
    });
    let sources = sources
        .flag("rpc.listen", args.http.map(|http| http.to_string()))
        .flag("rpc.allowed_hosts", args.allowed_hosts.clone())
        .flag("execution.client", client)
        .flag("log.filter", args.log.clone());
    // Who develops a contract traces it.
    profile.rpc.debug = true;
    // Who is let in depends on where the node listens, which any layer may say.
    if sources.load(&profile)?.rpc.listen.ip().is_loopback() {
        profile.rpc.cors_origins = vec!["*".to_owned()];
    } else {
        // In a container or a network of test machines clients use names that nobody can know here, and these coins are
        // worth nothing. Web pages stay out.
        profile.rpc.allowed_hosts = vec!["*".to_owned()];
    }
    let config = sources.load(&profile)?;
    logging::filter(&config.log.filter)?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_development_chain_leaves_to_the_profile_whom_to_let_in() {
        let template = template();
        for key in ["cors_origins", "allowed_hosts", "debug"] {
            assert!(!template.lines().any(|line| line.starts_with(key)), "{key}");
            assert!(template.lines().any(|line| line.starts_with(&format!("# {key} = "))), "{key}");
        }
    }
}
