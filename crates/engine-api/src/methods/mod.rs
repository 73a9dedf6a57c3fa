//! The methods, typed.
//!
//! `engine_*` goes over the engine port, and so does all of `eth_*` that consensus needs. Wallets' questions go over
//! the public one where it is configured, else over the engine port too: clients serve `eth` on both.

mod engine;
mod eth;
mod receipts;
mod types;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

pub use engine::CAPABILITIES;
pub use receipts::BlockTransactions;
pub use types::{
    BuiltPayload, ClientVersion, Forkchoice, ForkchoiceUpdated, HeadBlock, Identity, PayloadBody, PayloadId,
    Syncing,
};

use crate::error::ApiError;
use crate::fork::ForkSchedule;
use crate::timeouts::Timeouts;
use crate::transport::Transport;

/// An execution client, by its methods. Clones share connections.
#[derive(Clone)]
pub struct EngineApi {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    engine: Transport,
    eth: Transport,
    has_public: bool,
    timeouts: Timeouts,
    forks: ForkSchedule,
}

impl EngineApi {
    /// A client by its engine port, with the spec's timeouts and Alys's forks.
    #[must_use]
    pub fn new(engine: Transport) -> Self {
        let (eth, timeouts, forks) = (engine.clone(), Timeouts::default(), ForkSchedule::default());
        let inner = Inner { engine, eth, has_public: false, timeouts, forks };
        Self { inner: Arc::new(inner) }
    }

    /// Asks `eth_*` over another port.
    #[must_use]
    pub fn with_public(self, public: Transport) -> Self {
        self.with(|inner| (inner.eth, inner.has_public) = (public, true))
    }

    /// Takes answers of at most so many bytes where `eth_*` goes, which is the engine port unless
    /// [`with_public`](Self::with_public) has named another: anyone may ask there, and many at a time.
    #[must_use]
    pub fn with_max_answer(self, bytes: usize) -> Self {
        self.with(|inner| inner.eth = inner.eth.bounded(bytes))
    }

    /// With other timeouts.
    #[must_use]
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        self.with(|inner| inner.timeouts = timeouts)
    }

    /// With another schedule of forks.
    #[must_use]
    pub fn with_forks(self, forks: ForkSchedule) -> Self {
        self.with(|inner| inner.forks = forks)
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.inner));
        self
    }

    /// Where `engine_*` goes.
    #[must_use]
    pub fn engine_port(&self) -> &Transport {
        &self.inner.engine
    }

    /// Where `eth_*` goes.
    #[must_use]
    pub fn eth_port(&self) -> &Transport {
        &self.inner.eth
    }

    /// Whether `eth_*` goes over a port of its own.
    #[must_use]
    pub fn has_public_port(&self) -> bool {
        self.inner.has_public
    }

    /// How long methods may take.
    #[must_use]
    pub fn timeouts(&self) -> Timeouts {
        self.inner.timeouts
    }

    /// Any method in its own words, as an asker forwards it; over the port its namespace belongs to.
    /// Parameters are a JSON array or object; none is an empty array. At most `within`, and never longer
    /// than the method's own timeout for [questions](Timeouts::of_question).
    ///
    /// # Errors
    /// [`ApiError`]; a refusal as it came.
    pub async fn call(
        &self,
        method: &str,
        params: Option<&RawValue>,
        within: Duration,
    ) -> Result<Box<RawValue>, ApiError> {
        let port = if method.starts_with("engine_") { self.engine_port() } else { self.eth_port() };
        let within = within.min(self.inner.timeouts.of_question(method));
        match params {
            Some(params) => port.call_raw(method, &params, within).await,
            None => port.call_raw(method, &(NONE), within).await,
        }
    }

    /// Any `eth_*` method as a wallet asks it, with its result in a type. At most `within`, as [`call`](Self::call).
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn eth<R: DeserializeOwned>(
        &self,
        method: &str,
        params: &impl Serialize,
        within: Duration,
    ) -> Result<R, ApiError> {
        let within = within.min(self.inner.timeouts.of_question(method));
        self.eth_port().call(method, params, within).await
    }

    async fn engine<R: DeserializeOwned>(
        &self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<R, ApiError> {
        self.inner.engine.call(method, params, self.inner.timeouts.of(method)).await
    }
}

/// No parameters.
const NONE: [(); 0] = [];

impl fmt::Debug for EngineApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineApi")
            .field("engine", &self.engine_port().url())
            .field("eth", &self.eth_port().url())
            .finish()
    }
}
