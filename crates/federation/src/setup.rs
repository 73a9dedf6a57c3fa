//! Opening the federation's thread, and opening it anew after a panic.
//!
//! A [`FederationSetup`] lives as long as the child spec. It owns what a thread must not take with it: the member's keys,
//! which no restart could read again without their password, and what the signer remembers.

use std::sync::Arc;

use alys_bus::{Clock, Worker, WorkerError, WorkerLimits, WorkerMode};
use alys_primitives::ChainSpec;

use crate::{
    actor::FederationArgs,
    config::FederationConfig,
    member_keys::MemberKeys,
    messages::{Job, MemberSet},
    service::{Federation, SetupError},
    signer::SignerMemory,
};

/// Why the thread did not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Keys, spec and configuration do not fit together, though they did when the setup was made.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The operating system gave no thread.
    #[error(transparent)]
    Thread(#[from] WorkerError),
}

/// How the federation is opened, again and again.
#[derive(Clone)]
pub struct FederationSetup {
    spec: Arc<ChainSpec>,
    keys: Option<Arc<MemberKeys>>,
    memory: SignerMemory,
    config: FederationConfig,
    members: Arc<MemberSet>,
    clock: Clock,
    limits: WorkerLimits,
    mode: WorkerMode,
}

impl FederationSetup {
    /// A setup for `spec`, with the keys of the member that this node is. Checks that all fits together; starts no thread
    /// yet.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(
        spec: Arc<ChainSpec>,
        keys: Option<MemberKeys>,
        config: FederationConfig,
        clock: Clock,
    ) -> Result<Self, SetupError> {
        let keys = keys.map(Arc::new);
        let memory = SignerMemory::new();
        let federation = Federation::with_memory(&spec, keys.clone(), memory.clone(), &config)?;
        let members = Arc::new(federation.members().clone());
        let (limits, mode) = (WorkerLimits::default(), WorkerMode::Thread);
        Ok(Self { spec, keys, memory, config, members, clock, limits, mode })
    }

    /// Other limits for the queue; no less than the address'.
    #[must_use]
    pub fn limits(mut self, limits: WorkerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Another mode: [`WorkerMode::Inline`] for tests with paused time.
    #[must_use]
    pub fn mode(mut self, mode: WorkerMode) -> Self {
        self.mode = mode;
        self
    }

    /// What a thread owns, without the thread: no shares, and the signer with its memory.
    ///
    /// # Errors
    /// [`SetupError`], which cannot be: the same was checked when the setup was made.
    pub fn federation(&self) -> Result<Federation, SetupError> {
        Federation::with_memory(&self.spec, self.keys.clone(), self.memory.clone(), &self.config)
    }

    /// Opens the thread.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self) -> Result<Worker<Job>, OpenError> {
        let mut federation = self.federation()?;
        Ok(Worker::spawn("federation", self.limits, self.mode, move |job, _ctx| federation.handle(job))?)
    }

    /// What an incarnation starts with that works with this thread.
    #[must_use]
    pub fn args(&self, worker: Worker<Job>) -> FederationArgs {
        FederationArgs {
            worker,
            members: Arc::clone(&self.members),
            slots: self.spec.slots(),
            clock: self.clock.clone(),
        }
    }
}

impl std::fmt::Debug for FederationSetup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let own = self.members.own;
        f.debug_struct("FederationSetup")
            .field("chain", &self.spec.name)
            .field("own", &own)
            .finish_non_exhaustive()
    }
}
