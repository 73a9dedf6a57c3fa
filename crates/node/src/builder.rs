//! Putting a node together: each actor is a slot that can be filled with another.

use alys_bus::{Clock, LatestReader, Subscription, protocol::chain::ChainEvent};
use alys_federation::MemberKeys;
use alys_primitives::ChainSpec;
use alys_supervisor::{BuildError, ChildSpec, ExitReport, Supervisor, SupervisorHandle};
use std::net::SocketAddr;

use crate::{
    config::NodeConfig,
    engines,
    slots::{self, Parts},
    wiring::Wiring,
};

/// Why a node was not built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The chain spec cannot be used.
    #[error(transparent)]
    Spec(#[from] alys_primitives::spec::SpecError),
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] crate::load::ConfigError),
    /// Keys and spec do not fit together.
    #[error(transparent)]
    Federation(#[from] alys_federation::SetupError),
    /// There are keys and no promise record, though the chain has begun: this member may have voted
    /// before, and a second vote in a slot must never be (`two-rivals`).
    #[error(
        "this member's promise record {place} does not exist, though {chain} has begun (slot {slot} is \
         under way) and this member may have voted in it; it must not vote twice. If it ran in another \
         folder, name that one (storage.path). If what it promised is lost, or it joins late, `alys \
         promises reset` locks it on a slot that has not begun yet. If it has never run anywhere, start it with \
         `alys run --first-start`"
    )]
    PromisesUnknown {
        /// Where the record should be.
        place: String,
        /// The chain's name.
        chain: String,
        /// The slot that has begun.
        slot: u64,
    },
    /// A thread or the engine's genesis could not be made.
    #[error("{0}")]
    Setup(String),
    /// The supervisor refused the actors.
    #[error(transparent)]
    Supervisor(#[from] BuildError),
}

/// Fills one slot: from the addresses to what the supervisor starts.
type Fill = Box<dyn FnOnce(&Wiring) -> ChildSpec + Send>;

/// A node that is being put together. Made by [`Node::builder`].
#[must_use = "nothing runs before `start`"]
pub struct NodeBuilder {
    config: NodeConfig,
    spec: ChainSpec,
    keys: Option<MemberKeys>,
    first_start: bool,
    clock: Clock,
    signals: bool,
    storage: Option<Fill>,
    engine: Option<Fill>,
    federation: Option<Fill>,
    chain: Option<Fill>,
    rpc: Option<Fill>,
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    wiring: Wiring,
    supervisor: Supervisor,
}

macro_rules! slot {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// The child is named after its protocol; who depends on it does so by that name.
        pub fn $name(mut self, fill: impl FnOnce(&Wiring) -> ChildSpec + Send + 'static) -> Self {
            self.$name = Some(Box::new(fill));
            self
        }
    };
}

impl NodeBuilder {
    /// This member's keys. A node without keys follows the chain.
    pub fn keys(mut self, keys: MemberKeys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// This member has never run before, anywhere: the program knows it, as where it has just made the
    /// keys. Then a new promise record is sound also where the chain has begun already.
    pub fn first_start(mut self) -> Self {
        self.first_start = true;
        self
    }

    /// Another clock than the machine's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Leaves SIGINT and SIGTERM alone: for a node inside another program.
    pub fn without_signals(mut self) -> Self {
        self.signals = false;
        self
    }

    slot!(
        /// Another storage actor than [`alys_storage`]'s.
        storage
    );
    slot!(
        /// Another engine actor than [`alys_engine`]'s.
        engine
    );
    slot!(
        /// Another federation actor than [`alys_federation`]'s.
        federation
    );
    slot!(
        /// Another chain actor than [`alys_chain`]'s.
        chain
    );
    slot!(
        /// Another RPC server than [`alys_rpc`]'s.
        rpc
    );

    /// Starts the actors in the order of their dependencies. Returns when the supervisor runs; the
    /// actors follow ([`Node::supervisor`] can be waited on).
    ///
    /// # Errors
    /// [`NodeError`], before anything was started.
    pub async fn start(self) -> Result<Node, NodeError> {
        self.spec.check()?;
        let config = self.config.validate(None)?;
        let wiring = Wiring::new(self.clock);
        let parts = Parts::new(config, self.spec);
        let filled = |slot: Option<Fill>| slot.map(|fill| fill(&wiring));
        let may_have_voted = self.keys.is_some() && !self.first_start;
        let children = [
            filled(self.storage).map_or_else(|| slots::storage(&wiring, &parts, may_have_voted), Ok),
            filled(self.engine).map_or_else(|| engines::engine(&wiring, &parts), Ok),
            filled(self.federation).map_or_else(|| slots::federation(&wiring, &parts, self.keys), Ok),
            filled(self.chain).map_or_else(|| Ok(slots::chain(&wiring, &parts)), Ok),
            filled(self.rpc).map_or_else(|| Ok(slots::rpc(&wiring, &parts)), Ok),
        ];
        let mut supervisor = Supervisor::builder().address(&wiring.supervisor).clock(wiring.clock.clone());
        for child in children {
            supervisor = supervisor.child(child?);
        }
        if self.signals {
            supervisor = supervisor.stop_on_signals();
        }
        Ok(Node { supervisor: supervisor.start().await?, wiring })
    }
}

impl Node {
    /// Begins to put a node together for the chain of `spec`.
    pub fn builder(config: NodeConfig, spec: ChainSpec) -> NodeBuilder {
        NodeBuilder {
            config,
            spec,
            keys: None,
            first_start: false,
            clock: Clock::system(),
            signals: true,
            storage: None,
            engine: None,
            federation: None,
            chain: None,
            rpc: None,
        }
    }

    /// The addresses of its actors.
    #[must_use]
    pub fn wiring(&self) -> &Wiring {
        &self.wiring
    }

    /// What happens on its chain from now on.
    #[must_use]
    pub fn events(&self) -> Subscription<ChainEvent> {
        self.wiring.events.subscribe()
    }

    /// Where its RPC server listens; `None` until it does.
    #[must_use]
    pub fn rpc_address(&self) -> LatestReader<Option<SocketAddr>> {
        self.wiring.rpc_address.reader()
    }

    /// A handle to stop it and to ask after its actors.
    #[must_use]
    pub fn supervisor(&self) -> SupervisorHandle {
        self.supervisor.handle()
    }

    /// Waits for its end, however that comes about.
    pub async fn stopped(self) -> ExitReport {
        self.supervisor.wait().await
    }
}
