//! Bridge: the Bitcoin side of the peg. It owns this node's Bitcoin node, what was seen there, and payouts
//! under way. The actor comes with its own issue.
//!
//! What is credited and what is paid is decided by blocks, never here: bridge offers items for a body, and
//! does what final blocks order. So every answer may be absent: a block goes without.

use alys_primitives::{
    B256,
    peg::{BitcoinHeader, Deposit, PayoutProposal},
};
use serde::{Deserialize, Serialize};

use super::storage::BlockRef;
use crate::{Reply, protocol_kinds};

/// What bridge can be asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum BridgeMessage {
    /// Deposits that a block may credit, with their proofs. Sent by chain while it drafts a body.
    ///
    /// Answered at once from what was seen: only those deep enough below the relay's tip that the draft
    /// will have, oldest first, empty where nothing is ready. Idempotent: what was answered is answered again
    /// until a final block has credited it, so a draft that came to nothing loses no deposit
    /// (`skipped-deposit`). [`BridgeError::UnknownHeader`] where this node's Bitcoin node does not have that
    /// tip (yet); the draft then goes without.
    ProcessPegins {
        /// The relay's tip after the drafted block: a Bitcoin block's hash, internal byte order.
        relay_tip: B256,
        /// How many at most.
        most: usize,
        /// The deposits.
        reply: Reply<Vec<Deposit>, BridgeError>,
    },
    /// Carry out the payouts of a block: collect signatures, broadcast, watch until they are confirmed.
    /// Sent by chain when that block is final and the burns it pays are anchored, and again for all that
    /// are not settled after each start.
    ///
    /// Answered when all are taken on durably, in the order of the block; not when they are paid, which takes
    /// hours, and shows as settlements in later blocks. Idempotent by the first version's txid. One that
    /// cannot be carried out does not keep the others back: it is [`PegoutStage::Refused`].
    /// [`BridgeError::Halted`] while the peg is halted; chain asks again when it is not.
    FinalizePegouts {
        /// The block that ordered them.
        block: BlockRef,
        /// The payouts, as they stand in its body.
        payouts: Vec<PayoutProposal>,
        /// How far each has come.
        reply: Reply<Vec<Pegout>, BridgeError>,
    },
    /// What this node's Bitcoin node shows: its best chain beyond a header, and fees. Sent by chain before
    /// it drafts, and before it votes for a block with new headers or payouts; by rpc for operators.
    ///
    /// Answered at once with what was seen last, and since when. Idempotent. A Bitcoin node that is away
    /// or behind makes nothing invalid (`lagging-bitcoind-invalid`): [`BridgeError::NoBitcoin`].
    MonitorBitcoin {
        /// The header after which those of the best chain are wanted, as a rule the relay's tip; internal
        /// byte order.
        after: B256,
        /// How many headers at most.
        most: usize,
        /// The view.
        reply: Reply<Box<BitcoinView>, BridgeError>,
    },
}

protocol_kinds!(BridgeMessage, "bridge", [ProcessPegins, FinalizePegouts, MonitorBitcoin]);

/// A payout under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pegout {
    /// The first version's txid, by which all its versions are known; internal byte order.
    pub first: B256,
    /// How far it has come.
    pub stage: PegoutStage,
}

/// How far a payout has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum PegoutStage {
    /// Signatures are being collected.
    Signing {
        /// Members whose signatures are here.
        have: u8,
        /// How many are needed.
        need: u8,
    },
    /// A version was broadcast and is watched.
    Broadcast {
        /// That version's txid, internal byte order.
        txid: B256,
    },
    /// A version is in the best chain.
    Confirmed {
        /// That version's txid, internal byte order.
        txid: B256,
        /// Blocks on it, its own included.
        confirmations: u64,
    },
    /// This member does not sign it; others may.
    Refused {
        /// By which of its own rules, for the operator.
        reason: String,
    },
}

/// What a Bitcoin node shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BitcoinView {
    /// Height of its best block.
    pub height: u64,
    /// Hash of its best block, internal byte order.
    pub tip: B256,
    /// Headers of its best chain after the one named, lowest first.
    pub headers: Vec<BitcoinHeader>,
    /// Its estimate for a payout, in sat per 1,000 virtual bytes; `None` where it has none.
    pub fee_rate: Option<u64>,
    /// When it showed this, Unix ms.
    pub seen_ms: u64,
}

/// Why bridge could not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BridgeError {
    /// The Bitcoin node is out of reach, or still catching up.
    #[error("the Bitcoin node cannot be used now: {0}")]
    NoBitcoin(String),
    /// The header is not on the best chain of this node's Bitcoin node.
    #[error("the Bitcoin node does not have header {0} on its best chain")]
    UnknownHeader(B256),
    /// The peg is halted.
    #[error("the peg is halted: {reason}; it goes on when {exit}")]
    Halted {
        /// Why.
        reason: String,
        /// What ends the halt (`freeze-for-ever`: each has an end).
        exit: String,
    },
    /// What was taken on could not be made durable.
    #[error("{0}")]
    Io(String),
}
