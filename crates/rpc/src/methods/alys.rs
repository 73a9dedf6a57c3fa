//! The node about itself: `alys_status`, `alys_health`.

use alys_bus::{
    LatestReader,
    protocol::{
        ChainMessage, EngineMessage, SupervisorMessage,
        chain::ChainStatus,
        engine::EngineHealth,
        query::PoolStatus,
        supervisor::{ActorHealth, ActorState},
    },
};
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;

use crate::{
    api::{Call, Register},
    call_error::{CallError, code},
};

pub(super) fn register(methods: &mut Register) -> Result<(), RegisterMethodError> {
    methods.add("alys_status", status)?;
    methods.add("alys_health", health)
}

/// The chain's own status, with the version of the node and what its pool holds.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    version: String,
    #[serde(flatten)]
    chain: ChainStatus,
    /// `null` where the execution client does not say.
    pool: Option<PoolStatus>,
    /// How the execution client fares; `null` where nobody watches it.
    execution: Option<EngineHealth>,
}

async fn status(call: Call) -> Result<Status, CallError> {
    call.params.finish()?;
    let chain = call.chain(|reply| ChainMessage::Status { reply }).await?;
    // The status is of use, most of all, when something else does not answer.
    let pool = call.engine(|reply| EngineMessage::PoolStatus { reply }).await.ok();
    let execution = call.api.execution.health.as_ref().map(LatestReader::get);
    Ok(Status { version: call.api.client_version.clone(), chain: *chain, pool, execution })
}

/// How the node's actors are.
#[derive(Clone, Serialize)]
struct Health {
    /// All of them run.
    healthy: bool,
    /// In start order.
    actors: Vec<Actor>,
}

/// One actor. Why it ended last stays in the node's log: such texts name files and peers.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Actor {
    actor: String,
    state: ActorState,
    restarts: u64,
    in_flight: u64,
}

async fn health(call: Call) -> Result<Health, CallError> {
    call.params.finish()?;
    let Some(supervisor) = &call.api.neighbours.supervisor else {
        return Err(CallError::new(code::NOT_SUPPORTED, "this node runs without a supervisor"));
    };
    let actors: Vec<ActorHealth> =
        supervisor.ask(call.ctx.child(), |reply| SupervisorMessage::HealthCheck { reply }).await?;
    Ok(Health {
        healthy: actors.iter().all(|actor| actor.state == ActorState::Running),
        actors: actors
            .into_iter()
            .map(|health| Actor {
                actor: health.actor,
                state: health.state,
                restarts: health.restarts,
                in_flight: health.in_flight,
            })
            .collect(),
    })
}
