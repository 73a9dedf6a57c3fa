//! Client of the Engine API, by which a consensus layer drives an execution client such as Geth or Reth.
//!
//! ```text
//!   EngineApi   typed methods, the version chosen by the payload's fork    methods
//!      │        how long each may take                                    timeouts
//!   Transport   JSON-RPC over HTTP, single and in batches, bounded         transport
//!      │        a fresh token for each request                             jwt
//!   ───┴─── HTTP ───► the client's engine port, and its public one where configured
//! ```
//!
//! Beside them two pure state machines that whoever uses the client feeds with what it sees: the
//! [`Breaker`] says when to leave a failing client alone, the [`HealthMachine`] what to tell others of it.
//!
//! A library: no bus, no actor, no clock. Time is an argument ([`UnixSeconds`] for tokens, [`Duration`]s for
//! the breaker). Nothing is retried in here, because only the asker knows whether it still wants the
//! answer; but a request that was not let in is made once more with the right time, and a batch that is refused
//! is taken apart: neither was worked on.
//!
//! **What is not believed.** A response is read up to a bound, whatever length it announces; its id must be
//! the request's; JSON that ends early is [`ApiError::NotJson`]. That a payload is VALID, or that a head was
//! set, is the client's word and nothing more: the read-back of protocol.md 4 is the caller's.
//!
//! Source: execution-apis, `src/engine/{paris,shanghai,cancun,prague,common,authentication}.md`.
//!
//! [`Duration`]: std::time::Duration

mod breaker;
mod error;
mod fork;
mod health;
mod jwt;
pub mod managed;
mod methods;
mod process;
mod status;
pub mod timeouts;
mod transport;

pub use breaker::{Admission, Breaker, BreakerLimits, BreakerState};
pub use error::{ApiError, RpcError, RpcErrorKind};
pub use fork::{Fork, ForkSchedule};
pub use health::{Health, HealthMachine, Observation};
pub use jwt::{JwtKey, JwtKeyError, UnixSeconds};
pub use methods::{
    BlockTransactions, BuiltPayload, CAPABILITIES, ClientVersion, EngineApi, Forkchoice, ForkchoiceUpdated,
    HeadBlock, Identity, PayloadBody, PayloadId, Syncing,
};
pub use process::{ManagedProcess, WipeError};
pub use status::{PayloadStatus, Status};
pub use timeouts::Timeouts;
pub use transport::{Call, Transport, TransportConfig};
