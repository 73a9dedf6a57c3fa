//! The message bus: addresses, asks, topics, clock and every actor's protocol, over ractor.
//!
//! Every actor of a node is reached through here and in no other way. ractor runs the actors; the bus
//! adds what it leaves open: bounds, deadlines, priorities, handles that survive restarts, measurement.
//!
//! # A tour
//!
//! **A protocol** is an enum of messages, data only. A message that owes an answer holds a [`Reply`];
//! [`protocol_kinds!`] numbers the variants. The protocols by which actors know each other stand in the
//! module `protocol`, which the mechanism never imports; what only one program's parts say to each other
//! (rpc's own messages) stays in its crate.
//!
//! **An [`Address`]** leads to the actor that speaks a protocol, through all its restarts: the
//! supervisor [binds](Address::bind) it to each new incarnation. It holds the [`Limits`]: ractor's
//! mailboxes have no bound, so every message takes a credit, which comes back when the work is answered
//! or dropped, wherever it was handed on to. Who finds no credit waits in a line that is bounded too,
//! or is refused.
//!
//! **Asking.** [`Address::ask`] sends a request and waits for its [`Reply`]; [`Address::try_tell`]
//! sends a fact and never waits. Asks go down the layers, facts go up; an actor holds an `Address` only
//! of those it may ask and a [`Teller`] of the rest, so no circle of waiting can exist. Each request
//! carries a [`Context`]: its deadline and the id of the root request. Work whose deadline has passed
//! is dropped before it starts; a nested ask made with the same context gets what is left. The outcome
//! is a value or an [`AskError`]: five reasons of the bus, or the actor's own.
//!
//! **Two lanes.** The handle from [`Address::control`] overtakes: its messages are taken between any
//! two others. The wiring decides who holds it: consensus and supervision do.
//!
//! **Inside an actor** the [`Feed`] turns what ractor delivers ([`Inbox`]) into [`Work`]. A handler
//! never waits for a peer: [`pipe`] runs the ask in a task and brings its outcome back as a private
//! message. Work over a millisecond goes to the actor's own thread, a [`Worker`], which may spread what needs many
//! hands over [several](in_parallel). [`Timer`] ticks never
//! pile up, because each is armed after the last was handled. What an actor starts belongs to it: a
//! panic in a [task](spawn_task), a timer or a thread is its [`Owner`]'s failure.
//!
//! **Saying it to many.** A [`Topic`] tells its subscribers how many events they missed; [`Latest`]
//! holds the newest value. What must not be lost is read from storage.
//!
//! **Promises.** The [`Outbox`] keeps what may be seen behind what must be durable, for the actor and
//! the simulation alike.
//!
//! **Time** comes from the one [`Clock`], wall time and deadlines alike, so a test that pauses tokio's
//! time pauses both.
//!
//! **Measuring.** The bus counts latency, wait and work per kind of message in [histograms](Histogram)
//! of its own. An [`Observer`] shows an actor's state: to the supervisor, which finds hung actors by
//! it, and to metrics, by [`publish`](Observer::publish). A root request has one info span
//! ([`root_request`]); hops are debug spans with its id.
//!
//! # An actor, complete
//!
//! One that keeps nothing but its messages is a closure: see [`Serving`]. In full:
//!
//! ```
//! use std::{convert::Infallible, time::Duration};
//!
//! use alys_bus::ractor::{Actor, ActorProcessingErr, ActorRef};
//! use alys_bus::{Address, Context, Feed, Inbox, Limits, Reply, Work, protocol_kinds, spawn_actor};
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
//!     async fn pre_start(
//!         &self,
//!         _: ActorRef<Self::Msg>,
//!         feed: Feed<Counter>,
//!     ) -> Result<State, ActorProcessingErr> {
//!         Ok(State { feed, count: 0 })
//!     }
//!
//!     async fn handle(
//!         &self,
//!         _: ActorRef<Self::Msg>,
//!         message: Self::Msg,
//!         state: &mut State,
//!     ) -> Result<(), ActorProcessingErr> {
//!         let mut message = Some(message);
//!         while let Some(work) = state.feed.next(&mut message).await {
//!             match work {
//!                 Work::Public(Counter::Add { by, reply }, _ctx) => {
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
//! let address = Address::<Counter>::new(Limits::default());
//! let (actor, _) = spawn_actor(&address, None, CounterActor, |feed| feed).await?;
//!
//! let ctx = Context::root(Duration::from_secs(1));
//! let count = address.ask(ctx, |reply| Counter::Add { by: 2, reply }).await?;
//! assert_eq!(count, 2);
//! # actor.stop(None);
//! # Ok(())
//! # }
//! ```
//!
//! # Invariants
//!
//! - Every ask has exactly one outcome, at its deadline at the latest, and every credit comes back.
//! - No queue without a bound, no request without a deadline, no task or thread without an owner.
//! - Order holds within a lane, from one sender; not between lanes.
//! - The mechanism never names a protocol; actors have no name in ractor's registry, which is one for
//!   the whole process.

mod address;
mod clock;
mod context;
mod credits;
mod error;
mod feed;
mod gate;
mod give_way;
mod histogram;
mod inbox;
mod kinds;
mod mailbox;
mod outbox;
mod parallel;
mod pipe;
mod progress;
pub mod protocol;
mod publish;
mod reply;
mod retry;
mod serving;
mod spawn;
mod stats;
mod task;
mod timer;
mod topic;
mod worker;

/// What runs the actors. For authors of an actor: its `Actor` trait is implemented beside a [`Feed`], of
/// the very version that this crate binds addresses to; nothing else of it is needed.
pub use ractor;

pub use address::{Address, Teller};
pub use clock::Clock;
pub use context::{Context, root_request};
pub use credits::Limits;
pub use error::{AskError, TellError};
pub use feed::{Feed, Seat};
pub use gate::Lane;
pub use histogram::{BUCKETS, Histogram, HistogramSnapshot};
pub use inbox::{Envelope, Inbox, Signal, Work};
pub use kinds::Protocol;
pub use outbox::{Outbox, OutboxError, Release, Ticket};
pub use parallel::in_parallel;
pub use pipe::{Panicked, pipe, pipe_any};
pub use publish::QUANTILES;
pub use reply::{Answer, Reply, unsupported};
pub use retry::{RetryPolicy, retry};
pub use serving::Serving;
pub use spawn::spawn_actor;
pub use stats::{KindStats, LaneStats, Observer, RunningStats, Stats};
pub use task::{Owner, Panics, Task, spawn_task};
pub use timer::{Tick, Timer};
pub use topic::{Event, Latest, LatestReader, Subscription, Topic};
pub use worker::{
    RejectReason, Rejected, Worker, WorkerError, WorkerLimits, WorkerMode, WorkerObserver, WorkerStats,
};
