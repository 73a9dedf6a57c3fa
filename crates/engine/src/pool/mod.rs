//! The transaction pool: signed transactions that wait for a block.
//!
//! Synchronous and deterministic: it reads no clock and spawns nothing. Its time is the head's
//! timestamp, its order that of arrival, and what it knows of accounts it reads from the head's state.
//!
//! ```text
//!   raw bytes ──decode──► PooledTransaction ──add──► Pool ──best(base fee)──► the next block's, by tip
//!              (stateless, any thread)          ▲
//!                                            on_head: mined and void ones go, reorged-out ones return
//! ```
//!
//! # What holds after every call
//! - At most one transaction for each (sender, nonce), none with a used nonce.
//! - The transactions of one account cost together no more than the account has.
//! - Count and bytes stay below their bounds; the worst go first, and always the last of an account, so
//!   that an eviction opens no gap.
//! - What leaves is reported with its [reason](DropReason).
//!
//! # What is ready
//! The *run* of an account are its transactions from its next nonce on without a gap. Of the run those
//! are ready whose fee cap, and that of all before them, reaches the base fee. The others wait.
//!
//! # EIP-7702
//! An account that is delegated, or whose authorization waits in the pool, can be emptied by others: one
//! transaction could void many. Such an account has at most one transaction here, and an authorization of
//! an account with more than one is refused (Geth's rule). Beyond that, what became void is skipped where
//! the block is built.

mod account;
mod best;
mod bounds;
mod checks;
mod config;
mod head;
mod sender;
mod store;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
mod tests;
mod transaction;

pub use best::BestTransactions;
pub use config::{PoolConfig, PoolConfigError};
pub use head::{HeadInfo, NewHead, Touched};
pub use sender::{AccountSource, SenderAccount, SenderCode};
pub use store::{AddError, Added, DropReason, Dropped, Pool};
pub use transaction::{PooledTransaction, TransactionRules};
