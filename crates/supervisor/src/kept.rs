//! Threads that outlive the actors that use them.

use std::{fmt, sync::Arc};

use alys_bus::{Worker, WorkerError, WorkerStats};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::core::ReleaseError;

/// A [`Worker`] that belongs to the child spec: opened by the first incarnation, found again by the next, opened anew only after a panic of
/// the thread, and stopped when the node stops, after the actor.
///
/// What the thread owns (a database) is owned by the spec so too. Clones lead to the same thread: one goes into the spec with
/// [`keeps`](crate::ChildSpec::keeps), one into the function that starts the actor.
///
/// ```
/// use alys_bus::{Worker, WorkerLimits, WorkerMode};
/// use alys_supervisor::KeptWorker;
///
/// let kept = KeptWorker::<u64>::new();
/// let open = || Worker::spawn("adder", WorkerLimits::default(), WorkerMode::Inline, |_number, _ctx| {});
/// let worker = kept.get_or_open(open)?;
/// assert!(worker.is_alive());
/// # Ok::<(), alys_bus::WorkerError>(())
/// ```
pub struct KeptWorker<J> {
    slot: Arc<Mutex<Option<Worker<J>>>>,
}

impl<J: Send + 'static> KeptWorker<J> {
    /// A place for a thread, empty until it is first asked for.
    pub fn new() -> Self {
        Self { slot: Arc::new(Mutex::new(None)) }
    }

    /// The thread that runs; or, at first and after a panic, the one that `open` makes.
    ///
    /// After a panic the thread has dropped what it owned before it counts as dead, so a database can be opened again. The new
    /// incarnation makes itself the owner with [`Worker::attach`] in its `pre_start`.
    ///
    /// `open` runs in the task of the start, on a thread of the runtime: it may take the time that opening a database does, but must not
    /// wait for other actors.
    pub fn get_or_open<E>(&self, open: impl FnOnce() -> Result<Worker<J>, E>) -> Result<Worker<J>, E> {
        let mut slot = self.slot.lock();
        if let Some(worker) = slot.as_ref().filter(|worker| worker.is_alive()) {
            return Ok(worker.clone());
        }
        // The dead one goes first, with whatever it may still hold.
        *slot = None;
        let worker = open()?;
        *slot = Some(worker.clone());
        Ok(worker)
    }
}

impl<J: Send + 'static> Default for KeptWorker<J> {
    fn default() -> Self {
        Self::new()
    }
}

impl<J> Clone for KeptWorker<J> {
    fn clone(&self) -> Self {
        Self { slot: Arc::clone(&self.slot) }
    }
}

impl<J> fmt::Debug for KeptWorker<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptWorker").finish_non_exhaustive()
    }
}

/// Threads that belong to a child spec, whatever holds them: a [`KeptWorker`], or something that keeps
/// several threads behind one handle.
pub trait KeptThreads: Send + Sync {
    /// How they fare, those that there are: the supervisor looks for one that works without progress.
    fn stats(&self) -> Vec<WorkerStats>;

    /// Lets them do what waits, and end. Called once, after the actor has stopped for good.
    fn stop(&self, deadline: Instant) -> BoxFuture<'static, Result<(), WorkerError>>;
}

impl<J: Send + 'static> KeptThreads for KeptWorker<J> {
    fn stats(&self) -> Vec<WorkerStats> {
        self.slot.lock().iter().map(Worker::stats).collect()
    }

    fn stop(&self, deadline: Instant) -> BoxFuture<'static, Result<(), WorkerError>> {
        let worker = self.slot.lock().take();
        Box::pin(async move {
            match worker {
                Some(worker) => worker.stop(deadline).await,
                None => Ok(()),
            }
        })
    }
}

/// How the end of a thread failed, as the core counts it.
pub(crate) fn not_released(error: WorkerError) -> ReleaseError {
    match error {
        WorkerError::Stuck { .. } => ReleaseError::Stuck(error.to_string()),
        other => ReleaseError::Failed(other.to_string()),
    }
}
