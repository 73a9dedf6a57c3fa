//! What the peg learns from executing a payload.

use alloy_primitives::{Address, Bytes, U256};
use serde::{Deserialize, Serialize};
use ssz_derive::{Decode, Encode};

/// One burn: a `RequestPegOut` log of the bridge in a succeeded transaction, and the `PegOutTerms` log
/// right after it.
///
/// Identified by (block hash, log index); its [`id`](Self::id) is how a cancellation names it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Burn {
    /// The index of the `RequestPegOut` log in its block.
    pub log_index: u64,
    /// The id that the bridge gave it: counted from 0 along the chain, in log order.
    pub id: u64,
    /// Who burned, and gets it back where it cannot be paid.
    pub burner: Address,
    /// The Bitcoin address as it was given, text bytes of a possible length; not yet checked.
    pub bitcoin_address: Bytes,
    /// What was burned, in wei; a whole number of sat, and at least `peg.min_payout`.
    pub value: U256,
    /// The highest fee share the burner bears, in wei; `U256::MAX` where it was not bounded.
    pub max_fee: U256,
}

/// A burner's wish to have a burn back: a `CancelPegOut` log of the bridge in a succeeded transaction.
///
/// The bridge lets nobody but the burner make it, and once only. Whether it comes in time is not the
/// bridge's to say: the peg's state knows which burns are still queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Cancellation {
    /// The index of the log in its block; above that of the burn where both are in one block.
    pub log_index: u64,
    /// The burn's id.
    pub id: u64,
    /// The burn's burner.
    pub burner: Address,
}

/// Facts about an executed payload, taken from its receipts. A VALID comes with them; they are
/// stored beside the block, and the next block's `peg_root` needs them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ExecutionFacts {
    /// The burns, in log order.
    pub burns: Vec<Burn>,
    /// The cancellations, in log order. Those of this block's own burns are among them.
    pub cancellations: Vec<Cancellation>,
    /// Fees collected, in wei: base fee times gas used, plus tips.
    pub fees: U256,
    /// Gas used.
    pub gas: u64,
}
