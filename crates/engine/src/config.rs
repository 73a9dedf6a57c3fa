//! What the embedded engine has to know about its chain, and how much it keeps.

use alloy_eips::eip7840::BlobParams;
use alloy_primitives::Address;
use revm::primitives::hardfork::SpecId;

/// The rules of one chain: forks and limits. The genesis is given apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// The EVM's chain id.
    pub chain_id: u64,
    /// When each fork begins.
    pub forks: ForkSchedule,
    /// The gas limit every block must have; `None` leaves it to the bound of Ethereum alone.
    pub gas_limit: Option<u64>,
    /// The contract whose deposit logs become requests (EIP-6110).
    pub deposit_contract: Address,
}

impl Rules {
    /// The rules of an Alys chain: Prague from genesis, no blobs, one gas limit.
    #[must_use]
    pub fn alys(chain_id: u64, gas_limit: u64) -> Self {
        Self {
            chain_id,
            forks: ForkSchedule::PRAGUE,
            gas_limit: Some(gas_limit),
            deposit_contract: Address::ZERO,
        }
    }
}

/// From which timestamp on a fork's rules hold, in seconds.
///
/// An Alys chain starts with Prague ([`ForkSchedule::PRAGUE`]); earlier forks are here because the
/// public test vectors need them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForkSchedule {
    /// Cancun's first timestamp, `None` for never; blocks before it are Shanghai's.
    pub cancun: Option<u64>,
    /// Prague's first timestamp, `None` for never.
    pub prague: Option<u64>,
    /// The blob schedule from Cancun on.
    pub blobs: BlobParams,
}

impl ForkSchedule {
    /// Prague from genesis, blob schedule target 0 and max 0 (EIP-7840): a blob transaction is
    /// never valid.
    pub const PRAGUE: Self = Self {
        cancun: Some(0),
        prague: Some(0),
        blobs: BlobParams {
            target_blob_count: 0,
            max_blob_count: 0,
            max_blobs_per_tx: 0,
            ..BlobParams::prague()
        },
    };

    /// The rules at `timestamp`.
    #[must_use]
    pub fn spec_at(&self, timestamp: u64) -> SpecId {
        let active = |fork: Option<u64>| fork.is_some_and(|from| timestamp >= from);
        if active(self.prague) {
            SpecId::PRAGUE
        } else if active(self.cancun) {
            SpecId::CANCUN
        } else {
            SpecId::SHANGHAI
        }
    }
}

/// How much the embedded engine keeps and allows; harmless to change between runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineLimits {
    /// How many blocks below the head may stay in memory while they are not final. Default 64.
    pub window: u64,
    /// For how many blocks below the base old states can be read; `None` for all. Default 90,000,
    /// two days of slots of two seconds. At least `window`.
    pub history: Option<u64>,
    /// For how many blocks below the base proofs can be made. Default 64.
    pub proofs: u64,
    /// How many candidate blocks may wait above the base. Default 1,024.
    pub candidates: usize,
    /// How many blocks the base lags behind where it belongs before it moves. Default 1: at once.
    ///
    /// More makes one commit of many: what several of the blocks change is written once, and a
    /// commit costs by the pages it touches. Paid for with blocks to import again after a crash,
    /// memory, and a longer commit.
    pub commit_every: u64,
    /// The most gas a call or an estimate may use. Default 50,000,000.
    pub call_gas: u64,
    /// How many recovered senders are remembered. Default 65,536.
    pub senders: usize,
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            window: 64,
            history: Some(90_000),
            proofs: 64,
            candidates: 1024,
            commit_every: 1,
            call_gas: 50_000_000,
            senders: 65_536,
        }
    }
}
