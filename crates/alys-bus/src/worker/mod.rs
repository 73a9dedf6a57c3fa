//! An actor's own thread, for work that takes longer than a millisecond: databases, execution, signatures.
//!
//! Its queue is bounded and has the same two lanes as the address; the job carries its
//! [`Reply`](crate::Reply), and with it the credit, so work handed on stays counted. A panic in a job
//! ends the thread and is the owner's failure.
//!
//! The thread belongs to whoever keeps the [`Worker`], which is the child spec rather than the actor: a
//! restarted actor attaches to it again ([`Worker::attach`]), and only a panic of the thread opens the
//! database anew (sled and redb refuse a second open while the old handle lives).

mod queue;
mod thread;

use std::{fmt, sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};
use tracing::Span;

use crate::{Context, Lane, Owner};
use queue::{End, Item, Shared};

/// What does the jobs: called with at least one of them, in the order of their lanes.
type Work<J> = Box<dyn FnMut(Vec<(J, Context)>) + Send>;

/// Where the jobs run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerMode {
    /// On a thread of their own.
    Thread,
    /// Inside [`submit`](Worker::submit), for tests with paused time: while a real thread works, paused
    /// time runs away.
    Inline,
}

/// How many jobs may wait in each lane. Where jobs carry credits these need not be less than the
/// address' limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerLimits {
    /// In the normal lane.
    pub normal: usize,
    /// In the control lane, which is worked off first.
    pub control: usize,
}

/// The same as the address' [`Limits`](crate::Limits) by default.
impl Default for WorkerLimits {
    fn default() -> Self {
        Self { normal: 256, control: 64 }
    }
}

/// Why a job was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RejectReason {
    /// Its lane is full.
    #[error("the lane is full")]
    Full,
    /// The thread has ended or is ending.
    #[error("the thread has ended")]
    Ended,
}

/// A job that was not taken, given back.
#[derive(thiserror::Error)]
#[error("a job was rejected: {reason}")]
pub struct Rejected<J> {
    /// The job.
    pub job: J,
    /// Why.
    pub reason: RejectReason,
}

impl<J> fmt::Debug for Rejected<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejected").field("reason", &self.reason).finish_non_exhaustive()
    }
}

/// What can go wrong with the thread itself.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The operating system gave no thread.
    #[error("no thread for {name}: {source}")]
    Spawn {
        /// The worker's name.
        name: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The thread did not end in time. A thread cannot be killed: stop the process.
    #[error("the thread of {name} did not end in time; it cannot be killed, so the process must end")]
    Stuck {
        /// The worker's name.
        name: &'static str,
    },
}

/// How a worker fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerStats {
    /// The worker's name.
    pub name: &'static str,
    /// For how long the present job, or batch of jobs, has been running.
    pub running: Option<Duration>,
    /// Jobs waiting in the normal and in the control lane.
    pub queued: [usize; 2],
    /// Jobs done.
    pub done: u64,
    /// Jobs dropped before they began, because their deadline had passed.
    pub expired: u64,
    /// Whether it takes jobs.
    pub alive: bool,
}

/// A view of a worker that does not know its jobs, for health checks. It does not keep the worker alive.
#[derive(Clone)]
pub struct WorkerObserver(Arc<dyn Fn() -> WorkerStats + Send + Sync>);

impl WorkerObserver {
    /// The worker's state now.
    pub fn stats(&self) -> WorkerStats {
        (self.0)()
    }
}

impl fmt::Debug for WorkerObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorkerObserver").field(&self.stats()).finish()
    }
}

/// A handle to a thread that does jobs of type `J`. When the last one is dropped the thread ends after
/// its present job; the rest is dropped.
pub struct Worker<J> {
    handle: Arc<Handle<J>>,
}

/// Shared by all handles, and not by the thread, so that its drop is the end of the last handle.
struct Handle<J> {
    shared: Arc<Shared<J>>,
}

impl<J> Drop for Handle<J> {
    fn drop(&mut self) {
        self.shared.close(End::Now);
    }
}

impl<J: Send + 'static> Worker<J> {
    /// A worker that does one job at a time.
    pub fn spawn(
        name: &'static str,
        limits: WorkerLimits,
        mode: WorkerMode,
        mut work: impl FnMut(J, Context) + Send + 'static,
    ) -> Result<Self, WorkerError> {
        Self::batched(name, limits, mode, 1, move |jobs| {
            for (job, ctx) in jobs {
                work(job, ctx);
            }
        })
    }

    /// A worker that does all that waits, at most `max_batch` jobs, at once: for what costs per batch,
    /// as an fsync does.
    ///
    /// The batch is in the order of work: control before normal, each in order of arrival. It is never
    /// empty.
    pub fn batched(
        name: &'static str,
        limits: WorkerLimits,
        mode: WorkerMode,
        max_batch: usize,
        work: impl FnMut(Vec<(J, Context)>) + Send + 'static,
    ) -> Result<Self, WorkerError> {
        let shared = Arc::new(Shared::new(name, limits, max_batch.max(1)));
        let work: Work<J> = Box::new(work);
        match mode {
            WorkerMode::Inline => shared.keep_inline(work),
            WorkerMode::Thread => {
                thread::start(&shared, work).map_err(|source| WorkerError::Spawn { name, source })?;
            }
        }
        Ok(Self { handle: Arc::new(Handle { shared }) })
    }

    /// Makes `owner` the one whose failure a panic is. A panic that happened while nobody owned the
    /// thread is reported now.
    pub fn attach(&self, owner: Owner) {
        self.handle.shared.attach(owner);
    }

    /// Queues a job in the lane of `ctx`, i.e. that in which its message came. Dropped before it begins
    /// if its deadline passes.
    pub fn submit(&self, ctx: Context, job: J) -> Result<(), Rejected<J>> {
        self.submit_to(ctx.lane(), ctx, job)
    }

    /// Queues a job in a lane of its own choice.
    pub fn submit_to(&self, lane: Lane, ctx: Context, job: J) -> Result<(), Rejected<J>> {
        let shared = &self.handle.shared;
        shared.push(lane, Item { job, ctx, span: Span::current() })?;
        thread::run_inline(shared);
        Ok(())
    }

    /// Whether it takes jobs: false after a panic or a stop.
    pub fn is_alive(&self) -> bool {
        self.handle.shared.stats().alive
    }

    /// The state of the worker now.
    pub fn stats(&self) -> WorkerStats {
        self.handle.shared.stats()
    }

    /// A view for health checks.
    pub fn observer(&self) -> WorkerObserver {
        let shared = Arc::clone(&self.handle.shared);
        WorkerObserver(Arc::new(move || shared.stats()))
    }

    /// Takes no more jobs, does those that wait, and ends. Returns when what the thread held (its
    /// database) has been dropped.
    pub async fn stop(&self, deadline: Instant) -> Result<(), WorkerError> {
        let shared = &self.handle.shared;
        let mut ended = shared.ended();
        shared.close(End::Drained);
        thread::run_inline(shared);
        match timeout_at(deadline, ended.wait_for(|ended| *ended)).await {
            Ok(_) => Ok(()),
            Err(_) => Err(WorkerError::Stuck { name: shared.name }),
        }
    }
}

impl<J> Clone for Worker<J> {
    fn clone(&self) -> Self {
        Self { handle: Arc::clone(&self.handle) }
    }
}

impl<J> fmt::Debug for Worker<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("name", &self.handle.shared.name).finish_non_exhaustive()
    }
}
