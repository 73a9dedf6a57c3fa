//! The state of the chain: accounts, storage slots, code and trie nodes, at every block in reach.
//!
//! On disk there is one state, the *base*: flat accounts and slots keyed by hash, code by its hash,
//! trie nodes by path (`keys.rs` has the layout). Every block above the base is an [`Overlay`] in memory: what it
//! changed, with the value before. Blocks below the base are read through history: each block that
//! went into the base left, for every key it changed, the value before it. A [`StateView`] reads all
//! of them alike.
//!
//! ```text
//!   history (disk)          base (disk)        overlays (memory)
//!   h-3 ── h-2 ── h-1 ─────────  h  ───────── h+1 ── h+2 ── head
//!                                        └── h+1'
//! ```
//!
//! A view owns what it reads from: a snapshot of the database taken after the commit that made the
//! base, and the overlays between the base and its block. So a reader on another thread sees one
//! state from beginning to end while blocks are imported and the base moves; nobody waits for
//! anybody. That is why the engine asks for a database with [`Snapshots`](alys_database::Snapshots)
//! instead of holding a lock over reads: a lock would make an `eth_call` of a second delay a commit
//! by a second.

mod base;
mod commit;
mod keys;
mod overlay;
mod root;
mod view;

pub(crate) use base::Base;
pub(crate) use commit::{prune_history, revert, write_genesis, write_overlay};
pub(crate) use keys::{Table, key, keyed_by_height};
pub(crate) use overlay::NodeUndo;
pub use overlay::{Change, Overlay};
pub use root::{AccountChange, Basics, StateChanges, seal_overlay};
pub use view::{AccountProof, SlotProof, StateView};

/// A state with nothing in it: what the genesis is built on.
pub(crate) fn empty_state() -> StateView {
    StateView::above(Base::new(Box::new(base::Nothing)), Vec::new())
}

#[cfg(test)]
mod tests;
