//! `engine_*`.

use alloy_primitives::{B256, Bytes};
use alloy_rpc_types_engine::{ExecutionPayloadV3, PayloadAttributes};

use super::EngineApi;
use super::types::{BuiltPayload, ClientVersion, Forkchoice, ForkchoiceUpdated, PayloadBody, PayloadId};
use crate::error::{ApiError, RpcErrorKind};
use crate::fork::Fork;
use crate::status::PayloadStatus;

/// The methods this client calls, as `engine_exchangeCapabilities` tells them. That method itself is not
/// named (common.md).
pub const CAPABILITIES: [&str; 8] = [
    "engine_forkchoiceUpdatedV3",
    "engine_getPayloadV3",
    "engine_getPayloadV4",
    "engine_newPayloadV3",
    "engine_newPayloadV4",
    "engine_getPayloadBodiesByHashV1",
    "engine_getPayloadBodiesByRangeV1",
    "engine_getClientVersionV1",
];

/// Bodies that are asked for at once: every client takes as many (shanghai.md).
const BODIES: usize = 32;

impl EngineApi {
    /// Tells the client what this one can do; what the client can.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn exchange_capabilities(&self) -> Result<Vec<String>, ApiError> {
        self.engine("engine_exchangeCapabilities", &[CAPABILITIES]).await
    }

    /// Which programs work behind the port; empty where the client does not say, as EthereumJS. `version` is
    /// this node's, `commit` four bytes in hex.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn client_version(&self, version: &str, commit: &str) -> Result<Vec<ClientVersion>, ApiError> {
        // The list of codes in identification.md has none for Alys; clients show the name.
        let us = ClientVersion {
            code: "AL".into(),
            name: "Alys".into(),
            version: version.into(),
            commit: commit.into(),
        };
        match self.engine("engine_getClientVersionV1", &[us]).await {
            Err(error) if error.is_missing_method() => Ok(Vec::new()),
            other => other,
        }
    }

    /// Sets the head, and begins to build on it where `attributes` are given, which must be those of a
    /// payload on `choice.head`. The version is chosen by the attributes' timestamp.
    ///
    /// # Errors
    /// [`ApiError`]; kinds [`InvalidForkchoice`](RpcErrorKind::InvalidForkchoice) and
    /// [`InvalidAttributes`](RpcErrorKind::InvalidAttributes), after both of which the head may have moved.
    pub async fn forkchoice_updated(
        &self,
        choice: Forkchoice,
        attributes: Option<&PayloadAttributes>,
    ) -> Result<ForkchoiceUpdated, ApiError> {
        let fork = attributes.map_or(Fork::Prague, |a| self.inner.forks.at(a.timestamp));
        self.engine(fork.forkchoice_updated(), &(choice, attributes)).await
    }

    /// The payload built under `id`, whose timestamp is `timestamp`. Ends the building in most clients.
    ///
    /// # Errors
    /// [`ApiError`]; see [`is_unknown_payload`](Self::is_unknown_payload).
    pub async fn get_payload(&self, id: PayloadId, timestamp: u64) -> Result<BuiltPayload, ApiError> {
        self.engine(self.inner.forks.at(timestamp).get_payload(), &[id]).await
    }

    /// Whether an error of [`get_payload`](Self::get_payload) says that nobody builds under that id.
    ///
    /// -38001 by the specification, -32001 of EthereumJS, and -38005 of Geth 1.17.8, which checks the id's
    /// version first and finds none. The version is right here, because it was chosen by the timestamp.
    #[must_use]
    pub fn is_unknown_payload(error: &ApiError) -> bool {
        matches!(error.kind(), Some(RpcErrorKind::UnknownPayload | RpcErrorKind::UnsupportedFork))
    }

    /// Has a payload executed and judged. No blobs: versioned hashes are none.
    ///
    /// # Errors
    /// [`ApiError`]. A judgement, INVALID too, is no error.
    pub async fn new_payload(
        &self,
        payload: &ExecutionPayloadV3,
        parent_beacon_block_root: B256,
        requests: &[Bytes],
    ) -> Result<PayloadStatus, ApiError> {
        let fork = self.inner.forks.at(payload.payload_inner.payload_inner.timestamp);
        let no_blobs: [B256; 0] = [];
        match fork {
            Fork::Cancun => {
                self.engine(fork.new_payload(), &(payload, no_blobs, parent_beacon_block_root)).await
            }
            Fork::Prague => {
                let params = (payload, no_blobs, parent_beacon_block_root, requests);
                self.engine(fork.new_payload(), &params).await
            }
        }
    }

    /// Transactions and withdrawals of blocks by hash; `None` where the client has it not. In pieces of 32,
    /// which every client must take (shanghai.md), and smaller ones where it refuses that with -38004.
    ///
    /// # Errors
    /// [`ApiError`]; [`TooLargeRequest`](RpcErrorKind::TooLargeRequest) where even one is too many,
    /// [`BadResult`](ApiError::BadResult) where more or fewer came than were asked for.
    pub async fn payload_bodies_by_hash(
        &self,
        hashes: &[B256],
    ) -> Result<Vec<Option<PayloadBody>>, ApiError> {
        let method = "engine_getPayloadBodiesByHashV1";
        let mut bodies = Vec::with_capacity(hashes.len());
        let (mut left, mut piece) = (hashes, BODIES);
        while !left.is_empty() {
            let (now, later) = left.split_at(piece.min(left.len()));
            match self.engine::<Vec<_>>(method, &[now]).await {
                // By their places alone is known whose they are.
                Ok(some) if some.len() != now.len() => {
                    return Err(miscounted(method, some.len(), now.len()));
                }
                Ok(some) => {
                    bodies.extend(some);
                    left = later;
                }
                Err(error) if error.kind() == Some(RpcErrorKind::TooLargeRequest) && now.len() > 1 => {
                    piece = now.len() / 2;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(bodies)
    }

    /// Transactions and withdrawals of `count` canonical blocks from `start` on; fewer at the head, and `None`
    /// where the client has forgotten one. In spans of 32, which every client must take (shanghai.md), and
    /// shorter ones where it refuses that with -38004.
    ///
    /// # Errors
    /// As [`payload_bodies_by_hash`](Self::payload_bodies_by_hash), for more than were asked for.
    pub async fn payload_bodies_by_range(
        &self,
        start: u64,
        count: u64,
    ) -> Result<Vec<Option<PayloadBody>>, ApiError> {
        let method = "engine_getPayloadBodiesByRangeV1";
        let mut bodies = Vec::new();
        let (mut next, mut left, mut span) = (start, count, BODIES);
        while left > 0 {
            let now = span.min(usize::try_from(left).unwrap_or(span));
            let params = (format!("{next:#x}"), format!("{now:#x}"));
            match self.engine::<Vec<_>>(method, &params).await {
                Ok(some) if some.len() > now => return Err(miscounted(method, some.len(), now)),
                Ok(some) => {
                    let is_at_the_head = some.len() < now;
                    bodies.extend(some);
                    if is_at_the_head {
                        break;
                    }
                    let taken = u64::try_from(now).unwrap_or(left);
                    (next, left) = (next.saturating_add(taken), left.saturating_sub(taken));
                }
                Err(error) if error.kind() == Some(RpcErrorKind::TooLargeRequest) && now > 1 => {
                    span = now / 2;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(bodies)
    }
}

fn miscounted(method: &str, came: usize, asked: usize) -> ApiError {
    let reason = format!("{came} bodies came of the {asked} asked for");
    ApiError::BadResult { method: method.to_owned(), reason }
}
