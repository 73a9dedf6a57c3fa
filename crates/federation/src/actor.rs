//! The federation actor: questions about members it answers itself, signatures it hands to its thread.
//!
//! A signature takes 2 ms, a certificate of 31 members 15, with a liar among them 50: all of that
//! runs on the [`Worker`], which the child spec keeps. A restarted actor attaches to it again and finds
//! the shares collected and the signer's memory as they were. A panic of the thread is the actor's end too; the
//! [`FederationSetup`](crate::FederationSetup), which the spec keeps as well, then opens it anew.

use std::{convert::Infallible, sync::Arc};

use alys_bus::{
    Address, Clock, Context, Feed, Inbox, Owner, RejectReason, Work, Worker, WorkerError, WorkerLimits,
    WorkerMode, spawn_actor, unsupported,
};
use alys_primitives::SlotClock;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr, concurrency::JoinHandle};

use crate::{
    messages::{FederationMessage, Job, MemberSet},
    service::{Federation, member_with},
};

/// The actor; all it holds stands in its state.
#[derive(Debug, Clone, Copy, Default)]
pub struct FederationActor;

/// What an incarnation starts with. Cheap to clone: a restart gets the same, unless the thread has ended.
#[derive(Debug, Clone)]
pub struct FederationArgs {
    pub(crate) worker: Worker<Job>,
    pub(crate) members: Arc<MemberSet>,
    pub(crate) slots: SlotClock,
    pub(crate) clock: Clock,
}

impl FederationArgs {
    /// Starts the thread that owns `federation`, for who needs it opened only once: after a panic of the thread there is no
    /// second. A node has a [`FederationSetup`](crate::FederationSetup) instead.
    ///
    /// # Errors
    /// [`WorkerError::Spawn`] where the operating system gives no thread.
    pub fn start(
        mut federation: Federation,
        slots: SlotClock,
        clock: Clock,
        limits: WorkerLimits,
        mode: WorkerMode,
    ) -> Result<Self, WorkerError> {
        let members = Arc::new(federation.members().clone());
        let worker =
            Worker::spawn("federation", limits, mode, move |job, _ctx: Context| federation.handle(job))?;
        Ok(Self { worker, members, slots, clock })
    }

    /// The thread, for health checks and for the ordered shutdown.
    #[must_use]
    pub const fn worker(&self) -> &Worker<Job> {
        &self.worker
    }

    /// The members and their keys, as [`FederationMessage::Members`] answers them.
    #[must_use]
    pub fn members(&self) -> &MemberSet {
        &self.members
    }
}

/// Starts one incarnation and binds `address` to it.
///
/// # Errors
/// As ractor says; starting does nothing that can fail.
pub async fn spawn(
    address: &Address<FederationMessage>,
    parent: Option<ActorCell>,
    args: FederationArgs,
) -> Result<(ActorRef<Inbox<FederationMessage, Infallible>>, JoinHandle<()>), SpawnErr> {
    spawn_actor(address, parent, FederationActor, |feed| (feed, args)).await
}

/// What an incarnation holds between messages.
pub struct FederationState {
    feed: Feed<FederationMessage>,
    args: FederationArgs,
}

impl Actor for FederationActor {
    type Msg = Inbox<FederationMessage, Infallible>;
    type State = FederationState;
    type Arguments = (Feed<FederationMessage>, FederationArgs);

    async fn pre_start(
        &self,
        me: ActorRef<Self::Msg>,
        (feed, args): Self::Arguments,
    ) -> Result<FederationState, ActorProcessingErr> {
        args.worker.attach(Owner::actor(&me));
        Ok(FederationState { feed, args })
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut FederationState,
    ) -> Result<(), ActorProcessingErr> {
        let mut message = Some(message);
        while let Some(work) = state.feed.next(&mut message).await {
            match work {
                Work::Public(message, ctx) => on_message(&state.args, message, ctx)?,
                Work::Private(never) => match never {},
            }
        }
        Ok(())
    }
}

fn on_message(
    args: &FederationArgs,
    message: FederationMessage,
    ctx: Context,
) -> Result<(), ActorProcessingErr> {
    match message {
        FederationMessage::Members { reply } => reply.send(Ok(Box::new((*args.members).clone()))),
        FederationMessage::ValidateMember { identity, reply } => {
            reply.send(Ok(member_with(&args.members, &identity)));
        }
        FederationMessage::RecallPromises { .. }
        | FederationMessage::SignVote { .. }
        | FederationMessage::SignProposal { .. }
        | FederationMessage::CollectSignature { .. }
        | FederationMessage::VerifyCertificate { .. } => {
            // Before genesis every slot is still to come.
            let now = args.slots.slot_at(args.clock.now_ms()).unwrap_or(0);
            let submitted = args.worker.submit(ctx, Job { now, message });
            if let Err(rejected) = submitted
                && rejected.reason == RejectReason::Ended
            {
                // Without the thread nothing here works: let the supervisor start both anew.
                return Err("the federation's thread has ended".into());
            }
        }
        // Changes of members are not in force yet; and a newer protocol may know more.
        FederationMessage::UpdateThreshold { reply, .. } => reply.unsupported(),
        other => unsupported(other),
    }
    Ok(())
}
