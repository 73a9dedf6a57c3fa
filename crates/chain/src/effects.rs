//! The only place that turns the core's effects into asks, tells and timers.

use std::{sync::Arc, time::Duration};

use alys_bus::{
    Address, Context, Protocol, Release, Reply, Ticket, Timer, pipe, pipe_any,
    protocol::{
        engine::{EngineMessage, Lack, PayloadVerdict},
        federation::FederationMessage,
        network::NetworkMessage,
        storage::{Promises, StorageMessage},
    },
};

use crate::{
    actor::Ended,
    checks::{self, Check},
    core::{Effect, Failure, Gossip, Input, Outcome},
    error::{Refusal, outcome},
    messages::ChainPrivate,
    reconcile::reconcile,
    state::ChainState,
};

/// How long a told message may wait in its receiver's queue.
const TELL: Duration = Duration::from_secs(2);

/// The id of a request that begins here.
pub(crate) fn begun() -> u64 {
    Context::root(TELL).id
}

/// For what is asked on behalf of the request in work, with a deadline of its own.
fn context(state: &ChainState, within: Duration) -> Context {
    let mut ctx = Context::root(within);
    ctx.id = state.request;
    ctx
}

/// Lets out what may be seen now: everything up to the next promise that is not durable.
pub(crate) fn release(state: &mut ChainState) -> Result<(), Ended> {
    while let Some(release) = state.outbox.release()? {
        match release {
            Release::Persist(ticket, promises) => persist(state, ticket, promises),
            Release::Effect(effect) => perform(state, effect)?,
        }
    }
    Ok(())
}

fn persist(state: &ChainState, ticket: Ticket, promises: Box<Promises>) {
    let storage = state.args.storage.control();
    let ctx = context(state, state.args.config.promise());
    let ask =
        async move { storage.ask(ctx, |reply| StorageMessage::PersistPromises { promises, reply }).await };
    pipe(&state.me, ask, move |result| ChainPrivate::Persisted(ticket, outcome(result), ctx.id));
}

fn perform(state: &mut ChainState, effect: Effect) -> Result<(), Ended> {
    let args = &state.args;
    let config = args.config;
    match effect {
        Effect::CheckCopy { proposal, source } => {
            let check = Check { proposal, source, me: state.me.clone(), request: state.request };
            if !checks::submit(&state.checks, check) {
                return Err("the thread that checks blocks has ended".into());
            }
        }
        Effect::StoreBlock { hash, proposal } => ask(
            state,
            &args.storage,
            config.storage(),
            |reply| StorageMessage::PersistBlock { block: proposal, reply },
            move |result| Input::Stored { hash, result },
        ),
        Effect::Judge { hash, proposal } => ask(
            state,
            &args.engine,
            config.engine(),
            move |reply| EngineMessage::ValidatePayload { block: Arc::new(proposal.block.clone()), reply },
            move |result| Input::Judged { hash, verdict: verdict(result) },
        ),
        Effect::Build { draft, rules } => ask(
            state,
            &args.engine,
            config.build(),
            |reply| EngineMessage::BuildExecutionPayload { rules, reply },
            move |result| Input::Building { draft, result },
        ),
        Effect::Seal { draft, id } => ask(
            state,
            &args.engine,
            config.build(),
            move |reply| EngineMessage::SealPayload { id, reply },
            move |result| Input::Sealed { draft, result },
        ),
        Effect::SignProposal { draft, header } => ask(
            state,
            &args.federation,
            config.sign(),
            |reply| FederationMessage::SignProposal { header, reply },
            move |result| Input::ProposalSigned { draft, result },
        ),
        Effect::SignVote(data) => ask(
            state,
            &args.federation,
            config.sign(),
            move |reply| FederationMessage::SignVote { data, reply },
            move |result| Input::VoteSigned { data, result },
        ),
        Effect::Collect(vote) => {
            let (data, member) = (vote.data, vote.member);
            ask(
                state,
                &args.federation,
                config.sign(),
                |reply| FederationMessage::CollectSignature { vote, reply },
                move |result| Input::Collected { data, member, result },
            );
        }
        Effect::ApplyHead(update) => ask(
            state,
            &args.storage,
            config.storage(),
            |reply| StorageMessage::ApplyHead { update, reply },
            Input::HeadApplied,
        ),
        Effect::Follow(choice) => ask(
            state,
            &args.engine,
            config.engine(),
            move |reply| EngineMessage::ForkchoiceUpdate { choice, reply },
            Input::Followed,
        ),
        Effect::Reconcile { head, choice } => {
            let (args, request) = (args.clone(), state.request);
            let work = async move { reconcile(&args, head, choice).await };
            pipe_any(&state.me, work, move |result| {
                let panicked =
                    |error: alys_bus::Panicked| Failure { what: error.to_string(), transient: true };
                let input = Input::Reconciled(result.map_err(panicked).flatten());
                ChainPrivate::Answer(Box::new(input), request)
            });
        }
        Effect::Fetch(hash) => match &args.network {
            Some(network) => ask(
                state,
                network,
                config.fetch(),
                move |reply| NetworkMessage::FetchBlock { hash, reply },
                move |result| Input::Fetched { hash, result },
            ),
            None => {
                let what = "there are no peers".to_owned();
                let result = Err(Failure { what, transient: true });
                answer(state, Input::Fetched { hash, result });
            }
        },
        Effect::Publish(gossip) => publish(state, gossip),
        Effect::Blame { source, reason } => tell(state, NetworkMessage::BlamePeer { source, reason }),
        Effect::WakeAt(at) => {
            let due = args.clock.instant_at(at);
            state.wake = Some(Timer::once(&state.me, "wake", due, Input::Tick.into()));
        }
        Effect::Event(event) => {
            state.metrics.event(&event);
            log(&event);
            args.events.publish(event);
        }
        Effect::Status(status) => {
            state.metrics.status(&status);
            args.status.set(*status);
        }
    }
    Ok(())
}

/// Asks in a task; the outcome, whatever it is, comes back as an input.
fn ask<M, T, E>(
    state: &ChainState,
    address: &Address<M>,
    within: Duration,
    make: impl FnOnce(Reply<T, E>) -> M + Send + 'static,
    input: impl FnOnce(Outcome<T>) -> Input + Send + 'static,
) where
    M: Protocol,
    T: Send + 'static,
    E: Refusal + std::error::Error + Send + 'static,
{
    let (address, ctx) = (address.clone(), context(state, within));
    let request = async move { address.ask(ctx, make).await };
    pipe(&state.me, request, move |result| ChainPrivate::Answer(Box::new(input(outcome(result))), ctx.id));
}

/// Answers an effect without asking anyone, but not within the step that caused it.
fn answer(state: &ChainState, input: Input) {
    // This very actor is running, so it takes its message.
    let answer = ChainPrivate::Answer(Box::new(input), state.request);
    let _ = state.me.send_message(alys_bus::Inbox::Private(answer));
}

fn verdict(result: Outcome<PayloadVerdict>) -> PayloadVerdict {
    result.unwrap_or_else(|failure| PayloadVerdict::Unavailable { lack: Lack::Answer, what: failure.what })
}

fn publish(state: &ChainState, gossip: Gossip) {
    tell(
        state,
        match gossip {
            Gossip::Proposal(proposal) => NetworkMessage::BroadcastBlock { proposal },
            Gossip::Vote(vote) => NetworkMessage::BroadcastVote { vote },
            Gossip::Certificate(certificate) => NetworkMessage::BroadcastCertificate { certificate },
        },
    );
}

/// Tells network, if there is one. What is refused is sent again by the core's timer.
fn tell(state: &ChainState, message: NetworkMessage) {
    if let Some(network) = &state.args.network
        && let Err(error) = network.control().try_tell(context(state, TELL), message)
    {
        tracing::debug!(%error, "not sent now");
    }
}

fn log(event: &alys_bus::protocol::chain::ChainEvent) {
    use alys_bus::protocol::chain::ChainEvent;
    match event {
        ChainEvent::HeadMoved { head, transactions, gas_used, reorged_from, .. } => {
            tracing::debug!(height = head.height, slot = head.slot, hash = %head.hash, transactions, gas_used, "new head");
            if let Some(height) = reorged_from {
                tracing::warn!(height, "the head moved to another branch");
            }
        }
        ChainEvent::Finalized { block } => tracing::debug!(height = block.height, slot = block.slot, "final"),
        ChainEvent::SlotMissed { slot, reason } => tracing::warn!(slot, reason, "own slot without a block"),
        ChainEvent::Blamed { member, reason } => tracing::warn!(member, reason, "a member is to blame"),
        ChainEvent::Alarm { what } => tracing::error!("{what}"),
        _ => {}
    }
}
