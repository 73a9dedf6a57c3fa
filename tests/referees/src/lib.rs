//! Referees: random blocks that the embedded engine, Geth, EthereumJS and the Ethereum execution specs
//! must judge alike, to the last byte of every hash.
//!
//! | module | what |
//! |---|---|
//! | [`generate`] | from a seed to blocks: transactions of every kind, withdrawals, attributes |
//! | [`program`], [`asm`], [`contracts`], [`inputs`] | code that they deploy and call, inputs of precompiles |
//! | [`genesis`] | the chain that all start from |
//! | [`sealed`] | a block as it travels, and a verdict on it |
//! | [`mutate`] | blocks made wrong in one way each |
//! | [`embedded`], [`client`], [`specs`] | those who judge |
//! | [`run`], [`report`], [`record`] | the game, what came of it, what is kept of a lost one |
//! | [`cli`] | the command line, and the command that plays a run again |
//!
//! A run prints its seed when it fails, with the command that plays it again.

pub mod asm;
pub mod cli;
pub mod client;
pub mod contracts;
pub mod embedded;
pub mod generate;
pub mod genesis;
pub mod inputs;
pub mod mutate;
pub mod program;
pub mod record;
pub mod report;
pub mod run;
pub mod sealed;
pub mod specs;

use rand::Rng;

/// One of several things; there must be some.
pub(crate) fn pick<'a, T>(rng: &mut impl Rng, things: &'a [T]) -> &'a T {
    &things[rng.random_range(0..things.len())]
}
