//! Deadlines: no state outlives its own.

use super::{
    ChildId, Core, Effect, Moment,
    child::{Child, State},
    stop,
};
use crate::{Outcome, StopReason};

/// Moves on every child whose state has lasted too long.
pub(super) fn expire(core: &mut Core, now: Moment, fx: &mut Vec<Effect>) {
    let until = core.grace_from(now);
    for id in (0..core.children.len()).map(ChildId) {
        let Some(child) = core.child_mut(id) else {
            continue;
        };
        if child.state.deadline().is_none_or(|until| until > now) {
            continue;
        }
        match &child.state {
            State::Starting { .. } => {
                let limit = child.rules.start_within;
                child.state =
                    State::Cancelling { until, overdue: Some(format!("it did not start within {limit:?}")) };
                fx.push(Effect::CancelStart(id));
            }
            State::Stopping { .. } => {
                let limit = child.rules.stop_within;
                child.state = State::Killing { until, hung: None };
                child.outcome = Some(Outcome::Killed);
                child.last_end = Some(format!("killed: it did not stop within {limit:?}"));
                fx.push(Effect::Kill(id));
            }
            State::Cancelling { .. } => stuck(core, now, id, "its start cannot be cancelled", fx),
            State::Killing { .. } => stuck(core, now, id, "it was killed and did not end", fx),
            State::Leaving { .. } => {
                stuck(core, now, id, "it ended and what it held is not dropped", fx);
            }
            State::Releasing { .. } => {
                let what = "what its spec owns does not close".to_owned();
                stop::finish(core, now, id, Some(Outcome::Stuck(what)), fx);
            }
            State::Down { .. } | State::Running | State::Stuck | State::Finished | State::Forgotten => {}
        }
    }
}

/// Gives a child up. Nothing can end what holds a thread of the runtime; so the node stops, in order as far as that goes.
fn stuck(core: &mut Core, now: Moment, id: ChildId, what: &str, fx: &mut Vec<Effect>) {
    let Some(child) = core.child_mut(id) else {
        return;
    };
    let what = match &child.state {
        State::Killing { hung: Some(symptom), .. } => format!("{symptom}; {what}"),
        _ => what.to_owned(),
    };
    mark_stuck(child, &what);
    let actor = child.name.clone();
    stop::begin(core, now, StopReason::Stuck { actor, what }, fx);
}

fn mark_stuck(child: &mut Child, what: &str) {
    child.state = State::Stuck;
    child.bounce = false;
    child.last_end = Some(format!("stuck: {what}"));
    child.outcome = Some(Outcome::Stuck(what.to_owned()));
}
