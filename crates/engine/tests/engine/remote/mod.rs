//! The client behind the Engine API: against servers that answer as they are told, and against Geth.

mod building;
mod fake;
mod figures;
mod following;
mod geth;
mod judging;
mod outages;
mod places;
mod ports;
mod questions;
mod reactions;
mod real;
mod reth;
mod rig;
// The server that the tests of the crate below use too.
#[path = "../../../../engine-api/tests/api/server.rs"]
mod server;
mod singly;
