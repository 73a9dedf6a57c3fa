//! The way to the client: whether it may be asked now, and what each answer says about it.
//!
//! Breaker and health are pure machines in `alys-engine-api`; here they get what they need: the clock, the
//! outcomes, a place where others see the result. Both follow the engine port and what consensus asks there, and
//! nothing else: no wallet, and no fault of the public port, keeps this node from voting. Wallets' questions have a
//! flag of their own, which only they heed.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use alys_bus::protocol::engine::EngineHealth;
use alys_bus::{Clock, Latest};
use alys_engine_api::{
    Admission, ApiError, Breaker, BreakerState, EngineApi, Health, HealthMachine, Identity, Observation,
};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::metrics::RemoteMetrics;
use crate::messages::EngineError;

/// Why a request has no answer.
#[derive(Debug, Clone)]
pub(super) enum LinkError {
    /// It was not sent: the client is out of reach, and this says why.
    NotAsked(String),
    /// It was.
    Api(ApiError),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked(why) => f.write_str(why),
            Self::Api(error) => error.fmt(f),
        }
    }
}

impl LinkError {
    /// The client answered, and with an error: it is there, and does not do what it is asked.
    pub(super) const fn is_refusal(&self) -> bool {
        matches!(self, Self::Api(ApiError::Rpc { .. }))
    }
}

impl From<LinkError> for EngineError {
    fn from(error: LinkError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// The client, as far as it can be reached.
pub(super) struct Link {
    pub(super) api: EngineApi,
    /// What the client must show before anything it says is believed.
    pub(super) expected: Identity,
    pub(super) metrics: RemoteMetrics,
    pub(super) clock: Clock,
    /// Rung when the client should be looked at without delay.
    pub(super) look: Notify,
    /// The same for its public port.
    pub(super) look_at_public: Notify,
    began: Instant,
    health: Latest<EngineHealth>,
    state: Mutex<State>,
}

struct State {
    health: HealthMachine,
    breaker: Breaker,
    /// What was wrong last, for whoever is refused.
    why: String,
    /// Why wallets' questions are not passed on although the client is well; `None`: they are.
    no_questions: Option<String>,
    /// Whether the log says so.
    no_questions_told: bool,
    /// How often it went out of reach.
    outages: u64,
}

impl Link {
    pub(super) fn new(
        api: EngineApi,
        expected: Identity,
        clock: Clock,
        health: Latest<EngineHealth>,
    ) -> Self {
        // Nobody may take it for synced before it has answered once.
        health.set(EngineHealth::Offline);
        let state = State {
            no_questions: Some("its public port is not yet asked".into()).filter(|_| api.has_public_port()),
            no_questions_told: false,
            health: HealthMachine::default(),
            breaker: Breaker::default(),
            why: "not yet asked".into(),
            outages: 0,
        };
        Self {
            api,
            expected,
            metrics: RemoteMetrics::new(),
            began: clock.now(),
            clock,
            look: Notify::new(),
            look_at_public: Notify::new(),
            health,
            state: Mutex::new(state),
        }
    }

    fn since(&self) -> Duration {
        self.clock.now().saturating_duration_since(self.began)
    }

    /// Makes a request of consensus, where the client is known and the breaker lets it through.
    pub(super) async fn ask<T>(
        &self,
        request: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, LinkError> {
        {
            let mut state = self.state.lock();
            if !state.health.is_known() {
                return Err(self.not_asked(&state));
            }
            if let Admission::Wait(_) = state.breaker.admit(self.since()) {
                return Err(self.not_asked(&state));
            }
        }
        let outcome = request.await;
        match &outcome {
            Ok(_) => self.answered(),
            Err(error) => {
                self.failed(error);
                if error.is_outage() {
                    self.look.notify_one();
                }
            }
        }
        outcome.map_err(LinkError::Api)
    }

    /// Makes a request for a wallet. What becomes of it says nothing about the client, for which the next look
    /// speaks; after a connection that is refused or breaks, no wallet is answered before that look.
    pub(super) async fn question<T>(
        &self,
        request: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, LinkError> {
        {
            let state = self.state.lock();
            let rests = !self.api.has_public_port() && state.breaker.state() != BreakerState::Closed;
            if !state.health.is_known() || rests {
                return Err(self.not_asked(&state));
            }
            if let Some(why) = &state.no_questions {
                return Err(LinkError::NotAsked(format!("wallets' questions are not passed on now: {why}")));
            }
        }
        let outcome = request.await;
        if let Err(error @ (ApiError::Refused { .. } | ApiError::Broken { .. } | ApiError::Auth { .. })) =
            &outcome
        {
            self.metrics.failed(error);
            // One wallet's luck, until the look has shown more.
            self.state.lock().no_questions.get_or_insert_with(|| error.to_string());
            match self.api.has_public_port() {
                true => self.look_at_public.notify_one(),
                false => self.look.notify_one(),
            }
        }
        outcome.map_err(LinkError::Api)
    }

    /// The port of wallets' questions has shown that it is this chain's.
    pub(super) fn questions(&self) {
        let mut state = self.state.lock();
        state.no_questions = None;
        self.metrics.questions(true);
        if std::mem::take(&mut state.no_questions_told) {
            tracing::info!(url = self.api.eth_port().url(), "wallets' questions are passed on");
        }
    }

    /// It is away, or another chain's, as a look has shown.
    pub(super) fn no_questions(&self, why: String) {
        let mut state = self.state.lock();
        self.metrics.questions(false);
        if !std::mem::replace(&mut state.no_questions_told, true) || state.no_questions.as_ref() != Some(&why)
        {
            tracing::warn!(url = self.api.eth_port().url(), why, "wallets' questions are not passed on");
        }
        state.no_questions = Some(why);
    }

    pub(super) fn takes_questions(&self) -> bool {
        self.state.lock().no_questions.is_none()
    }

    /// Whether the client may be looked at; how long not, otherwise.
    pub(super) fn may_look(&self) -> Admission {
        self.state.lock().breaker.admit(self.since())
    }

    fn not_asked(&self, state: &State) -> LinkError {
        let health = match state.health.health() {
            Health::AuthFailed => "refuses this node's token",
            _ => "is out of reach",
        };
        LinkError::NotAsked(format!(
            "the execution client at {} {health}: {}",
            self.api.engine_port().url(),
            state.why
        ))
    }

    pub(super) fn answered(&self) {
        self.state.lock().breaker.succeeded();
    }

    /// A request failed: refusals in JSON-RPC are answers, anything else is an outage.
    pub(super) fn failed(&self, error: &ApiError) {
        if !error.is_outage() {
            return self.answered();
        }
        self.metrics.failed(error);
        self.state.lock().breaker.failed(self.since());
        let seen = match error {
            ApiError::Auth { .. } => Observation::Unauthorized,
            _ => Observation::NoAnswer,
        };
        self.seen(seen, || error.to_string());
    }

    /// A look at the client was not answered in time, while it is known: it may be busy with a large block.
    pub(super) fn slow(&self) {
        self.state.lock().breaker.failed(self.since());
    }

    /// Takes an observation, and tells the others where it changes the health.
    pub(super) fn seen(&self, seen: Observation, why: impl FnOnce() -> String) {
        let mut state = self.state.lock();
        if matches!(seen, Observation::NoAnswer | Observation::Stranger | Observation::Unauthorized) {
            state.why = why();
        }
        let Some(health) = state.health.observe(seen) else { return };
        let url = self.api.engine_port().url();
        match health {
            Health::Synced => tracing::info!(url, "the execution client answers"),
            Health::Syncing => tracing::warn!(url, "the execution client has not what it is asked about"),
            Health::Offline | Health::AuthFailed => {
                state.outages = state.outages.saturating_add(1);
                tracing::warn!(url, why = state.why, "the execution client is out of reach");
            }
        }
        // Still under the lock: two changes must not be told in the wrong order.
        self.metrics.health(health);
        self.health.set(match health {
            Health::Synced => EngineHealth::Synced,
            Health::Syncing => EngineHealth::Syncing,
            Health::Offline => EngineHealth::Offline,
            Health::AuthFailed => EngineHealth::AuthFailed,
        });
    }

    /// Whether the client has shown that it is this chain's since it was last out of reach.
    pub(super) fn is_known(&self) -> bool {
        self.state.lock().health.is_known()
    }

    /// How often the client went out of reach so far.
    pub(super) fn outages(&self) -> u64 {
        self.state.lock().outages
    }

    pub(super) fn breaker(&self) -> BreakerState {
        self.state.lock().breaker.state()
    }
}
