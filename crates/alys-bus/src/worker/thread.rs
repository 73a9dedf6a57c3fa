//! Running a worker's jobs: on its thread, or inline.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    thread::Builder,
};

use super::{
    Work,
    queue::{Item, Shared},
};

/// Starts the thread. It is not joined: its end is announced through [`Shared::ended`], which can be
/// waited for with a deadline.
#[allow(clippy::disallowed_methods, reason = "every thread has an owner; this is the place they come from")]
pub(super) fn start<J: Send + 'static>(shared: &Arc<Shared<J>>, work: Work<J>) -> io::Result<()> {
    let name = shared.name.to_owned();
    let shared = Arc::clone(shared);
    let main = move || {
        run(&shared, work);
        shared.has_ended();
    };
    Builder::new().name(name).spawn(main).map(drop)
}

/// Does jobs until the worker is closed or one panics. Drops `work`, and what it holds, at its end.
fn run<J>(shared: &Shared<J>, mut work: Work<J>) {
    while let Some(batch) = shared.wait_for_jobs() {
        let jobs = batch.len();
        match catch_unwind(AssertUnwindSafe(|| run_batch(&mut work, batch))) {
            Ok(()) => shared.batch_done(jobs),
            Err(payload) => {
                // What may have been left half done goes before anybody is told, so that it can be
                // opened again.
                drop(work);
                shared.panicked(&*payload);
                return;
            }
        }
    }
}

/// Does what waits, if this worker has no thread. A panic is passed on to the caller, the owner, after
/// the worker has been closed.
pub(super) fn run_inline<J>(shared: &Shared<J>) {
    // Empty-handed where the work is running further up the stack: its loop below takes what was just
    // queued.
    while let Some(mut work) = shared.take_inline() {
        loop {
            let batch = shared.jobs_now();
            if batch.is_empty() {
                break;
            }
            let jobs = batch.len();
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| run_batch(&mut work, batch))) {
                drop(work);
                shared.panicked_inline();
                resume_unwind(payload);
            }
            shared.batch_done(jobs);
        }
        if shared.is_closing() {
            drop(work);
            shared.has_ended();
            return;
        }
        shared.keep_inline(work);
        if shared.is_idle() {
            return;
        }
    }
}

/// Inside the span of whoever submitted the first job of the batch.
fn run_batch<J>(work: &mut Work<J>, batch: Vec<Item<J>>) {
    let Some(first) = batch.first() else { return };
    let span = first.span.clone();
    let jobs = batch.into_iter().map(|item| (item.job, item.ctx)).collect();
    span.in_scope(|| work(jobs));
}
