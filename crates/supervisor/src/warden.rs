//! The parent of one incarnation, which sees its start and its end, and nothing else.
//!
//! Between the supervisor and its children stands one of these each, for two reasons. ractor hands the state of an actor that has stopped to
//! its parent, and dropping it may take long, or panic: here that is nobody else's time. And tokio keeps a task that was just woken for the
//! thread that woke it; an actor that ends, and then never gives its thread back, takes with it whom it has told of its end. That may be its
//! warden; the supervisor must go on.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::oneshot;

use crate::{core::End, launch::in_full};

/// What a warden sees.
pub(crate) struct Watch {
    /// The actor is up: its `post_start` has ended well. Fails if it ends before.
    pub(crate) up: oneshot::Receiver<()>,
    /// The actor has ended.
    pub(crate) ended: oneshot::Receiver<End>,
}

/// A warden without an actor to watch yet. Dropping this dismisses it.
pub(crate) struct Appointed {
    cell: Option<ActorCell>,
}

impl Appointed {
    /// The parent to link the actor to.
    pub(crate) fn cell(&self) -> Option<ActorCell> {
        self.cell.clone()
    }

    /// The actor is linked: from now on the warden goes when the actor has.
    pub(crate) fn has_linked(mut self) {
        self.cell = None;
    }
}

impl Drop for Appointed {
    fn drop(&mut self) {
        if let Some(cell) = self.cell.take() {
            cell.stop(None);
        }
    }
}

/// Appoints a warden. It ends with `supervisor`, and with it the actor.
pub(crate) async fn appoint(supervisor: ActorCell) -> Result<(Appointed, Watch), String> {
    let (up, is_up) = oneshot::channel();
    let (ended, has_ended) = oneshot::channel();
    let state = State { up: Some(up), ended: Some(ended) };
    let spawned = Warden::spawn_linked(None, Warden, state, supervisor).await;
    let (warden, _) = spawned.map_err(|error| error.to_string())?;
    let appointed = Appointed { cell: Some(warden.get_cell()) };
    Ok((appointed, Watch { up: is_up, ended: has_ended }))
}

struct Warden;

struct State {
    up: Option<oneshot::Sender<()>>,
    ended: Option<oneshot::Sender<End>>,
}

impl Actor for Warden {
    type Msg = ();
    type State = State;
    type Arguments = State;

    async fn pre_start(&self, _: ActorRef<()>, state: State) -> Result<State, ActorProcessingErr> {
        Ok(state)
    }

    async fn handle_supervisor_evt(
        &self,
        me: ActorRef<()>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let end = match event {
            SupervisionEvent::ActorStarted(_) => {
                if let Some(up) = state.up.take() {
                    // Nobody waits for a start that was given up.
                    let _ = up.send(());
                }
                return Ok(());
            }
            SupervisionEvent::ActorTerminated(_, held, reason) => {
                let in_order = held.is_some();
                let dropped = catch_unwind(AssertUnwindSafe(|| drop(held)));
                let reason = reason.unwrap_or_else(|| "it stopped by itself".to_owned());
                match dropped {
                    Ok(()) => End { reason, in_order },
                    Err(_) => {
                        let reason = format!("{reason}; what it held panicked when dropped");
                        End { reason, in_order: false }
                    }
                }
            }
            SupervisionEvent::ActorFailed(_, error) => End { reason: in_full(&*error), in_order: false },
            SupervisionEvent::ProcessGroupChanged(_) => return Ok(()),
        };
        state.up = None;
        if let Some(ended) = state.ended.take() {
            // A supervisor that has failed needs no report.
            let _ = ended.send(end);
        }
        me.stop(None);
        Ok(())
    }
}
