//! The queue between a worker's handles and its thread.

use std::{any::Any, collections::VecDeque};

use parking_lot::{Condvar, Mutex};
use tokio::{sync::watch, time::Instant};
use tracing::Span;

use super::{RejectReason, Rejected, Work, WorkerLimits, WorkerStats};
use crate::{Context, Lane, Owner, clock, task::panic_text};

/// A job on its way.
pub(super) struct Item<J> {
    pub(super) job: J,
    pub(super) ctx: Context,
    pub(super) span: Span,
}

/// How a worker ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// After all that waits.
    Drained,
    /// After the present job.
    Now,
}

pub(super) struct Shared<J> {
    pub(super) name: &'static str,
    limits: WorkerLimits,
    max_batch: usize,
    state: Mutex<State<J>>,
    /// Rung when there is something to do.
    bell: Condvar,
    /// Becomes true when the thread has ended and what it held has been dropped.
    ended: watch::Sender<bool>,
}

struct State<J> {
    lanes: [VecDeque<Item<J>>; 2],
    closing: Option<End>,
    running: Option<Instant>,
    done: u64,
    expired: u64,
    owner: Option<Owner>,
    /// A panic that nobody has been told of yet.
    unreported: Option<String>,
    /// The work of a worker without thread; taken out while it runs.
    inline: Option<Work<J>>,
}

impl<J> Shared<J> {
    pub(super) fn new(name: &'static str, limits: WorkerLimits, max_batch: usize) -> Self {
        let state = State {
            lanes: [VecDeque::new(), VecDeque::new()],
            closing: None,
            running: None,
            done: 0,
            expired: 0,
            owner: None,
            unreported: None,
            inline: None,
        };
        let ended = watch::Sender::new(false);
        Self { name, limits, max_batch, state: Mutex::new(state), bell: Condvar::new(), ended }
    }

    pub(super) fn push(&self, lane: Lane, item: Item<J>) -> Result<(), Rejected<J>> {
        let limit = match lane {
            Lane::Normal => self.limits.normal,
            Lane::Control => self.limits.control,
        };
        let mut state = self.state.lock();
        if state.closing.is_some() {
            return Err(Rejected { job: item.job, reason: RejectReason::Ended });
        }
        if state.lanes[lane.index()].len() >= limit {
            return Err(Rejected { job: item.job, reason: RejectReason::Full });
        }
        state.lanes[lane.index()].push_back(item);
        drop(state);
        self.bell.notify_one();
        Ok(())
    }

    /// Waits for jobs. None: it is time to end.
    pub(super) fn wait_for_jobs(&self) -> Option<Vec<Item<J>>> {
        let mut expired = Vec::new();
        let mut state = self.state.lock();
        loop {
            let batch = state.take_batch(self.max_batch, &mut expired);
            if !batch.is_empty() {
                return Some(batch);
            }
            if !expired.is_empty() {
                // Dropped outside the lock: their replies wake askers.
                drop(state);
                expired.clear();
                state = self.state.lock();
                continue;
            }
            if state.closing.is_some() {
                return None;
            }
            self.bell.wait(&mut state);
        }
    }

    /// Jobs that are there, without waiting.
    pub(super) fn jobs_now(&self) -> Vec<Item<J>> {
        let mut expired = Vec::new();
        let mut state = self.state.lock();
        let batch = state.take_batch(self.max_batch, &mut expired);
        drop(state);
        batch
    }

    /// The present batch is done.
    pub(super) fn batch_done(&self, jobs: usize) {
        let mut state = self.state.lock();
        state.running = None;
        state.done = state.done.saturating_add(jobs as u64);
    }

    pub(super) fn close(&self, end: End) {
        let mut dropped = Vec::new();
        let mut state = self.state.lock();
        if state.closing != Some(End::Now) {
            state.closing = Some(end);
        }
        let mut inline = None;
        if end == End::Now {
            dropped.extend(state.lanes.iter_mut().map(std::mem::take));
            inline = state.inline.take();
        }
        drop(state);
        self.bell.notify_all();
        if inline.take().is_some() {
            self.has_ended();
        }
    }

    /// The thread has ended, and what it held is dropped.
    pub(super) fn has_ended(&self) {
        self.ended.send_replace(true);
    }

    pub(super) fn ended(&self) -> watch::Receiver<bool> {
        self.ended.subscribe()
    }

    /// A job has panicked: nothing is taken any more, what waits is dropped, the owner is told.
    pub(super) fn panicked(&self, payload: &(dyn Any + Send)) {
        let mut state = self.state.lock();
        state.closing = Some(End::Now);
        state.running = None;
        let dropped: Vec<_> = state.lanes.iter_mut().map(std::mem::take).collect();
        let owner = state.owner.clone();
        if owner.is_none() {
            state.unreported = Some(panic_text(payload).to_owned());
        }
        drop(state);
        drop(dropped);
        if let Some(owner) = owner {
            owner.report(&format!("thread {}", self.name), payload);
        }
    }

    /// The same in a worker without thread: the panic itself goes on to the owner, whose stack this is.
    pub(super) fn panicked_inline(&self) {
        self.close(End::Now);
        self.has_ended();
    }

    pub(super) fn attach(&self, owner: Owner) {
        let mut state = self.state.lock();
        state.owner = Some(owner.clone());
        let unreported = state.unreported.take();
        drop(state);
        if let Some(text) = unreported {
            owner.report(&format!("thread {}", self.name), &text);
        }
    }

    pub(super) fn keep_inline(&self, work: Work<J>) {
        self.state.lock().inline = Some(work);
    }

    /// The work of a worker without thread, unless it is running already further up the stack.
    pub(super) fn take_inline(&self) -> Option<Work<J>> {
        self.state.lock().inline.take()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.state.lock().lanes.iter().all(VecDeque::is_empty)
    }

    pub(super) fn is_closing(&self) -> bool {
        self.state.lock().closing.is_some()
    }

    pub(super) fn stats(&self) -> WorkerStats {
        let now = clock::instant();
        let state = self.state.lock();
        WorkerStats {
            name: self.name,
            running: state.running.map(|since| now.saturating_duration_since(since)),
            queued: [state.lanes[0].len(), state.lanes[1].len()],
            done: state.done,
            expired: state.expired,
            alive: state.closing.is_none(),
        }
    }
}

impl<J> State<J> {
    /// Control first; what is too late goes to `expired`, to be dropped by the caller.
    fn take_batch(&mut self, max: usize, expired: &mut Vec<Item<J>>) -> Vec<Item<J>> {
        let mut batch = Vec::new();
        if self.lanes.iter().all(VecDeque::is_empty) {
            return batch;
        }
        let now = clock::instant();
        let [normal, control] = &mut self.lanes;
        while batch.len() < max
            && let Some(item) = control.pop_front().or_else(|| normal.pop_front())
        {
            if now >= item.ctx.deadline {
                self.expired = self.expired.saturating_add(1);
                expired.push(item);
            } else {
                batch.push(item);
            }
        }
        if !batch.is_empty() {
            self.running = Some(now);
        }
        batch
    }
}
