//! What the peg learns from executing a payload.

use alloy_primitives::{Address, Bytes, U256};
use serde::{Deserialize, Serialize};
use ssz_derive::{Decode, Encode};

/// One burn: a `RequestPegOut` log of the bridge in a succeeded transaction.
///
/// Identified by (block hash, log index).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Burn {
    /// The index of the log in its block.
    pub log_index: u64,
    /// Who burned, and gets it back where it cannot be paid.
    pub burner: Address,
    /// The Bitcoin address as it was given, text bytes; not yet checked.
    pub bitcoin_address: Bytes,
    /// What was burned, in wei.
    pub value: U256,
    /// The highest fee share the burner bears, in wei; `U256::MAX` where it was not bounded.
    pub max_fee: U256,
}

/// Facts about an executed payload, taken from its receipts. A VALID comes with them; they are
/// stored beside the block, and the next block's `peg_root` needs them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ExecutionFacts {
    /// The burns, in log order.
    pub burns: Vec<Burn>,
    /// Fees collected, in wei: base fee times gas used, plus tips.
    pub fees: U256,
    /// Gas used.
    pub gas: u64,
}
