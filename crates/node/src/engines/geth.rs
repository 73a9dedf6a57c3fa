//! A Geth of this node's own: started with the engine's actor, kept through its restarts, stopped after it.

use std::{
    collections::VecDeque,
    env,
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use alys_bus::protocol::engine::{EngineError, EngineMessage};
use alys_bus::{Clock, Context, Owner, Task, WorkerError, WorkerStats, spawn_task};
use alys_engine::{EngineActor, EngineArgs, ExecutionClient, RemoteClient};
use alys_engine_api::{
    ManagedProcess, WipeError,
    managed::{GethConfig, ManagedGeth},
};
use alys_supervisor::{ChildSpec, KeptThreads};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use super::remote;
use crate::{builder::NodeError, slots::Parts, wiring::Wiring};

/// How often Geth may be begun anew within [`WIPES_WITHIN_MS`]. More would say that the disk or the program
/// is not sound, and would only wear it.
const WIPES: usize = 3;
const WIPES_WITHIN_MS: u64 = 3_600_000;

/// How long the actor's start waits for Geth. One that takes longer to repair itself is found by the client
/// when it is there.
const START_WITHIN: Duration = Duration::from_secs(20);

/// The process and the task that runs it. They outlive the engine's actor.
struct OwnGeth {
    geth: ManagedGeth,
    clock: Clock,
    run: Mutex<Option<Task>>,
    /// When it was begun anew, Unix ms, latest last.
    wipes: Mutex<VecDeque<u64>>,
}

impl OwnGeth {
    /// Runs Geth where it does not run. One that was given up fails `owner`, and is tried again with it.
    fn keep_running(self: &Arc<Self>, owner: &Owner) {
        let mut run = self.run.lock();
        if run.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        let geth = self.geth.clone();
        *run = Some(spawn_task(owner.clone(), "geth", async move {
            if let Err(error) = geth.run().await {
                // Not a bug of ours: the text is for the operator, and the owner's failure brings it there.
                std::panic::resume_unwind(Box::new(error.to_string()));
            }
        }));
    }
}

impl ManagedProcess for OwnGeth {
    fn wipe_and_restart(&self) -> Pin<Box<dyn Future<Output = Result<(), WipeError>> + Send + '_>> {
        Box::pin(async {
            let now = self.clock.now_ms();
            {
                let mut wipes = self.wipes.lock();
                wipes.retain(|at| at.saturating_add(WIPES_WITHIN_MS) > now);
                if wipes.len() >= WIPES {
                    return Err(WipeError::Exhausted(format!(
                        "Geth was begun anew {WIPES} times within the hour, and did not come to the chain; look at its log, its disk and its version"
                    )));
                }
                wipes.push_back(now);
            }
            self.geth.wipe_and_restart().await.map_err(|error| WipeError::Failed(error.to_string()))
        })
    }
}

impl KeptThreads for OwnGeth {
    fn stats(&self) -> Vec<WorkerStats> {
        // A process, no thread of ours: its health is the client's.
        Vec::new()
    }

    fn stop(&self, deadline: Instant) -> BoxFuture<'static, Result<(), WorkerError>> {
        let (geth, task) = (self.geth.clone(), self.run.lock().take());
        Box::pin(async move {
            if timeout_at(deadline, geth.stop()).await.is_err() {
                tracing::warn!("Geth did not stop in time, and is killed");
            }
            // What still runs is killed with its task.
            drop(task);
            Ok(())
        })
    }
}

/// The Engine API client of the own Geth.
#[derive(Clone)]
struct WithGeth {
    client: RemoteClient,
    own: Arc<OwnGeth>,
}

impl ExecutionClient for WithGeth {
    async fn attach(&self, owner: Owner) -> Result<(), EngineError> {
        self.own.keep_running(&owner);
        if let Err(error) = self.own.geth.ready(START_WITHIN).await {
            tracing::warn!(%error, "the engine starts without Geth");
        }
        self.client.attach(owner).await
    }

    fn handle(&self, ctx: Context, message: EngineMessage) {
        self.client.handle(ctx, message);
    }

    fn publish(&self) {
        self.client.publish();
    }
}

/// The kept threads of a child spec are owned by it; the client holds them as well.
struct Kept(Arc<OwnGeth>);

impl KeptThreads for Kept {
    fn stats(&self) -> Vec<WorkerStats> {
        self.0.stats()
    }

    fn stop(&self, deadline: Instant) -> BoxFuture<'static, Result<(), WorkerError>> {
        self.0.stop(deadline)
    }
}

pub(super) fn engine(wiring: &Wiring, parts: &Parts) -> Result<ChildSpec, NodeError> {
    let (spec, config) = (&parts.spec, &parts.config);
    let setup = |error: &dyn std::fmt::Display| NodeError::Setup(error.to_string());
    let program = program(&config.execution.geth)?;
    let genesis = serde_json::to_string(&spec.execution_genesis_file()).map_err(|e| setup(&e))?;
    let folder = config.geth_path();
    let geth = GethConfig::new(program, folder, genesis, spec.chain_id, spec.blocks.gas_limit);
    let geth = ManagedGeth::new(geth).map_err(|e| setup(&e))?;
    let own = Arc::new(OwnGeth {
        geth: geth.clone(),
        clock: wiring.clock.clone(),
        run: Mutex::default(),
        wipes: Mutex::default(),
    });
    let mut remote = remote::config(parts, &geth.engine_url(), remote::key(&geth.jwt())?);
    remote.public_url = Some(geth.public_url());
    let managed: Arc<dyn ManagedProcess> = Arc::clone(&own) as _;
    let client = WithGeth { client: remote::client(wiring, remote, Some(managed))?, own: Arc::clone(&own) };
    let start = move |feed| (EngineActor::default(), EngineArgs { feed, client: client.clone() });
    Ok(ChildSpec::new(&wiring.engine, start).keeps_threads(Kept(own)))
}

/// The program of the configuration, else the installed one, else one in the search path.
fn program(configured: &Path) -> Result<PathBuf, NodeError> {
    if !configured.as_os_str().is_empty() {
        return Ok(configured.to_owned());
    }
    alys_peers::geth().or_else(|not_found| {
        let path = env::var_os("PATH").unwrap_or_default();
        let found = env::split_paths(&path).map(|folder| folder.join("geth")).find(|file| file.is_file());
        found.ok_or_else(|| {
            NodeError::Setup(format!("{not_found}; or set execution.geth, or have `geth` in the search path"))
        })
    })
}
