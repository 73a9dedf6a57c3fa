//! An execution client of somebody else, such as Geth, behind the Engine API.
//!
//! ```text
//!   handle ──┬─ validate, forkchoice, build, seal, reset ──► one task, one after the other ──┐
//!            ├─ head; what chain asks ──────► a task each, in places of their own ───────────┼─► link ─► engine port
//!            │                        probe: is it there, is it this chain's? ───────────────┘
//!            └─ wallets' questions ─► a task each, so many at once as configured ──► link ─► public port, if there
//!                                     probe: the same of that port                           is one, else the other
//! ```
//!
//! **Who depends on what.** Consensus needs the engine port and nothing else, and the health that chain sees is that
//! port's. A public port that is closed, silent or another chain's takes wallets' answers away and no vote. Wallets'
//! questions, however slow and however many, hold up nothing that chain asks.
//!
//! So [`Head`](EngineMessage::Head) is no question for wallets: it goes over the engine port, and one that is not
//! answered in time takes the client for away. Whoever follows the chain for wallets forwards `eth_getBlockByNumber`.
//!
//! **What is believed.** Little, and only of a client that has shown chain id and genesis since it was last
//! out of reach. A head counts when it was read back, the one that is built on too; a VALID brings facts only
//! with receipts whose root is the payload's; a payload is handed out only after the rules and its hash were
//! checked here. An INVALID is handed on as this client's word.
//!
//! **Outage.** A client that is out of reach does not keep the actor from running: messages are answered
//! `Unavailable` at once, the [health](alys_bus::protocol::engine::EngineHealth) says why, and the
//! probe finds the client's return within a second. A client of another chain on the same port is refused as
//! long as it is there; where that shows at the start, the actor does not start.
//!
//! **Bounds.** The address's credits bound what waits: a message holds its credit until it is answered. The
//! queue of consensus has as many places. Work whose deadline has passed is dropped before it starts. Answers to
//! wallets are read up to what the RPC server could pass on.
//!
//! **Receipts of blocks that are not canonical.** Geth keeps them for every block it has executed, Reth for
//! the children of its head. A client that has none before a block is its head, as EthereumJS, is made to
//! follow the block for the moment (see `consensus`); EthereumJS stays there, until the next block.

mod building;
mod builds;
mod config;
mod consensus;
mod facts;
mod link;
mod metrics;
mod probe;
mod questions;
mod refusals;

use std::fmt;
use std::sync::Arc;

use alloy_primitives::B256;
use alys_bus::protocol::engine::EngineHealth;
use alys_bus::{Clock, Context, Lane, Latest, Limits, Owner, Task, spawn_task};
use alys_engine_api::{
    EngineApi, Identity, ManagedProcess, Timeouts, Transport, TransportConfig, UnixSeconds,
};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout_at;

pub use config::RemoteConfig;

use crate::client::ExecutionClient;
use crate::messages::{EngineError, EngineMessage};
use builds::Builds;
use link::Link;

/// An execution client behind the Engine API. Clones are handles to the same.
#[derive(Clone)]
pub struct RemoteClient {
    inner: Arc<Inner>,
}

struct Inner {
    config: RemoteConfig,
    limits: Limits,
    link: Arc<Link>,
    managed: Option<Arc<dyn ManagedProcess>>,
    builds: Mutex<Builds>,
    /// The client's own head, as it was last read back; `None` before that.
    stands: Mutex<Option<B256>>,
    /// Places of wallets' questions.
    questions: Semaphore,
    /// Places of what chain asks.
    chains: Semaphore,
    /// `None` until the actor attaches.
    attached: Mutex<Option<Attached>>,
}

/// What works for one incarnation of the actor.
struct Attached {
    owner: Owner,
    consensus: mpsc::Sender<(Context, EngineMessage)>,
    /// Ended with this.
    _tasks: [Task; 3],
}

/// Questions of chain that are with the client at once. It asks one after the other; more is for askers who gave up.
const CHAINS: usize = 8;

impl fmt::Debug for RemoteClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteClient").field("api", &self.inner.link.api).finish_non_exhaustive()
    }
}

impl RemoteClient {
    /// A client by `config`. `limits` are those of the engine's address; `health` is told whenever it changes,
    /// and is `Offline` from now on. `managed` is whoever can throw the client's data away. Nothing is sent
    /// before the actor attaches.
    ///
    /// # Errors
    /// [`EngineError::Failed`] where a URL is none.
    pub fn new(
        config: RemoteConfig,
        clock: Clock,
        limits: Limits,
        health: Latest<EngineHealth>,
        managed: Option<Arc<dyn ManagedProcess>>,
    ) -> Result<Self, EngineError> {
        let api = api(&config, &clock)?;
        let expected = Identity { chain_id: config.chain_id, genesis: config.genesis };
        let inner = Inner {
            limits,
            link: Arc::new(Link::new(api, expected, clock, health)),
            managed,
            builds: Mutex::default(),
            stands: Mutex::default(),
            questions: Semaphore::new(config.questions.max(1)),
            chains: Semaphore::new(CHAINS),
            attached: Mutex::default(),
            config,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The client's methods, for whoever wants to ask it directly.
    #[must_use]
    pub fn api(&self) -> &EngineApi {
        &self.inner.link.api
    }
}

fn api(config: &RemoteConfig, clock: &Clock) -> Result<EngineApi, EngineError> {
    let (shown, read) = (clock.clone(), clock.clone());
    let now: UnixSeconds = Arc::new(move || shown.now_ms() / 1000);
    let engine = TransportConfig {
        // The clock follows a step of the system's only after seconds, in which no request would be let in.
        anew: Some(Arc::new(move || read.read_anew() / 1000)),
        max_response: config.max_response,
        ..TransportConfig::engine(&config.url, config.jwt.clone(), now)
    };
    let transport = |config| Transport::new(config).map_err(|error| EngineError::Failed(error.to_string()));
    let api = EngineApi::new(transport(engine)?).with_timeouts(Timeouts::times(config.timeout_multiplier));
    let api = match &config.public_url {
        Some(url) => api.with_public(transport(TransportConfig::public(url))?),
        None => api,
    };
    Ok(api.with_max_answer(config.max_answer))
}

impl ExecutionClient for RemoteClient {
    async fn attach(&self, owner: Owner) -> Result<(), EngineError> {
        let inner = &self.inner;
        // A client that is not there, or refuses the token, may be put right while the actor runs.
        let (mut slow, mut slow_public) = (0, 0);
        let looks =
            (probe::look(&inner.link, &mut slow), probe::look_at_public(&inner.link, &mut slow_public));
        if let (probe::Found::Stranger(why), ()) = tokio::join!(looks.0, looks.1) {
            return Err(EngineError::Failed(why));
        }
        let places = inner.limits.normal.saturating_add(inner.limits.control).max(1);
        let (consensus, queue) = mpsc::channel(places);
        let tasks = [
            spawn_task(owner.clone(), "engine-consensus", consensus::work(Arc::clone(inner), queue)),
            spawn_task(
                owner.clone(),
                "engine-probe",
                probe::keep_looking(Arc::clone(&inner.link), inner.config.clone()),
            ),
            spawn_task(
                owner.clone(),
                "engine-public-probe",
                probe::keep_looking_at_public(Arc::clone(&inner.link), inner.config.clone()),
            ),
        ];
        // The tasks of an incarnation before this one end here, and with them what waited for them.
        *inner.attached.lock() = Some(Attached { owner, consensus, _tasks: tasks });
        Ok(())
    }

    fn handle(&self, ctx: Context, message: EngineMessage) {
        let attached = self.inner.attached.lock();
        // Dropped unanswered, a message tells its asker to try again.
        let Some(attached) = attached.as_ref() else { return };
        match message {
            EngineMessage::ValidatePayload { .. }
            | EngineMessage::ForkchoiceUpdate { .. }
            | EngineMessage::BuildExecutionPayload { .. }
            | EngineMessage::SealPayload { .. }
            | EngineMessage::Reset { .. } => {
                // It has as many places as the address has credits, so it is never full.
                let _ = attached.consensus.try_send((ctx, message));
            }
            EngineMessage::Head { reply } => {
                let inner = Arc::clone(&self.inner);
                let work = async move { reply.send(inner.head().await) };
                spawn_task(attached.owner.clone(), "engine-head", work).detach();
            }
            question => {
                let inner = Arc::clone(&self.inner);
                let work = async move {
                    let places = if is_chains(ctx, &question) { &inner.chains } else { &inner.questions };
                    let place = timeout_at(ctx.deadline, places.acquire()).await;
                    if let Ok(Ok(_place)) = place
                        && !ctx.is_expired()
                    {
                        Box::pin(questions::answer(&inner, ctx, question)).await;
                    }
                };
                // It ends at its deadline at the latest.
                spawn_task(attached.owner.clone(), "engine-question", work).detach();
            }
        }
    }

    fn publish(&self) {
        self.inner.link.metrics.publish(self.inner.link.breaker());
    }
}

/// Whether a question is chain's: by its lane, or the one by which it compares the client's blocks with its own.
/// Wallets ask for blocks by forwarding.
fn is_chains(ctx: Context, question: &EngineMessage) -> bool {
    ctx.lane() == Lane::Control || matches!(question, EngineMessage::BlockBy { full: false, .. })
}
