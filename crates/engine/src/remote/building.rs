//! Building and sealing: what the client builds is checked before anybody sees it.

use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::Bytes;
use alloy_rpc_types_engine::PayloadAttributes;
use alys_engine_api::{EngineApi, Forkchoice as WireForkchoice, Observation, RpcErrorKind, Status};
use alys_primitives::block::RequestBytes;
use alys_primitives::payload::{PayloadError, PayloadRules, block_hash};

use super::Inner;
use super::builds::Build;
use super::consensus::behind;
use super::link::LinkError;
use crate::messages::{EngineError, PayloadId, SealedPayload};

impl Inner {
    /// Has the client begin to build. The Engine API builds on the head only, so the parent becomes it, which is
    /// read back as after any other update; what is safe and finalized is left as it is, by zeros.
    pub(super) async fn build(&self, rules: PayloadRules) -> Result<PayloadId, EngineError> {
        let outages = self.link.outages();
        if let Some(id) = self.builds.lock().id_of(&rules, outages) {
            return Ok(id);
        }
        let choice = WireForkchoice { head: rules.parent_hash, ..WireForkchoice::default() };
        let attributes = attributes(&rules);
        let updated = match self.link.ask(self.link.api.forkchoice_updated(choice, Some(&attributes))).await {
            Err(LinkError::Api(error)) if error.kind() == Some(RpcErrorKind::InvalidAttributes) => {
                return Err(EngineError::Failed(format!("it refuses to build as the rules say: {error}")));
            }
            other => other?,
        };
        let begun = self.link.clock.now();
        let status = &updated.payload_status;
        match status.status {
            Status::Valid => {}
            Status::Syncing | Status::Accepted => {
                self.link.seen(Observation::Behind, String::new);
                return Err(EngineError::Unavailable(behind(status)));
            }
            Status::Invalid | Status::InvalidBlockHash => {
                return Err(EngineError::Unavailable(format!(
                    "the parent is invalid to it: {}",
                    status.reason()
                )));
            }
        }
        let now = self.head().await?;
        if now.hash != rules.parent_hash {
            // Seen with Geth after kill -9, and where the parent lies below its head.
            self.link.seen(Observation::Behind, String::new);
            return Err(EngineError::Unavailable(format!(
                "it says VALID of the parent {}, and stands at block {} ({})",
                rules.parent_hash, now.number, now.hash
            )));
        }
        let Some(id) = updated.payload_id else {
            return Err(EngineError::Unavailable(
                "it took the parent for its head, and builds nothing".into(),
            ));
        };
        self.builds.lock().remember(Build { id: id.0, rules, begun, outages });
        Ok(id.0)
    }

    /// Takes the payload, and checks it: a client that departs from the rules costs this node its slot, and
    /// must not cost it its name.
    pub(super) async fn seal(&self, id: PayloadId) -> Result<SealedPayload, EngineError> {
        let Some(build) = self.builds.lock().get(&id) else { return Err(EngineError::UnknownPayload) };
        let built_for = self.link.clock.now().saturating_duration_since(build.begun);
        self.link.clock.sleep(self.config.min_build.saturating_sub(built_for)).await;
        let rules = &build.rules;
        let built = match self.link.ask(self.link.api.get_payload(id.into(), rules.timestamp)).await {
            Err(LinkError::Api(error)) if EngineApi::is_unknown_payload(&error) => {
                self.builds.lock().forget(&id);
                return Err(EngineError::UnknownPayload);
            }
            Err(error) => {
                self.builds.lock().clear();
                return Err(error.into());
            }
            Ok(built) => built,
        };
        rules.check(&built.payload).map_err(|error| departs(rules, &error))?;
        let v1 = &built.payload.payload_inner.payload_inner;
        let requests = request_bytes(&built.requests)?;
        let hash = block_hash(&built.payload, rules.parent_beacon_block_root, &requests)
            .map_err(|error| EngineError::Failed(format!("its payload is no block: {error}")))?;
        if hash != v1.block_hash {
            return Err(EngineError::Failed(format!(
                "its payload hashes to {hash} and names {}",
                v1.block_hash
            )));
        }
        self.link.metrics.built(v1.transactions.len());
        // The client's word, tips only; what is paid out follows from the facts of the judgement.
        let burnt = v1.base_fee_per_gas.saturating_mul(alloy_primitives::U256::from(v1.gas_used));
        let fees = built.block_value.saturating_add(burnt);
        Ok(SealedPayload { payload: built.payload, requests: built.requests, fees })
    }
}

fn attributes(rules: &PayloadRules) -> PayloadAttributes {
    let withdrawals: Vec<Withdrawal> = rules.withdrawals.clone();
    PayloadAttributes {
        timestamp: rules.timestamp,
        prev_randao: rules.prev_randao,
        suggested_fee_recipient: rules.fee_recipient,
        withdrawals: Some(withdrawals),
        parent_beacon_block_root: Some(rules.parent_beacon_block_root),
        ..PayloadAttributes::default()
    }
}

fn departs(rules: &PayloadRules, error: &PayloadError) -> EngineError {
    let help = match error {
        PayloadError::Field { field: "gas_limit", .. } => {
            format!("; start the execution client with --miner.gaslimit {}", rules.gas_limit)
        }
        _ => String::new(),
    };
    EngineError::Failed(format!("it built what the rules forbid: {error}{help}"))
}

fn request_bytes(requests: &[Bytes]) -> Result<Vec<RequestBytes>, EngineError> {
    requests
        .iter()
        .map(|request| request.to_vec().try_into())
        .collect::<Result<_, _>>()
        .map_err(|error| EngineError::Failed(format!("its execution requests fit into no block: {error:?}")))
}
