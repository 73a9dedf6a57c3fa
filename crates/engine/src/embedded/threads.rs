//! The threads of the embedded client, and what each is given to do.

use std::sync::Arc;

use alys_bus::{
    Clock, Context, Lane, Limits, Owner, RejectReason, Reply, Worker, WorkerError, WorkerLimits, WorkerMode,
    WorkerObserver,
};
use alys_primitives::Block;
use tokio::time::Instant;

use super::{EngineConfig, Opened, building};
use crate::messages::{
    EngineError, EngineHead, EngineMessage, Forkchoice, PayloadId, PayloadVerdict, SealedPayload,
};
use crate::query::{self, Effort};

/// A job of the engine's own thread.
pub(super) enum Writing {
    /// The first job: open the database.
    Open { reply: Reply<Arc<Opened>, EngineError> },
    /// Judge a payload.
    Validate { block: Arc<Block>, reply: Reply<PayloadVerdict, EngineError> },
    /// Follow the head.
    Forkchoice { choice: Forkchoice, reply: Reply<EngineHead, EngineError> },
    /// Begin at genesis again.
    Reset { reply: Reply<(), EngineError> },
    /// The last job: commit what may be committed.
    Flush,
}

/// A job of the builder.
pub(super) enum Building {
    /// Build a first version.
    First { opened: Arc<Opened>, id: PayloadId },
    /// Improve it once more, and hand it out.
    Seal { opened: Arc<Opened>, id: PayloadId, reply: Reply<Box<SealedPayload>, EngineError> },
}

/// A question of a wallet, with the engine it is put to.
pub(super) struct Question {
    pub(super) opened: Arc<Opened>,
    pub(super) message: EngineMessage,
}

/// All threads. Empty until the actor attaches for the first time.
#[derive(Default)]
pub(super) struct Threads {
    pub(super) writer: Option<Worker<Writing>>,
    builder: Option<Worker<Building>>,
    calls: Vec<Worker<Question>>,
    searches: Vec<Worker<Question>>,
    lookups: Vec<Worker<Question>>,
}

/// As many places as the address has credits.
pub(super) fn queue(limits: Limits) -> WorkerLimits {
    // One more, for the job that opens the engine.
    WorkerLimits { normal: limits.normal.saturating_add(1), control: limits.control.saturating_add(1) }
}

pub(super) fn no_thread(error: WorkerError) -> EngineError {
    EngineError::Unavailable(error.to_string())
}

pub(super) fn not_open() -> EngineError {
    EngineError::Unavailable("the engine is not open".into())
}

impl Threads {
    /// Starts the reading threads that are not there, or have ended.
    pub(super) fn revive_readers(
        &mut self,
        config: &EngineConfig,
        limits: Limits,
        mode: WorkerMode,
        clock: &Clock,
    ) -> Result<(), EngineError> {
        if !self.builder.as_ref().is_some_and(Worker::is_alive) {
            let clock = clock.clone();
            let work = move |job: Building, ctx: Context| build(&clock, ctx, job);
            let builder = Worker::spawn("engine-builder", queue(limits), mode, work);
            self.builder = Some(builder.map_err(no_thread)?);
        }
        for (name, pool, count) in [
            ("engine-calls", &mut self.calls, config.call_threads),
            ("engine-searches", &mut self.searches, config.search_threads),
            ("engine-lookups", &mut self.lookups, config.lookup_threads),
        ] {
            pool.retain(Worker::is_alive);
            while pool.len() < count {
                let answer = |question: Question, ctx: Context| {
                    query::answer(&question.opened, ctx, question.message);
                };
                let worker = Worker::spawn(name, queue(limits), mode, answer);
                pool.push(worker.map_err(no_thread)?);
            }
        }
        Ok(())
    }

    /// Makes `owner` the one who answers for panics.
    pub(super) fn attach(&self, owner: &Owner) {
        if let Some(writer) = &self.writer {
            writer.attach(owner.clone());
        }
        if let Some(builder) = &self.builder {
            builder.attach(owner.clone());
        }
        for reader in self.readers() {
            reader.attach(owner.clone());
        }
    }

    // A job that is rejected is dropped, and its asker told so by its reply: the thread has ended, for
    // the queues have as many places as the address has credits.

    pub(super) fn write(&self, ctx: Context, job: Writing) {
        if let Some(writer) = &self.writer {
            let _ = writer.submit(ctx, job);
        }
    }

    pub(super) fn build(&self, lane: Lane, ctx: Context, job: Building) -> Result<(), RejectReason> {
        let builder = self.builder.as_ref().ok_or(RejectReason::Ended)?;
        builder.submit_to(lane, ctx, job).map_err(|rejected| rejected.reason)
    }

    /// Gives a question to the thread with the least to do, of those for its effort.
    pub(super) fn ask(&self, effort: Effort, ctx: Context, question: Question) {
        let pool = match effort {
            Effort::Execution => &self.calls,
            Effort::Search => &self.searches,
            Effort::Lookup => &self.lookups,
        };
        let load = |worker: &&Worker<Question>| {
            let stats = worker.stats();
            let busy = usize::from(stats.running.is_some());
            (!stats.alive, stats.queued[0] + stats.queued[1] + busy)
        };
        let free = if pool.len() == 1 { pool.first() } else { pool.iter().min_by_key(load) };
        if let Some(worker) = free {
            let _ = worker.submit(ctx, question);
        }
    }

    pub(super) fn observers(&self) -> Vec<WorkerObserver> {
        let writer = self.writer.iter().map(Worker::observer);
        let builder = self.builder.iter().map(Worker::observer);
        writer.chain(builder).chain(self.readers().map(Worker::observer)).collect()
    }

    fn readers(&self) -> impl Iterator<Item = &Worker<Question>> {
        self.lookups.iter().chain(&self.searches).chain(&self.calls)
    }

    pub(super) async fn stop_readers(&self, deadline: Instant) -> Result<(), WorkerError> {
        for reader in self.readers() {
            reader.stop(deadline).await?;
        }
        match &self.builder {
            Some(builder) => builder.stop(deadline).await,
            None => Ok(()),
        }
    }

    pub(super) async fn stop_writer(&self, deadline: Instant) -> Result<(), WorkerError> {
        match &self.writer {
            Some(writer) => {
                // Refused where the thread has ended: then there is nothing left to commit.
                let _ = writer.submit(Context::root_at(deadline), Writing::Flush);
                writer.stop(deadline).await
            }
            None => Ok(()),
        }
    }
}

fn build(clock: &Clock, ctx: Context, job: Building) {
    match job {
        Building::First { opened, id } => building::first_version(&opened, clock, id),
        Building::Seal { opened, id, reply } => {
            if !reply.is_abandoned() {
                reply.send(building::seal(&opened, clock, ctx, id).map(Box::new));
            }
        }
    }
}
