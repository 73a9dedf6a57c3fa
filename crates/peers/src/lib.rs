//! Programs of others that Alys runs with or is checked against: which version, where it is, how it is started.
//!
//! - [`Peer`] names each program with its pinned version. [`geth`] and its like find one: first by an
//!   environment variable such as `ALYS_GETH`, then in the user's cache folder, where `cargo xtask peers`
//!   installs them under `alys/peers/<name>-<version>`, so that a clean clone finds them again.
//! - [`required`] is for tests: what is absent is a printed reason, and a failure where `ALYS_PEERS=required`.
//! - [`GethFlags`] is the one place that knows how Geth is run for an Alys chain.
//! - [`free_port`] finds one for a program that is told its port before it listens.
//! - [`launch`] runs a Geth, a Reth or an EthereumJS client as a child process, for tests of any crate.
//!
//! No dependencies, no runtime: tests, the node and `xtask` share it.

mod flags;
pub mod launch;
mod lookup;
mod peer;
mod ports;

pub use flags::GethFlags;
pub use lookup::{
    NotFound, RETH_VARIABLE, anvil, cache_folder, ethereumjs, find, find_named, geth, python, required, reth,
    solc, t8n,
};
pub use peer::Peer;
pub use ports::free_port;
