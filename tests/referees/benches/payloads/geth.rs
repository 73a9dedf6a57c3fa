//! Geth, by the Engine API.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, Bytes, hex};
use alloy_rpc_types_engine::PayloadAttributes;
use alys_bus::Clock;
use alys_engine_api::{EngineApi, Forkchoice, JwtKey, Status, Timeouts, Transport, TransportConfig};
use alys_peers::launch;
use alys_primitives::Block;
use alys_referees::genesis::{CHAIN_ID, GAS_LIMIT};
use tempfile::TempDir;

use crate::{loads::Load, ms};

/// How long Geth builds before it is asked for the payload, tried one after the other: it hands out the
/// best it has, and tells nobody when that is full.
const BUILDING: [u64; 12] = [5, 10, 20, 30, 50, 75, 100, 150, 250, 500, 1_000, 2_000];

/// A running Geth, which ends with this.
pub(crate) struct Geth {
    api: EngineApi,
    _process: launch::Client,
    _folder: TempDir,
}

impl Geth {
    pub(crate) fn start(load: &Load) -> Result<Self, String> {
        let program = alys_peers::geth().map_err(|error| error.to_string())?;
        let folder = TempDir::new().unwrap();
        let genesis = serde_json::to_string(&load.genesis()).unwrap();
        let geth = launch::Geth::new(program, folder.path(), &genesis, CHAIN_ID, GAS_LIMIT);
        let process = geth.start().map_err(|error| error.to_string())?;
        let key = JwtKey::read(&process.jwt()).unwrap();
        let clock = Clock::system();
        let now = Arc::new(move || clock.now_ms() / 1000);
        let engine = Transport::new(TransportConfig::engine(process.engine_url(), key, now)).unwrap();
        let public = Transport::new(TransportConfig::public(process.public_url())).unwrap();
        let api = EngineApi::new(engine).with_public(public).with_timeouts(Timeouts::times(8.0));
        Ok(Self { api, _process: process, _folder: folder })
    }

    /// Judges a block, and makes it head and safe: how long each took.
    pub(crate) async fn follow(&self, block: &Block) -> (f64, f64) {
        let started = Instant::now();
        let status = self.api.new_payload(&block.payload, block.header.parent, &[]).await.unwrap();
        let validate = ms(started.elapsed());
        assert_eq!(status.status, Status::Valid, "{}", status.reason());
        let started = Instant::now();
        let head = block.header.payload_hash;
        let choice = Forkchoice { head, safe: head, ..Forkchoice::default() };
        let answer = self.api.forkchoice_updated(choice, None).await.unwrap();
        assert_eq!(answer.payload_status.status, Status::Valid);
        (validate, ms(started.elapsed()))
    }

    /// The least time of [`BUILDING`] after which it hands out a payload with as much gas as `block`, from
    /// the same transactions on the same parent.
    pub(crate) async fn build(&self, transactions: &[Bytes], block: &Block) -> f64 {
        for raw in transactions {
            let params = [hex::encode_prefixed(raw)];
            let sent: B256 =
                self.api.eth("eth_sendRawTransaction", &params, Duration::from_secs(10)).await.unwrap();
            assert!(!sent.is_zero());
        }
        let wanted = &block.payload.payload_inner.payload_inner;
        for (index, wait) in BUILDING.into_iter().enumerate() {
            let choice = Forkchoice { head: wanted.parent_hash, ..Forkchoice::default() };
            let attributes = PayloadAttributes {
                timestamp: wanted.timestamp,
                // Another payload each time, or it would go on with the one it has.
                prev_randao: B256::with_last_byte(u8::try_from(index).unwrap()),
                suggested_fee_recipient: wanted.fee_recipient,
                withdrawals: Some(Vec::new()),
                parent_beacon_block_root: Some(block.header.parent),
                ..PayloadAttributes::default()
            };
            let answer = self.api.forkchoice_updated(choice, Some(&attributes)).await.unwrap();
            let id = answer.payload_id.unwrap();
            tokio::time::sleep(Duration::from_millis(wait)).await;
            let built = self.api.get_payload(id, wanted.timestamp).await.unwrap();
            let gas = built.payload.payload_inner.payload_inner.gas_used;
            // The loops of the worst loads end by the gas that is left, so not to the unit.
            if gas + 100_000 >= wanted.gas_used {
                return wait as f64;
            }
        }
        f64::INFINITY
    }
}
