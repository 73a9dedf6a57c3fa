//! What chain asks for: judging, following, building, sealing, and beginning anew. One at a time, in the
//! order it was asked.

use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::Bytes;
use alloy_rpc_types_engine::PayloadAttributes;
use alloy_rpc_types_eth::TransactionReceipt;
use alys_bus::Context;
use alys_engine_api::{
    EngineApi, Forkchoice as WireForkchoice, ForkchoiceUpdated, Observation, PayloadStatus, RpcErrorKind,
    Status, WipeError,
};
use alys_primitives::block::RequestBytes;
use alys_primitives::payload::{PayloadError, PayloadRules, block_hash, to_requests};
use alys_primitives::{Block, ExecutionFacts};
use tokio::sync::mpsc;

use super::builds::Build;
use super::link::LinkError;
use super::{Inner, facts, probe};
use crate::execute::PayloadBlock;
use crate::messages::{
    EngineError, EngineHead, EngineMessage, Forkchoice, Lack, PayloadId, PayloadVerdict, SealedPayload,
};

/// Between two looks at a client that is being started anew.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(100);

/// Does the work in the queue, as long as the actor lives.
pub(super) async fn work(inner: std::sync::Arc<Inner>, mut queue: mpsc::Receiver<(Context, EngineMessage)>) {
    while let Some((ctx, message)) = queue.recv().await {
        if ctx.is_expired() {
            // Dropped unanswered: its asker has gone.
            continue;
        }
        match message {
            EngineMessage::ValidatePayload { block, reply } if !reply.is_abandoned() => {
                let started = inner.link.clock.now();
                let verdict = inner.validate(&block).await;
                inner.link.metrics.validated(inner.link.clock.now() - started, &verdict);
                reply.send(Ok(verdict));
            }
            EngineMessage::ForkchoiceUpdate { choice, reply } => reply.send(inner.follow(choice).await),
            EngineMessage::BuildExecutionPayload { rules, reply } => reply.send(inner.build(*rules).await),
            EngineMessage::SealPayload { id, reply } if !reply.is_abandoned() => {
                reply.send(inner.seal(id).await.map(Box::new));
            }
            EngineMessage::Reset { reply } => reply.send(inner.reset(ctx).await),
            _ => {}
        }
    }
}

impl Inner {
    /// Hands the payload to the client, and makes facts of its receipts.
    async fn validate(&self, block: &Block) -> PayloadVerdict {
        let requests: Vec<Bytes> = to_requests(&block.execution_requests).into_iter().collect();
        let request = self.link.api.new_payload(&block.payload, block.header.parent, &requests);
        let status = match self.link.ask(request).await {
            Ok(status) => status,
            Err(error) => {
                let lack = if error.is_refusal() { Lack::Judgement } else { Lack::Answer };
                return PayloadVerdict::Unavailable { lack, what: error.to_string() };
            }
        };
        match status.status {
            Status::Invalid | Status::InvalidBlockHash => PayloadVerdict::Invalid { reason: status.reason() },
            Status::Syncing | Status::Accepted => {
                self.link.seen(Observation::Behind, String::new);
                PayloadVerdict::Unavailable { lack: Lack::Parent, what: behind(&status) }
            }
            Status::Valid => match self.facts(block, &status).await {
                Ok(facts) => PayloadVerdict::Valid(facts),
                Err(why) => {
                    tracing::warn!(why, "the execution client says VALID, and facts cannot be had");
                    PayloadVerdict::Unavailable { lack: Lack::Facts, what: format!("facts: {why}") }
                }
            },
        }
    }

    async fn facts(&self, block: &Block, status: &PayloadStatus) -> Result<ExecutionFacts, String> {
        let hash = block.header.payload_hash;
        if let Some(other) = status.latest_valid_hash.filter(|valid| *valid != hash) {
            return Err(format!(
                "the client says VALID of {hash} and names {other} as the latest valid block"
            ));
        }
        let payload = facts::take_apart(block)?;
        if let Some(facts) = facts::of_nothing(&payload) {
            return facts;
        }
        let receipts = match self.receipts(&payload).await? {
            Some(receipts) => receipts,
            None => self.receipts_of_the_head(&payload).await?,
        };
        facts::of(&payload, &receipts)
    }

    async fn receipts(&self, payload: &PayloadBlock) -> Result<Option<Vec<TransactionReceipt>>, String> {
        let wanted = [facts::wanted(payload)];
        let mut found =
            self.link.ask(self.link.api.receipts(&wanted)).await.map_err(|error| error.to_string())?;
        Ok(found.pop().flatten())
    }

    /// For clients that have receipts of canonical blocks only: the block is made the head, looked at, and
    /// the old head chosen again. Wallets see it for that moment, as they would a block that is reorganised
    /// away; chain's next forkchoice says what holds. Only on the client's own head: elsewhere it would be a
    /// reorganisation by a block that nobody has voted for.
    async fn receipts_of_the_head(&self, payload: &PayloadBlock) -> Result<Vec<TransactionReceipt>, String> {
        let missing = "the client has no receipts of a block that is not its head";
        let text = |error: LinkError| error.to_string();
        let head = self.link.ask(self.link.api.head()).await.map_err(text)?;
        if head.hash != payload.block.header.parent_hash {
            return Err(format!("{missing}, and its head is not the block's parent"));
        }
        self.choose(payload.hash).await.map_err(text)?;
        let receipts = self.receipts(payload).await;
        // Whether it goes back is for chain's next forkchoice to find out.
        self.choose(head.hash).await.map_err(text)?;
        receipts?.ok_or_else(|| missing.to_owned())
    }

    async fn choose(&self, head: alloy_primitives::B256) -> Result<ForkchoiceUpdated, LinkError> {
        let choice = WireForkchoice { head, ..WireForkchoice::default() };
        self.link.ask(self.link.api.forkchoice_updated(choice, None)).await
    }

    /// Sets the head, and reads the client's own back, after a refusal too: Geth has been seen to answer -38002
    /// and to have moved. Nothing the client answers to the first is believed.
    async fn follow(&self, choice: Forkchoice) -> Result<EngineHead, EngineError> {
        let Forkchoice { head, safe, finalized } = choice;
        let wire = WireForkchoice { head, safe, finalized };
        let updated = match self.link.ask(self.link.api.forkchoice_updated(wire, None)).await {
            Err(error) if !error.is_refusal() => return Err(error.into()),
            other => other,
        };
        let now = self.head().await?;
        let updated = updated.map_err(|error| {
            EngineError::Failed(format!("{error}; it stands at block {} ({})", now.number, now.hash))
        })?;
        let status = &updated.payload_status;
        match status.status {
            Status::Valid if now.hash == head => self.link.seen(Observation::InStep, String::new),
            Status::Valid => {
                // `valid-but-old-head`
                tracing::warn!(%head, stands = now.number, "the execution client says VALID, and its head is another");
                self.link.seen(Observation::Behind, String::new);
            }
            Status::Syncing | Status::Accepted => self.link.seen(Observation::Behind, String::new),
            Status::Invalid | Status::InvalidBlockHash => {
                return Err(EngineError::Failed(format!(
                    "it finds the head {head} invalid: {}",
                    status.reason()
                )));
            }
        }
        Ok(now)
    }

    /// The client's own latest block.
    pub(super) async fn head(&self) -> Result<EngineHead, EngineError> {
        let head = self.link.ask(self.link.api.head()).await?;
        // Nothing in the Engine API says what a client has on its disk, and Geth has been seen to stand at 0
        // after a kill. So no height is promised, and every payload stays at hand for a replay.
        let head = EngineHead { number: head.number, hash: head.hash, durable: 0 };
        self.link.metrics.stands(head);
        Ok(head)
    }

    /// Has the client begin to build. The Engine API builds on the head only, so the parent becomes it; what
    /// is safe and finalized is left as it is, by zeros.
    async fn build(&self, rules: PayloadRules) -> Result<PayloadId, EngineError> {
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
        let Some(id) = updated.payload_id else {
            // Seen with Geth after kill -9, and where the parent lies below its head.
            return Err(EngineError::Unavailable(
                "it took the parent for its head, and builds nothing".into(),
            ));
        };
        let begun = self.link.clock.now();
        self.builds.lock().remember(Build { id: id.0, rules, begun, outages });
        Ok(id.0)
    }

    /// Takes the payload, and checks it: a client that departs from the rules costs this node its slot, and
    /// must not cost it its name.
    async fn seal(&self, id: PayloadId) -> Result<SealedPayload, EngineError> {
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

    /// Has the client's data thrown away, where it is this node's to do so.
    async fn reset(&self, ctx: Context) -> Result<(), EngineError> {
        let Some(managed) = &self.managed else {
            return Err(EngineError::NotManaged(not_managed(self.link.api.engine_port().url())));
        };
        managed.wipe_and_restart().await.map_err(|error| match error {
            WipeError::Exhausted(_) => EngineError::NotManaged(error.to_string()),
            WipeError::Failed(_) => EngineError::Failed(error.to_string()),
        })?;
        self.builds.lock().clear();
        self.link.metrics.wiped();
        // What it has shown before was another's.
        self.link.seen(Observation::NoAnswer, || "it was begun anew".into());
        let mut slow = 0;
        loop {
            match probe::look(&self.link, &mut slow).await {
                probe::Found::Known => break,
                probe::Found::Stranger(why) => return Err(EngineError::Failed(why)),
                probe::Found::Nobody(error) if ctx.is_expired() => {
                    return Err(EngineError::Unavailable(format!("begun anew, it does not answer: {error}")));
                }
                probe::Found::Nobody(_) => self.link.clock.sleep(LOOK_AGAIN).await,
            }
        }
        let head = self.head().await?;
        if head.hash == self.link.expected.genesis {
            return Ok(());
        }
        Err(EngineError::Failed(format!("begun anew, it stands at block {}, not at genesis", head.number)))
    }
}

fn behind(status: &PayloadStatus) -> String {
    let name = if status.status == Status::Accepted { "ACCEPTED" } else { "SYNCING" };
    format!("the execution client has not the parent ({name})")
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

fn not_managed(url: &str) -> String {
    format!(
        "the execution client at {url} does not come to where this node's blocks lead, and its data are not \
         this node's to throw away: stop it, remove its data folder's chain data, initialise it again with the \
         genesis of `alys genesis`, and start it. For Geth: `geth removedb --datadir DIR`, `geth init \
         --state.scheme hash --datadir DIR genesis.json`, then as before with --state.scheme hash \
         --gcmode archive. The node replays every block by itself"
    )
}
