//! The embedded client: the engine of this process, and the threads that work for it.
//!
//! ```text
//!   handle ──┬─ validate, forkchoice ──► engine          one thread, the only writer
//!            ├─ build, seal ───────────► engine-builder  one thread, reads and executes
//!            ├─ call, estimate ────────► engine-calls    a few threads, executes while somebody waits for it
//!            ├─ logs, proofs, history ─► engine-searches one thread or more, reads much
//!            ├─ all other questions ───► engine-lookups  microseconds each; takes transactions in
//!            └─ head ──────────────────► answered at once
//! ```
//!
//! A forkchoice is answered when head and tags have moved in memory; what is final is committed right after that, in the time until
//! the next block comes. Readers see one published moment of the engine and wait for nobody, so a wallet's call delays neither
//! a vote nor another wallet's balance, and a payload is built while blocks are judged.
//!
//! Every queue is bounded, and each has as many places as the address has credits: what the address let
//! in finds a place. Work whose deadline has passed is dropped before it starts. A panic in any thread is
//! the actor's failure; when the actor attaches again, threads that ended are started anew, and the
//! engine's own opens its database again. A write that failed ends the engine's thread in the same way.
//!
//! A database that is found damaged when it is opened, or that does not come to where storage is (`Reset`), is put aside, and
//! another is made at genesis: chain replays storage's blocks to it.

mod building;
mod builds;
mod config;
mod consensus;
mod follow;
mod opened;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
mod tests;
mod threads;
mod writing;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use alys_bus::{AskError, Clock, Context, Lane, Limits, Owner, Reply, Worker, WorkerError, WorkerMode};
use alys_database::Snapshots;
use parking_lot::Mutex;
use tokio::time::Instant;

pub use config::{EngineConfig, EngineConfigError};
pub(crate) use opened::Opened;

use crate::client::ExecutionClient;
use crate::engine::EmbeddedEngine;
use crate::error::StateError;
use crate::messages::{EngineError, EngineMessage};
use crate::metrics::EngineMetrics;
use crate::query;
use consensus::Writer;
use threads::{Building, Question, Threads, Writing};
use writing::{Aside, Opener, Published, WriterThread};

/// Opening may have to repair a database after a crash.
pub const OPEN_WITHIN: Duration = Duration::from_secs(120);

/// A payload that could not be begun within this time belongs to a slot that is over.
const BUILD_WITHIN: Duration = Duration::from_secs(60);

/// The execution client that lives inside the node. Clones are handles to the same engine.
#[derive(Clone)]
pub struct EmbeddedClient {
    inner: Arc<Inner>,
}

struct Inner {
    config: EngineConfig,
    clock: Clock,
    mode: WorkerMode,
    limits: Limits,
    open: Arc<Opener>,
    aside: OnceLock<Arc<Aside>>,
    metrics: Arc<EngineMetrics>,
    threads: Mutex<Threads>,
    opened: Published,
}

impl fmt::Debug for EmbeddedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedClient").field("head", &self.opened().map(|opened| opened.head())).finish()
    }
}

impl EmbeddedClient {
    /// A client that opens its engine by `open`: when the actor first attaches, and again after a panic of
    /// the engine's thread. `limits` are those of the engine's address.
    ///
    /// `open` is called on the engine's thread. The old engine and its database have been dropped then.
    pub fn new<D: Snapshots>(
        config: EngineConfig,
        clock: Clock,
        mode: WorkerMode,
        limits: Limits,
        open: impl Fn() -> Result<EmbeddedEngine<D>, StateError> + Send + Sync + 'static,
    ) -> Self {
        let open: Opener = Box::new(move || open().map(|engine| Box::new(engine) as Box<dyn Writer>));
        let inner = Inner {
            config,
            clock,
            mode,
            limits,
            open: Arc::new(open),
            aside: OnceLock::new(),
            metrics: Arc::new(EngineMetrics::default()),
            threads: Mutex::default(),
            opened: Published::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Says how the database is put out of the way, so that the next opening makes another at genesis: where it is found
    /// damaged, and for [`EngineMessage::Reset`]. Without it both are an operator's work. Called on the engine's
    /// thread; readers may still have the old database open.
    #[must_use]
    pub fn begins_anew_by(self, aside: impl Fn() -> Result<(), StateError> + Send + Sync + 'static) -> Self {
        // The first word holds, as for everything else that a client is made with.
        let _ = self.inner.aside.set(Arc::new(Box::new(aside)));
        self
    }

    /// Ends all threads after the work that waits, and closes the database.
    ///
    /// # Errors
    /// [`WorkerError::Stuck`] where a thread did not end before `deadline`.
    pub async fn stop(&self, deadline: Instant) -> Result<(), WorkerError> {
        let threads = std::mem::take(&mut *self.inner.threads.lock());
        threads.stop_readers(deadline).await?;
        *self.inner.opened.write() = None;
        threads.stop_writer(deadline).await
    }

    /// How the threads fare, for health checks: the engine's first. Empty before the first attachment.
    #[must_use]
    pub fn observers(&self) -> Vec<alys_bus::WorkerObserver> {
        self.inner.threads.lock().observers()
    }

    fn opened(&self) -> Option<Arc<Opened>> {
        self.inner.opened.read().clone()
    }

    /// The engine's thread, with its engine open.
    async fn open(&self) -> Result<(), EngineError> {
        let inner = &self.inner;
        let writer = {
            let mut threads = inner.threads.lock();
            match &threads.writer {
                Some(writer) if writer.is_alive() => {
                    if inner.opened.read().is_some() {
                        return Ok(());
                    }
                    // An attachment that was given up has left it opening.
                    writer.clone()
                }
                _ => {
                    // Readers that still hold the old engine keep its database open: let go of it first.
                    *inner.opened.write() = None;
                    let writer = inner.start_writer()?;
                    threads.writer = Some(writer.clone());
                    writer
                }
            }
        };
        let (reply, answer) = Reply::detached("engine");
        let ctx = Context::root(OPEN_WITHIN);
        if writer.submit(ctx, Writing::Open { reply }).is_err() {
            return Err(EngineError::Unavailable("the engine's thread has ended".into()));
        }
        let opened = answer.wait(ctx.deadline).await.map_err(|error| match error {
            AskError::Actor(error) => error,
            AskError::Timeout(_) => EngineError::Unavailable("opening the engine took too long".into()),
            _ => EngineError::Failed("opening the engine panicked".into()),
        })?;
        *inner.opened.write() = Some(opened);
        Ok(())
    }

    fn begin_building(
        &self,
        opened: &Arc<Opened>,
        lane: Lane,
        rules: alys_primitives::payload::PayloadRules,
    ) -> Result<crate::messages::PayloadId, EngineError> {
        let (id, new) = building::begin(opened, rules)?;
        if new {
            // It outlives the question: the id is the whole answer.
            let ctx = Context::root(BUILD_WITHIN);
            let job = Building::First { opened: Arc::clone(opened), id };
            self.inner
                .threads
                .lock()
                .build(lane, ctx, job)
                .map_err(|reason| EngineError::Unavailable(format!("the builder: {reason}")))?;
        }
        Ok(id)
    }
}

impl Inner {
    fn start_writer(&self) -> Result<Worker<Writing>, EngineError> {
        let mut thread = WriterThread {
            open: Arc::clone(&self.open),
            aside: self.aside.get().cloned(),
            config: self.config.clone(),
            clock: self.clock.clone(),
            metrics: Arc::clone(&self.metrics),
            published: Arc::clone(&self.opened),
            engine: None,
            unsettled: None,
        };
        let work = move |job: Writing, _: Context| thread.run(job);
        Worker::spawn("engine", threads::queue(self.limits), self.mode, work).map_err(threads::no_thread)
    }
}

impl ExecutionClient for EmbeddedClient {
    async fn attach(&self, owner: Owner) -> Result<(), EngineError> {
        self.open().await?;
        let inner = &self.inner;
        let mut threads = inner.threads.lock();
        threads.revive_readers(&inner.config, inner.limits, inner.mode, &inner.clock)?;
        threads.attach(&owner);
        Ok(())
    }

    fn handle(&self, ctx: Context, message: EngineMessage) {
        // Dropped unanswered, a message tells its asker to try again: so does the actor's end, which is
        // near where there is no engine.
        let Some(opened) = self.opened() else { return };
        match message {
            EngineMessage::ValidatePayload { block, reply } => {
                self.inner.threads.lock().write(ctx, Writing::Validate { block, reply });
            }
            EngineMessage::ForkchoiceUpdate { choice, reply } => {
                self.inner.threads.lock().write(ctx, Writing::Forkchoice { choice, reply });
            }
            EngineMessage::Reset { reply } => {
                self.inner.threads.lock().write(ctx, Writing::Reset { reply });
            }
            EngineMessage::BuildExecutionPayload { rules, reply } => {
                reply.send(self.begin_building(&opened, ctx.lane(), *rules));
            }
            EngineMessage::SealPayload { id, reply } => {
                let job = Building::Seal { opened, id, reply };
                // Refused, the job and its reply are dropped: the asker hears of it.
                let _ = self.inner.threads.lock().build(ctx.lane(), ctx, job);
            }
            EngineMessage::Head { reply } => reply.send(Ok(opened.head())),
            question => {
                let effort = query::effort(&question);
                self.inner.threads.lock().ask(effort, ctx, Question { opened, message: question });
            }
        }
    }

    fn publish(&self) {
        if let Some(opened) = self.opened() {
            let (status, bytes) = {
                let following = opened.pool.lock();
                (following.pool.status(), following.pool.bytes())
            };
            self.inner.metrics.publish(opened.head(), status, bytes);
        }
    }
}
