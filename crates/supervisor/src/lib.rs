//! Starts, watches, restarts and stops the actors of a node.
//!
//! Each actor is described by a [`ChildSpec`], as data: how to start it, whom it depends on, what to do when it ends, when it counts as
//! hung, how long it may take to stop. The [`Supervisor`] keeps the node as the specs say, until it is told to stop or can keep it so no longer,
//! and then says in an [`ExitReport`] why, and how each actor ended.
//!
//! # One actor under supervision
//!
//! ```
//! use std::{convert::Infallible, time::Duration};
//!
//! use alys_bus::{Address, Context, Feed, Inbox, Limits, Reply, Work, protocol_kinds};
//! use alys_supervisor::{ChildSpec, Supervisor};
//! use ractor::{Actor, ActorProcessingErr, ActorRef};
//!
//! enum Counter {
//!     /// Answers the count after adding `by`.
//!     Add { by: u64, reply: Reply<u64, Infallible> },
//! }
//! protocol_kinds!(Counter, "counter", [Add]);
//!
//! struct CounterActor;
//! struct State {
//!     feed: Feed<Counter>,
//!     count: u64,
//! }
//!
//! impl Actor for CounterActor {
//!     type Msg = Inbox<Counter, ()>;
//!     type State = State;
//!     type Arguments = Feed<Counter>;
//!
//!     async fn pre_start(&self, _: ActorRef<Self::Msg>, feed: Feed<Counter>) -> Result<State, ActorProcessingErr> {
//!         Ok(State { feed, count: 0 })
//!     }
//!
//!     async fn handle(&self, _: ActorRef<Self::Msg>, message: Self::Msg, state: &mut State) -> Result<(), ActorProcessingErr> {
//!         let mut message = Some(message);
//!         while let Some(work) = state.feed.next(&mut message).await {
//!             match work {
//!                 Work::Public(Counter::Add { by, reply }, _ctx) => {
//!                     // Overflows panic here, and the supervisor starts the actor again.
//!                     state.count += by;
//!                     reply.send(Ok(state.count));
//!                 }
//!                 Work::Private(()) => {}
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let counter = Address::<Counter>::new(Limits::default());
//! let spec = ChildSpec::new(&counter, |feed| (CounterActor, feed));
//!
//! let node = Supervisor::builder().child(spec).start().await?;
//! let handle = node.handle();
//! assert!(handle.until_running(Duration::from_secs(5)).await);
//!
//! let ctx = Context::root(Duration::from_secs(1));
//! assert_eq!(counter.ask(ctx, |reply| Counter::Add { by: 2, reply }).await?, 2);
//!
//! // The address stays the same through a restart; what the actor did not keep on disk is gone.
//! handle.restart(Context::root(Duration::from_secs(5)), "counter").await?;
//! let ctx = Context::root(Duration::from_secs(1));
//! assert_eq!(counter.ask(ctx, |reply| Counter::Add { by: 3, reply }).await?, 3);
//!
//! handle.stop("the example is over");
//! let report = node.wait().await;
//! assert!(report.is_success());
//! # Ok(())
//! # }
//! ```
//!
//! A program's `main` leaves the waiting, the signals and the exit code to [`run_until_exit`]:
//!
//! ```no_run
//! # use alys_supervisor::{Supervisor, run_until_exit};
//! fn main() -> std::process::ExitCode {
//!     run_until_exit(async { Supervisor::builder()/* .child(spec) */.run().await })
//! }
//! ```
//!
//! # Threads and databases
//!
//! belong to the spec, not to the actor: a restarted actor attaches to them again. A [`KeptWorker`] holds a thread through all restarts, opens it anew only after
//! a panic of the thread itself, and closes it when the node stops, after the actor's `post_stop`:
//!
//! ```
//! # use alys_bus::{Address, Context, Feed, Inbox, Limits, Owner, Reply, Work, Worker, WorkerError, WorkerLimits, WorkerMode, protocol_kinds};
//! # use std::convert::Infallible;
//! # use alys_supervisor::{ChildSpec, KeptWorker};
//! # use ractor::{Actor, ActorProcessingErr, ActorRef};
//! # enum Ledger { Total { reply: Reply<u64, Infallible> } }
//! # protocol_kinds!(Ledger, "ledger", [Total]);
//! # type Job = Reply<u64, Infallible>;
//! # struct LedgerActor;
//! struct LedgerArgs {
//!     feed: Feed<Ledger>,
//!     /// The thread with the database. `pre_start` makes the actor its owner: `worker.attach(Owner::actor(&me))`.
//!     worker: Worker<Job>,
//! }
//! # impl Actor for LedgerActor {
//! #     type Msg = Inbox<Ledger, ()>;
//! #     type State = LedgerArgs;
//! #     type Arguments = LedgerArgs;
//! #     async fn pre_start(&self, me: ActorRef<Self::Msg>, args: LedgerArgs) -> Result<LedgerArgs, ActorProcessingErr> {
//! #         args.worker.attach(Owner::actor(&me));
//! #         Ok(args)
//! #     }
//! # }
//!
//! fn ledger(address: &Address<Ledger>) -> ChildSpec {
//!     let thread = KeptWorker::new();
//!     let kept = thread.clone();
//!     let start = move |feed| {
//!         let worker = kept.get_or_open(|| {
//!             let mut total = 0; // here the database is opened, and moved into the thread
//!             let work = move |job: Job, _ctx: Context| {
//!                 total += 1;
//!                 job.send(Ok(total));
//!             };
//!             Worker::spawn("ledger", WorkerLimits::default(), WorkerMode::Thread, work)
//!         });
//!         async move { worker.map(|worker| (LedgerActor, LedgerArgs { feed, worker })) }
//!     };
//!     ChildSpec::with_setup(address, start).keeps(&thread)
//! }
//! # ledger(&Address::new(Limits::default()));
//! ```
//!
//! # What happens when
//!
//! - **An actor ends** (a panic on any message or in anything it owns, an error from its handler, a kill, its own stop): its address leads nowhere at once, so its
//!   askers get `Unavailable`. When all that it held is dropped, it is started again after a pause that doubles, jittered. Those that
//!   [restart with it](ChildSpec::restarts_with) are stopped in order before, and started after it; others that
//!   [depend on it](ChildSpec::depends_on) go on.
//! - **It ends too often**: after 5 restarts in 60 s (the [`Budget`]) the next end stops the node in order, with that as the reason.
//! - **A start fails** by an error, a panic, or because it takes too long: the same as an end. Only the very first start of an actor stops the node at
//!   once, because with this configuration the next would fail too.
//! - **It hangs**, by the figures of the bus: one message is in work for longer than its limit, or work is queued and nothing moves. It is killed and restarted. What
//!   cannot be killed (a thread that a handler blocks, a job on a thread of its own) stops the node, in order, with a failure.
//! - **The node stops**, because of a [`stop`](SupervisorHandle::stop), SIGINT, SIGTERM or one of the above: [intake](ChildSpec::intake) first, then the reverse of the order
//!   of starting. Each actor is stopped, so its `post_stop` runs, then its threads end, each within its [time](ChildSpec::stop_within); only then is the next
//!   one's turn. Who is late is killed and reported. A second signal kills all that is left.
//!
//! # Metrics
//!
//! | metric | labels | meaning |
//! |---|---|---|
//! | `alys_supervisor_running` | actor | 1 while the actor runs, else 0 |
//! | `alys_supervisor_restarts_total` | actor | restarts since the node started |
//! | `alys_supervisor_hung_total` | actor | times it was killed because it was hung |
//!
//! # Invariants
//!
//! - At most one incarnation of an actor lives at any time, and an address never leads to one that is being stopped.
//! - Every state but running has a deadline, or waits for one that has; so a node that is told to stop does.
//! - Nothing that an actor does, at start, in work, at its end or when it is dropped, runs inside the supervisor.
//!
//! The rules are a synchronous state machine (`core`); the ractor actor around it only carries out effects.

mod actor;
mod builder;
mod core;
mod effects;
mod error;
mod exit;
mod handle;
mod kept;
mod launch;
mod metrics;
mod report;
mod rules;
mod signals;
mod spec;
mod state;
mod warden;

pub use alys_bus::protocol::supervisor::{ActorHealth, ActorState, SupervisorError, SupervisorMessage};
pub use builder::SupervisorBuilder;
pub use error::BuildError;
pub use exit::run_until_exit;
pub use handle::{Supervisor, SupervisorHandle};
pub use kept::{KeptThreads, KeptWorker};
pub use report::{ChildExit, ExitReport, Lifecycle, Outcome, StopReason};
pub use rules::{Budget, HealthLimits, RestartPolicy};
pub use spec::ChildSpec;
