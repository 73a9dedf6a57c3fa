//! `alys run`: a node by its configuration.

use alys_federation::{Keystore, MemberKeys};
use alys_node::{ClientKind, Node, NodeBuilder, NodeConfig, Sources};
use eyre::WrapErr as _;

use crate::{cli::RunArgs, init, logging, show};

/// Runs the node until a signal ends it; answers the exit code.
pub(crate) fn run(args: &RunArgs) -> eyre::Result<u8> {
    let config = Sources::file(Some(args.config.clone()))
        .flag("rpc.listen", args.http.map(|http| http.to_string()))
        .flag("log.filter", args.log.clone())
        .load(&NodeConfig::default())?;
    let spec = init::read_spec(&config.node.spec)?;
    if args.check {
        let keys = config
            .keys
            .keystore
            .as_ref()
            .map_or("none: follows the chain".to_owned(), |k| k.display().to_string());
        println!("configuration  {}: sound", args.config.display());
        println!("chain          {} (chain id {}, {} members)", spec.name, spec.chain_id, spec.members());
        println!("spec digest    {}", spec.digest());
        println!("genesis        {}", spec.genesis().block.hash());
        println!("data           {}", config.node.data_dir.display());
        println!("keys           {keys}");
        println!("execution      {}", client(&config));
        println!("rpc            {}", config.rpc.listen);
        return Ok(0);
    }
    logging::start(&config.log.filter)?;
    let keys = keys(&config)?;
    let mut node = Node::builder(config, spec);
    if let Some(keys) = keys {
        node = node.keys(keys);
    }
    until_stopped(node)
}

/// Which execution client, and where.
fn client(config: &NodeConfig) -> String {
    match config.execution.client {
        ClientKind::Embedded => format!("embedded, {}", config.engine_path().display()),
        ClientKind::Geth => format!("a Geth of this node's, {}", config.geth_path().display()),
        ClientKind::External => format!("external, {}", config.execution.url),
    }
}

/// This member's keys, where the configuration names them.
pub(crate) fn keys(config: &NodeConfig) -> eyre::Result<Option<MemberKeys>> {
    let (Some(folder), Some(file)) = (&config.keys.keystore, &config.keys.password_file) else {
        return Ok(None);
    };
    let password = init::read_password(file)?;
    let keys = Keystore::at(folder)
        .load(&password)
        .wrap_err_with(|| format!("cannot open the keys in {}", folder.display()))?;
    Ok(Some(keys))
}

/// Runs a node in a runtime of its own, shows what happens, and answers the exit code.
pub(crate) fn until_stopped(node: NodeBuilder) -> eyre::Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(async move {
        let node = node.start().await?;
        let shown = show::events(node.events(), node.rpc_address());
        let stopped = node.stopped();
        tokio::pin!(stopped);
        let report = tokio::select! {
            report = &mut stopped => report,
            () = shown => stopped.await,
        };
        Ok::<_, eyre::Report>(report)
    })?;
    let code = report.exit_code();
    // What is stuck cannot be waited for; all else has ended by now.
    runtime.shutdown_timeout(std::time::Duration::from_secs(if report.is_stuck() { 0 } else { 5 }));
    eprintln!("{report}");
    Ok(code)
}
