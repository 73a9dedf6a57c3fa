//! What all tests here need: a spec for any number of members, payloads, a disk, a client, keys.

mod disk;
mod engine;
mod factory;
mod keys;
mod payload;
mod solo;
mod spec;

pub use disk::Disk;
pub use engine::FakeEngine;
pub use factory::Factory;
pub use keys::SingleKey;
pub use payload::{block_facts, make_payload};
pub use solo::{Comparison, Solo};
pub use spec::{GENESIS_MS, spec};
