//! How long each method may take: one constant per method, with its source, and one multiplier.

use std::time::Duration;

/// `engine_newPayloadV3`, `V4`. Source: paris.md, cancun.md, prague.md.
pub const NEW_PAYLOAD: Duration = Duration::from_secs(8);
/// `engine_forkchoiceUpdatedV3`. Source: paris.md, cancun.md.
pub const FORKCHOICE_UPDATED: Duration = Duration::from_secs(8);
/// `engine_getPayloadV3`, `V4`. Source: paris.md, cancun.md, prague.md.
pub const GET_PAYLOAD: Duration = Duration::from_secs(1);
/// `engine_getPayloadBodiesByHashV1`, `ByRangeV1`. Source: shanghai.md.
pub const GET_PAYLOAD_BODIES: Duration = Duration::from_secs(10);
/// `engine_exchangeCapabilities`. Source: common.md.
pub const EXCHANGE_CAPABILITIES: Duration = Duration::from_secs(1);
/// `engine_getClientVersionV1`. Source: identification.md.
pub const GET_CLIENT_VERSION: Duration = Duration::from_secs(1);
/// `eth_chainId`, `eth_syncing`, `eth_blockNumber`, and one block by number or hash without its
/// transactions. Source: none in execution-apis; a look-up, as `engine_exchangeCapabilities`.
pub const LOOK_UP: Duration = Duration::from_secs(1);
/// `eth_getBlockByNumber` and `eth_getBlockByHash` of a wallet, which may want all transactions with them. Source:
/// none; as [`RECEIPTS`]: the same transactions have to be read and encoded, and their senders recovered.
pub const BLOCK_WITH_TRANSACTIONS: Duration = Duration::from_secs(4);
/// `eth_getBlockReceipts`, and receipts or logs of blocks in batches. Source: none; a block of 30 M gas has at
/// most 1,428 transactions, whose receipts a client reads and encodes in well under a second, and the
/// verdict waits for them.
pub const RECEIPTS: Duration = Duration::from_secs(4);
/// Wallets' questions that execute or search: calls, estimates, logs, proofs, and all that is forwarded.
/// Source: Geth's `--rpc.evmtimeout`, 5 s, after which it answers itself; twice that.
pub const QUESTION: Duration = Duration::from_secs(10);

/// The constants above, times one factor, for slow machines and for tests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timeouts {
    multiplier: f64,
}

impl Timeouts {
    /// The constants times `multiplier`, which is held between a thousandth and a thousand.
    #[must_use]
    pub fn times(multiplier: f64) -> Self {
        let multiplier = if multiplier.is_finite() { multiplier.clamp(0.001, 1000.0) } else { 1.0 };
        Self { multiplier }
    }

    /// How long `method` may take, asked by consensus.
    #[must_use]
    pub fn of(&self, method: &str) -> Duration {
        self.scaled(own(method).unwrap_or(QUESTION))
    }

    /// How long `method` may take, asked by a wallet: what its parameters want is not looked at, so a block is one
    /// with its transactions.
    #[must_use]
    pub fn of_question(&self, method: &str) -> Duration {
        match method {
            "eth_getBlockByNumber" | "eth_getBlockByHash" => self.scaled(BLOCK_WITH_TRANSACTIONS),
            _ => self.of(method),
        }
    }

    /// Another duration, times the multiplier.
    #[must_use]
    pub fn scaled(&self, duration: Duration) -> Duration {
        duration.mul_f64(self.multiplier)
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::times(1.0)
    }
}

/// The constant that names `method`.
fn own(method: &str) -> Option<Duration> {
    Some(match method {
        "engine_newPayloadV3" | "engine_newPayloadV4" => NEW_PAYLOAD,
        "engine_forkchoiceUpdatedV3" => FORKCHOICE_UPDATED,
        "engine_getPayloadV3" | "engine_getPayloadV4" => GET_PAYLOAD,
        "engine_getPayloadBodiesByHashV1" | "engine_getPayloadBodiesByRangeV1" => GET_PAYLOAD_BODIES,
        "engine_exchangeCapabilities" => EXCHANGE_CAPABILITIES,
        "engine_getClientVersionV1" => GET_CLIENT_VERSION,
        "eth_chainId" | "eth_syncing" | "eth_blockNumber" | "eth_getBlockByNumber" | "eth_getBlockByHash" => {
            LOOK_UP
        }
        "eth_getBlockReceipts" | "eth_getTransactionReceipt" => RECEIPTS,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CAPABILITIES;

    #[test]
    fn every_method_of_the_engine_api_that_is_called_has_a_constant_of_its_own() {
        for method in CAPABILITIES.into_iter().chain(["engine_exchangeCapabilities"]) {
            assert!(own(method).is_some(), "{method}");
        }
        assert_eq!(own("engine_newPayloadV9"), None);
    }

    #[test]
    fn a_wallet_may_wait_longer_for_a_block_than_consensus_and_as_long_for_all_else() {
        let half = Timeouts::times(0.5);
        for method in ["eth_getBlockByNumber", "eth_getBlockByHash"] {
            assert_eq!(
                (half.of(method), half.of_question(method)),
                (LOOK_UP / 2, BLOCK_WITH_TRANSACTIONS / 2)
            );
        }
        for method in ["eth_blockNumber", "eth_getBlockReceipts", "eth_call"] {
            assert_eq!(half.of(method), half.of_question(method), "{method}");
        }
    }

    #[test]
    fn the_multiplier_stretches_every_method_and_stays_in_bounds() {
        let twice = Timeouts::times(2.0);
        assert_eq!(twice.of("engine_newPayloadV4"), Duration::from_secs(16));
        assert_eq!(twice.of("engine_getPayloadV4"), Duration::from_secs(2));
        assert_eq!(Timeouts::default().of("eth_getProof"), QUESTION);
        assert_eq!(Timeouts::times(-1.0).of("eth_chainId"), Duration::from_millis(1));
        assert_eq!(Timeouts::times(f64::NAN), Timeouts::default());
        assert_eq!(Timeouts::times(f64::INFINITY), Timeouts::default());
    }
}
