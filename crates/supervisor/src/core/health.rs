//! From the figures of the bus to a judgement: is it hung?

use std::time::Duration;

use alys_bus::{Stats, WorkerStats};

use crate::HealthLimits;

/// What is wrong, in words.
pub(crate) type Symptom = String;

/// Whether an actor is hung: one message takes too long, or nothing moves though something is queued.
pub(crate) fn judge_actor(stats: &Stats, limits: HealthLimits) -> Option<Symptom> {
    if let Some(running) = stats.running
        && running.age > limits.work
    {
        let (message, age, limit) = (running.message, running.age, limits.work);
        return Some(format!("{message} has run for {age:?}, and {limit:?} is its limit"));
    }
    // A message in work is progress of its own, with its own limit.
    if stats.running.is_none() && stats.queued > 0 && stats.stalled > limits.stalled {
        let (queued, stalled, limit) = (stats.queued, stats.stalled, limits.stalled);
        return Some(format!(
            "{queued} messages are queued and nothing has moved for {stalled:?}, and {limit:?} is its limit"
        ));
    }
    None
}

/// Whether an actor that ends by itself hangs in that: `ending` is for how long it has.
pub(crate) fn judge_ending(ending: Option<Duration>, limits: HealthLimits) -> Option<Symptom> {
    let (ending, limit) = (ending?, limits.stalled);
    (ending > limit).then(|| format!("it has been ending for {ending:?}, and {limit:?} is its limit"))
}

/// Whether a thread is hung: its job takes too long.
pub(crate) fn judge_thread(stats: &WorkerStats, limits: HealthLimits) -> Option<Symptom> {
    let age = stats.running?;
    let (name, limit) = (stats.name, limits.thread);
    (age > limit)
        .then(|| format!("a job of the thread {name} has run for {age:?}, and {limit:?} is its limit"))
}
