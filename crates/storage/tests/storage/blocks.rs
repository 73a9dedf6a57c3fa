//! Blocks that fit together, without an execution client: those of the contract suite, with other transactions in them.

use std::ops::Bound;
use std::sync::Arc;

use alys_database::{Database, Order};
use alys_primitives::{Bytes, SignedProposal};
use alys_testkit::contract::storage::blocks::make;
#[allow(unused_imports, reason = "the bench uses fewer of them")]
pub(crate) use alys_testkit::contract::storage::blocks::{
    certificate, change, facts, genesis, hash, peg, place as named, update,
};

/// A block on `parent`, in `slot`, with these transactions.
pub(crate) fn child(parent: &SignedProposal, slot: u64, transactions: Vec<Bytes>) -> Arc<SignedProposal> {
    make(Some(parent), slot, transactions)
}

/// `count` blocks in a row on `parent`, each with two transactions.
pub(crate) fn line(parent: &SignedProposal, count: u64) -> Vec<Arc<SignedProposal>> {
    let mut blocks: Vec<Arc<SignedProposal>> = Vec::new();
    for n in 0..count {
        let parent = blocks.last().map_or(parent, |last| last.as_ref());
        let slot = parent.block.header.slot + 1;
        let block =
            child(parent, slot, vec![transaction(slot * 1000 + n), transaction(slot * 1000 + n + 500)]);
        blocks.push(block);
    }
    blocks
}

/// The bytes of a transaction: storage never looks into them.
pub(crate) fn transaction(seed: u64) -> Bytes {
    let mut bytes = b"\x02 a transaction of no particular meaning ".to_vec();
    bytes.extend_from_slice(&seed.to_be_bytes());
    bytes.into()
}

/// Everything a database holds.
pub(crate) fn dump(db: &dyn Database) -> Vec<(Vec<u8>, Vec<u8>)> {
    db.scan((Bound::Unbounded, Bound::Unbounded), Order::Ascending, usize::MAX).unwrap()
}
