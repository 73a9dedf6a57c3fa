//! `alys run`: a node by its configuration.

use std::sync::Arc;

use alys_bus::Clock;
use alys_federation::{FederationSetup, Keystore, MemberKeys};
use alys_node::{ClientKind, Node, NodeBuilder, NodeConfig, Sources};
use alys_primitives::ChainSpec;
use eyre::WrapErr as _;

use crate::{cli::RunArgs, db, init, logging, output, show};

/// Runs the node until a signal ends it; answers the exit code.
pub(crate) fn run(args: &RunArgs) -> eyre::Result<u8> {
    let config = Sources::file(Some(args.config.clone()))
        .flag("rpc.listen", args.http.map(|http| http.to_string()))
        .flag("rpc.allowed_hosts", args.allowed_hosts.clone())
        .flag("log.filter", args.log.clone())
        .load(&NodeConfig::default())?;
    let spec = init::read_spec(&config.node.spec)?;
    db::unmoved(&config)?;
    if args.check {
        return check(args, config, spec).map(|()| 0);
    }
    logging::start(&config.log.filter)?;
    let keys = keys(&config)?;
    let mut node = Node::builder(config, spec);
    if let Some(keys) = keys {
        node = node.keys(keys);
    }
    if args.first_start {
        node = node.first_start();
    }
    until_stopped(node)
}

/// Tries all that a start would try before it opens a database, and prints what it would use.
fn check(args: &RunArgs, config: NodeConfig, spec: ChainSpec) -> eyre::Result<()> {
    logging::filter(&config.log.filter)?;
    let folder = config.keys.keystore.as_ref().map(|folder| folder.display().to_string());
    let keys = keys(&config)?;
    let own = keys.as_ref().map(|keys| keys.identity.public_key());
    let member = spec.federation.members.iter().position(|member| Some(member.identity) == own);
    let spec = Arc::new(spec);
    // Whether the keys are those of one member of this chain.
    FederationSetup::new(Arc::clone(&spec), keys, config.federation, Clock::system())?;
    let keys = match (folder, member) {
        (Some(folder), Some(member)) => format!("{folder}: member {member}"),
        _ => "none: follows the chain".to_owned(),
    };
    output::print(&format!(
        "configuration  {}: sound\n\
         chain          {} (chain id {}, {} members)\n\
         spec digest    {}\n\
         genesis        {}\n\
         data           {}\n\
         keys           {keys}\n\
         execution      {}\n\
         rpc            {}\n\
         log            {}",
        args.config.display(),
        spec.name,
        spec.chain_id,
        spec.members(),
        spec.digest(),
        spec.genesis().block.hash(),
        config.node.data_dir.display(),
        client(&config),
        config.rpc.listen,
        config.log.filter,
    ))
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
    output::complain(&report.to_string());
    Ok(code)
}
