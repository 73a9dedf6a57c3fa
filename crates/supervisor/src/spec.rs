//! What the supervisor is told about one actor.

use std::{any::Any, fmt, future::Future, sync::Arc, time::Duration};

use alys_bus::{Address, Feed, Inbox, Protocol, protocol::supervisor::Registration};
use parking_lot::Mutex;
use ractor::Actor;

use crate::{
    Budget, HealthLimits, KeptWorker, RestartPolicy,
    core::{Names, Rules},
    kept::KeptThreads,
    launch::{BoxError, Launch, Launcher},
};

/// How long a start may take, unless the spec says otherwise: opening a large database takes seconds, replaying it more.
const START_WITHIN: Duration = Duration::from_secs(60);

/// How long a stop may take, unless the spec says otherwise.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// One actor, as the supervisor sees it: how to start it, whom it depends on, what to do when it ends.
///
/// The functions that start it, and with them all that they own (addresses, configuration, [kept threads](KeptWorker)), live as long as
/// the spec; each incarnation gets what it needs from them anew.
pub struct ChildSpec {
    pub(crate) names: Names,
    pub(crate) rules: Rules,
    pub(crate) health: HealthLimits,
    pub(crate) launch: Box<dyn Launch>,
    pub(crate) kept: Vec<Box<dyn KeptThreads>>,
}

impl ChildSpec {
    /// The actor behind `address`. `start` makes each incarnation's actor and arguments, from its end of the bus.
    ///
    /// It is named after its protocol, depends on nobody, and has the default policy, budget and limits.
    pub fn new<M, P, A>(
        address: &Address<M>,
        mut start: impl FnMut(Feed<M>) -> (A, A::Arguments) + Send + 'static,
    ) -> Self
    where
        M: Protocol,
        P: Send + 'static,
        A: Actor<Msg = Inbox<M, P>>,
    {
        Self::with_setup(address, move |feed| {
            let made = start(feed);
            async move { Ok::<_, BoxError>(made) }
        })
    }

    /// Like [`new`](ChildSpec::new), where that needs time or may fail: reading a file, opening a database on a [kept
    /// thread](KeptWorker::get_or_open). An error or a panic is a failed start.
    pub fn with_setup<M, P, A, S, E>(
        address: &Address<M>,
        mut start: impl FnMut(Feed<M>) -> S + Send + 'static,
    ) -> Self
    where
        M: Protocol,
        P: Send + 'static,
        A: Actor<Msg = Inbox<M, P>>,
        S: Future<Output = Result<(A, A::Arguments), E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let launcher = Launcher {
            address: address.clone(),
            factory: Arc::new(Mutex::new(move |feed: Feed<M>| {
                let setup = start(feed);
                let setup = async move { setup.await.map_err(Into::into) };
                Box::pin(setup) as futures::future::BoxFuture<'static, _>
            })),
        };
        Self {
            names: Names { name: M::ACTOR.to_owned(), depends_on: Vec::new(), restarts_with: Vec::new() },
            rules: Rules {
                policy: RestartPolicy::default(),
                budget: Budget::default(),
                start_within: START_WITHIN,
                stop_within: STOP_WITHIN,
                intake: false,
            },
            health: HealthLimits::default(),
            launch: Box::new(launcher),
            kept: Vec::new(),
        }
    }

    /// Another name than that of the protocol, where several actors speak it.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.names.name = name.into();
        self
    }

    /// Start it after `actor`, and stop it before. While `actor` is down this one goes on, and its asks are `Unavailable`.
    #[must_use]
    pub fn depends_on(mut self, actor: impl Into<String>) -> Self {
        self.names.depends_on.push(actor.into());
        self
    }

    /// Start it after `actor`, stop it before, and whenever `actor` ends or is restarted, stop this one in order and start it again
    /// after it. That counts against no budget.
    #[must_use]
    pub fn restarts_with(mut self, actor: impl Into<String>) -> Self {
        self.names.restarts_with.push(actor.into());
        self
    }

    /// It brings work in from outside: the shutdown stops it before all others, also before those that depend on it.
    #[must_use]
    pub fn intake(mut self) -> Self {
        self.rules.intake = true;
        self
    }

    /// What happens when it ends.
    #[must_use]
    pub fn restart(mut self, policy: RestartPolicy) -> Self {
        self.rules.policy = policy;
        self
    }

    /// How many restarts are borne.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.rules.budget = budget;
        self
    }

    /// When it counts as hung.
    #[must_use]
    pub fn health(mut self, limits: HealthLimits) -> Self {
        self.health = limits;
        self
    }

    /// How long a start may take, from the call of the function that starts it to the end of `pre_start`. 60 s by default.
    #[must_use]
    pub fn start_within(mut self, limit: Duration) -> Self {
        self.rules.start_within = limit;
        self
    }

    /// How long its stop may take, `post_stop` included; and after it, the end of each thread it keeps. 10 s by default.
    #[must_use]
    pub fn stop_within(mut self, limit: Duration) -> Self {
        self.rules.stop_within = limit;
        self
    }

    /// Watches a thread that belongs to this spec, and stops it after the actor when the node stops.
    #[must_use]
    pub fn keeps<J: Send + 'static>(mut self, worker: &KeptWorker<J>) -> Self {
        self.kept.push(Box::new(worker.clone()));
        self
    }

    /// The same for threads that something else than a [`KeptWorker`] holds.
    #[must_use]
    pub fn keeps_threads(mut self, threads: impl KeptThreads + 'static) -> Self {
        self.kept.push(Box::new(threads));
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.names.name
    }
}

impl fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("names", &self.names)
            .field("rules", &self.rules)
            .field("health", &self.health)
            .field("kept", &self.kept.len())
            .finish_non_exhaustive()
    }
}

impl Registration for ChildSpec {
    fn actor(&self) -> &str {
        self.name()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}
