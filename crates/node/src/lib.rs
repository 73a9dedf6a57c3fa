//! Composes the actors into a node: the only library that sees them all.
//!
//! ```no_run
//! # async fn run(spec: alys_primitives::ChainSpec) -> Result<(), alys_node::NodeError> {
//! use alys_node::{Node, NodeConfig};
//!
//! let node = Node::builder(NodeConfig::in_memory(), spec).start().await?;
//! println!("{}", node.stopped().await);
//! # Ok(()) }
//! ```
//!
//! | file | what |
//! |---|---|
//! | `config.rs`, `load.rs` | the configuration and its layers |
//! | `wiring.rs` | every actor's address |
//! | `slots.rs` | how each actor is started, and whom it may ask |
//! | `builder.rs` | [`Node::builder`]: any slot can be filled with another actor |
//!
//! **Order.** storage and engine first, then federation, chain, and rpc last; the shutdown goes the other
//! way, intake (rpc) before all. **Failure.** The supervisor restarts what ends; when it cannot, the node
//! stops in order and [`Node::stopped`] says why.

mod builder;
mod config;
mod engines;
mod execution;
mod load;
mod slots;
mod wiring;

pub use builder::{Node, NodeBuilder, NodeError};
pub use config::{KeysSection, LogSection, NodeConfig, NodeSection};
pub use execution::{ClientKind, ExecutionSection};
pub use load::{ConfigError, Sources};
pub use wiring::Wiring;
