//! What storage promises, over the memory backend with faults and over real files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests fail by panicking, and their names are sentences"
)]

mod actor;
mod blocks;
mod contract;
mod crashes;
mod damage;
mod durability;
mod histories;
mod opening;
mod promises;
mod serving;
#[allow(dead_code, reason = "the database's power cuts use more of it")]
#[path = "../../../database/tests/database/trace.rs"]
mod trace;
