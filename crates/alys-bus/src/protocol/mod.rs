//! The public messages of every actor: data only.
//!
//! One module an actor: its message enum, replies and errors. Each variant's documentation is its
//! contract: who may send it, what must be answered and by when, what is idempotent, and for what is
//! told rather than asked, what a refusal means. Enums are `#[non_exhaustive]`; an actor answers
//! [`Unsupported`](crate::AskError::Unsupported) to what it does not know.
//!
//! The mechanism of the bus never imports this module. An actor crate re-exports its own protocol.
//!
//! Who may ask whom (asks go down, facts go up): storage, engine and metrics ask nobody; network and
//! federation may ask those; bridge may ask those and them; chain may ask all of them; rpc and
//! supervisor may ask anyone. Toward the rest an actor holds a [`Teller`](crate::Teller).

pub mod bridge;
pub mod chain;
pub mod engine;
pub mod federation;
pub mod metrics;
pub mod network;
pub mod query;
pub mod storage;
pub mod supervisor;

pub use bridge::BridgeMessage;
pub use chain::ChainMessage;
pub use engine::EngineMessage;
pub use federation::FederationMessage;
pub use metrics::MetricsMessage;
pub use network::NetworkMessage;
pub use storage::StorageMessage;
pub use supervisor::SupervisorMessage;
