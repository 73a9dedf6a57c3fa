//! Agreement: slots, the block tree, votes and certificates, fork choice.
pub mod core;
