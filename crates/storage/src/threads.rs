//! What storage's two threads do: the jobs, and the order in which blocks become batches.

use std::path::PathBuf;
use std::sync::Arc;

use alys_bus::{AskError, Context, Protocol as _, RejectReason, Reply};
use alys_primitives::SignedProposal;

use crate::messages::{
    BlockQuery, ChainRecord, CheckpointReport, HeadUpdate, IntegrityReport, Promises, PruneReport,
    StorageError, StorageMessage, StorageStatistics, StoredBlock,
};
use crate::metrics::StorageMetrics;
use crate::promises::{PromiseError, PromiseRecord};
use crate::store::{Checkpoint, Integrity, Prune, Step, Store};

/// The answer of a request to storage.
pub(crate) type Answer<T> = Reply<T, StorageError>;

/// Sends a long job through the actor, so that it comes to the end of the queue.
pub(crate) type Again = Arc<dyn Fn(LongJob, Context) + Send + Sync>;

/// A job of the thread that owns the database.
#[derive(Debug)]
pub enum BlockJob {
    #[doc(hidden)]
    Persist(Arc<SignedProposal>, Answer<()>),
    #[doc(hidden)]
    Apply(Box<HeadUpdate>, Answer<()>),
    #[doc(hidden)]
    Retrieve(BlockQuery, Answer<Vec<Arc<StoredBlock>>>),
    #[doc(hidden)]
    LoadChain(Answer<Option<Box<ChainRecord>>>),
    #[doc(hidden)]
    Statistics(Answer<StorageStatistics>),
    #[doc(hidden)]
    Long(LongJob),
}

/// A job of the thread that owns the promise record.
#[derive(Debug)]
pub enum PromiseJob {
    #[doc(hidden)]
    Persist(Box<Promises>, Answer<()>),
    #[doc(hidden)]
    Load(Answer<Box<Promises>>),
}

/// A job that is done in steps.
pub struct LongJob {
    pub(crate) work: LongWork,
    pub(crate) again: Again,
}

impl std::fmt::Debug for LongJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LongJob").field("work", &self.work).finish_non_exhaustive()
    }
}

/// What a long job does, and whom it answers.
#[derive(Debug)]
pub(crate) enum LongWork {
    Prune(Prune, Answer<PruneReport>),
    /// The folder, and the work once it has begun.
    Checkpoint(PathBuf, Option<Box<Checkpoint>>, Answer<CheckpointReport>),
    Check(Option<Box<Integrity>>, Answer<IntegrityReport>),
}

/// A job whose reply can say that its thread takes no more.
pub(crate) trait Refusable {
    fn refuse(self, reason: RejectReason);
}

fn refuse<T>(reply: Answer<T>, reason: RejectReason) {
    let actor = StorageMessage::ACTOR;
    reply.forward(Err(match reason {
        RejectReason::Full => AskError::Overloaded(actor),
        RejectReason::Ended => AskError::Unavailable(actor),
    }));
}

impl Refusable for BlockJob {
    fn refuse(self, reason: RejectReason) {
        match self {
            Self::Persist(_, reply) | Self::Apply(_, reply) => refuse(reply, reason),
            Self::Retrieve(_, reply) => refuse(reply, reason),
            Self::LoadChain(reply) => refuse(reply, reason),
            Self::Statistics(reply) => refuse(reply, reason),
            Self::Long(LongJob { work, .. }) => match work {
                LongWork::Prune(_, reply) => refuse(reply, reason),
                LongWork::Checkpoint(_, _, reply) => refuse(reply, reason),
                LongWork::Check(_, reply) => refuse(reply, reason),
            },
        }
    }
}

impl Refusable for PromiseJob {
    fn refuse(self, reason: RejectReason) {
        match self {
            Self::Persist(_, reply) => refuse(reply, reason),
            Self::Load(reply) => refuse(reply, reason),
        }
    }
}

/// Ends the thread as a panic does, so that its owner fails and is started again with a database
/// opened anew. Everybody concerned has been answered.
fn end_thread(why: &str) -> ! {
    tracing::error!(why, "storage's thread ends: what is on the disk is known after opening it again");
    std::panic::resume_unwind(Box::new(format!("storage failed: {why}")))
}

/// The thread that owns the database.
pub(crate) struct BlockThread {
    store: Store,
    metrics: StorageMetrics,
}

impl BlockThread {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, metrics: StorageMetrics::register() }
    }

    /// Does jobs in their order; blocks that follow each other are one batch.
    pub(crate) fn run(&mut self, jobs: Vec<(BlockJob, Context)>) {
        let mut blocks = Vec::new();
        for (job, ctx) in jobs {
            if let BlockJob::Persist(block, reply) = job {
                blocks.push((block, reply));
                continue;
            }
            self.persist(&mut blocks);
            self.one(job, ctx);
        }
        self.persist(&mut blocks);
    }

    fn persist(&mut self, waiting: &mut Vec<(Arc<SignedProposal>, Answer<()>)>) {
        if waiting.is_empty() {
            return;
        }
        let (blocks, replies): (Vec<_>, Vec<_>) = waiting.drain(..).unzip();
        let outcomes = self.store.persist(&blocks);
        self.metrics.persisted(blocks.len());
        for (reply, outcome) in replies.into_iter().zip(outcomes) {
            self.answer(reply, outcome);
        }
        self.end_if_failed();
    }

    fn one(&mut self, job: BlockJob, ctx: Context) {
        match job {
            BlockJob::Persist(block, reply) => self.persist(&mut vec![(block, reply)]),
            BlockJob::Apply(update, reply) => {
                let outcome = self.store.apply_head(&update);
                if outcome.is_ok() {
                    self.metrics.head_applied(update.head.height, update.finalized.height);
                }
                self.answer(reply, outcome);
            }
            BlockJob::Retrieve(query, reply) => self.answer(reply, self.store.retrieve(query)),
            BlockJob::LoadChain(reply) => {
                self.answer(reply, self.store.load_chain().map(|chain| chain.map(Box::new)));
            }
            BlockJob::Statistics(reply) => {
                let statistics = self.store.statistics();
                if let Ok(statistics) = &statistics {
                    self.metrics.cache(statistics);
                }
                self.answer(reply, statistics);
            }
            BlockJob::Long(job) => self.long(job, ctx),
        }
        self.end_if_failed();
    }

    fn answer<T>(&self, reply: Answer<T>, outcome: Result<T, StorageError>) {
        if let Err(StorageError::Corrupt(damage)) = &outcome {
            self.metrics.damage_found();
            tracing::error!(damage, "damage was found and not served");
        }
        reply.send(outcome);
    }

    fn end_if_failed(&self) {
        if let Some(why) = self.store.failure() {
            end_thread(why);
        }
    }

    /// One step; if there is more to do, back to the end of the queue.
    fn long(&mut self, job: LongJob, ctx: Context) {
        let LongJob { work, again } = job;
        let store = &mut self.store;
        let more = match work {
            LongWork::Prune(mut prune, reply) => match prune.step(store) {
                Ok(Step::More) => Some(LongWork::Prune(prune, reply)),
                Ok(Step::Done(report)) => {
                    self.metrics.pruned(report.blocks);
                    reply.send(Ok(report));
                    None
                }
                Err(error) => {
                    self.answer(reply, Err(error));
                    None
                }
            },
            LongWork::Checkpoint(path, begun, reply) => {
                let begun = begun.map_or_else(|| Checkpoint::new(store, &path).map(Box::new), Ok);
                match begun.and_then(|mut work| work.step(store).map(|step| (work, step))) {
                    Ok((work, Step::More)) => Some(LongWork::Checkpoint(path, Some(work), reply)),
                    Ok((_, Step::Done(report))) => {
                        reply.send(Ok(report));
                        None
                    }
                    Err(error) => {
                        self.answer(reply, Err(error));
                        None
                    }
                }
            }
            LongWork::Check(begun, reply) => {
                let mut work = begun.unwrap_or_else(|| Box::new(Integrity::new(store)));
                match work.step(store) {
                    Ok(Step::More) => Some(LongWork::Check(Some(work), reply)),
                    Ok(Step::Done(report)) => {
                        reply.send(Ok(report));
                        None
                    }
                    Err(error) => {
                        self.answer(reply, Err(error));
                        None
                    }
                }
            }
        };
        if let Some(work) = more {
            let next = Arc::clone(&again);
            next(LongJob { work, again }, ctx);
        }
    }
}

/// The thread that owns the promise record.
pub(crate) struct PromiseThread {
    record: PromiseRecord,
    metrics: StorageMetrics,
}

impl PromiseThread {
    pub(crate) fn new(record: PromiseRecord) -> Self {
        Self { record, metrics: StorageMetrics::register() }
    }

    pub(crate) fn run(&mut self, job: PromiseJob) {
        match job {
            PromiseJob::Load(reply) => reply.send(Ok(Box::new(self.record.promises().clone()))),
            PromiseJob::Persist(promises, reply) => match self.record.persist(&promises) {
                Ok(()) => {
                    self.metrics.promised();
                    reply.send(Ok(()));
                }
                Err(error @ PromiseError::TooLarge { .. }) => {
                    reply.send(Err(StorageError::Refused(error.to_string())));
                }
                Err(error) => {
                    let why = error.to_string();
                    reply.send(Err(StorageError::Io(why.clone())));
                    end_thread(&why);
                }
            },
        }
    }
}
