//! `alys dev`: a development chain of one member, ready for a wallet.

use std::{fmt, fs};

use alys_federation::keystore::Kdf;
use alys_node::{ClientKind, Node, NodeConfig, Sources};
use alys_primitives::ChainSpec;
use eyre::ensure;
use tempfile::TempDir;

use crate::{
    accounts::{self, Account, Listing, title},
    cli::{DevArgs, DevEngine, InitArgs},
    init, logging, new_chain,
};

const NAME: &str = "alys-dev";

/// Runs the chain until a signal ends it; answers the exit code.
pub(crate) fn run(args: &DevArgs) -> eyre::Result<u8> {
    logging::start(&args.log)?;
    let temporary;
    let (config, spec, keys, accounts) = match &args.data_dir {
        None => {
            let chain = new_chain::make(NAME, &args.chain, &args.fund)?;
            let mut config = NodeConfig::in_memory();
            open(&mut config, args);
            // A client that is a process of its own has files, too.
            temporary = TempDir::with_prefix("alys-dev-")?;
            config.node.data_dir = temporary.path().to_owned();
            (config, chain.spec, chain.keys, chain.accounts)
        }
        Some(folder) => {
            if !folder.join(init::SPEC).exists() {
                let files = InitArgs {
                    data_dir: folder.clone(),
                    name: NAME.to_owned(),
                    chain: args.chain.clone(),
                    fund: args.fund.clone(),
                    password_file: None,
                };
                // The password lies beside the keys: dear derivation would only slow the start.
                init::make(&files, Kdf::development())?;
            }
            let mut config = Sources::file(Some(fs::canonicalize(folder)?.join(init::CONFIG)))
                .load(&NodeConfig::default())?;
            open(&mut config, args);
            let spec = init::read_spec(&config.node.spec)?;
            agree(args, &spec)?;
            let keys = crate::run::keys(&config)?
                .ok_or_else(|| eyre::eyre!("{} has no keys; `alys dev` needs them", folder.display()))?;
            (config, spec, keys, accounts::derive(&args.fund.mnemonic, args.fund.accounts)?)
        }
    };
    ensure!(spec.development, "this is no development chain; start it with `alys run`");
    print!("{}", Banner { spec: &spec, accounts: &accounts, args });
    let node = Node::builder(config, spec).keys(keys);
    crate::run::until_stopped(node)
}

/// What a development node lets in: every web page of this machine's own browser.
fn open(config: &mut NodeConfig, args: &DevArgs) {
    config.rpc.listen = args.http;
    if args.http.ip().is_loopback() {
        config.rpc.cors_origins = vec!["*".to_owned()];
    }
    match args.engine {
        Some(DevEngine::Embedded) => config.execution.client = ClientKind::Embedded,
        Some(DevEngine::Geth) => config.execution.client = ClientKind::Geth,
        None => {}
    }
}

/// Flags that made a chain must not contradict it later.
fn agree(args: &DevArgs, spec: &ChainSpec) -> eyre::Result<()> {
    let asked = [
        ("--chain-id", args.chain.chain_id, spec.chain_id),
        ("--slot-seconds", args.chain.slot_seconds, spec.blocks.slot_ms / 1000),
        ("--gas-limit", args.chain.gas_limit, spec.blocks.gas_limit),
    ];
    for (flag, asked, has) in asked {
        ensure!(
            asked.is_none_or(|asked| asked == has),
            "{flag} cannot be changed: the chain in this folder has {has}; leave the flag out, or name another folder"
        );
    }
    Ok(())
}

/// What is printed before the first block.
struct Banner<'a> {
    spec: &'a ChainSpec,
    accounts: &'a [Account],
    args: &'a DevArgs,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { spec, accounts, args } = self;
        writeln!(f, "\nAlys {}: a development chain\n", env!("CARGO_PKG_VERSION"))?;
        let funds = &args.fund;
        writeln!(f, "{}", Listing { accounts, balance: funds.balance, words: &funds.mnemonic })?;
        title(f, "Chain")?;
        writeln!(f, "Chain ID:          {}", spec.chain_id)?;
        writeln!(f, "Slot:              {} s", spec.blocks.slot_ms / 1000)?;
        writeln!(f, "Gas Limit:         {}", spec.blocks.gas_limit)?;
        writeln!(f, "Base Fee:          {} wei", spec.execution_genesis.base_fee)?;
        writeln!(f, "Genesis Timestamp: {}", spec.blocks.genesis_ms / 1000)?;
        writeln!(f, "Genesis:           {}", spec.genesis().block.hash())?;
        let kept = match &args.data_dir {
            Some(folder) => folder.display().to_string(),
            None => "in memory, gone when this program ends".to_owned(),
        };
        writeln!(f, "Data:              {kept}\n")
    }
}
