//! What chain asks for: judging, following, beginning anew; building and sealing stand beside this. One at a time, in
//! the order it was asked.

use alloy_primitives::Bytes;
use alloy_rpc_types_eth::TransactionReceipt;
use alys_bus::Context;
use alys_engine_api::{
    Forkchoice as WireForkchoice, ForkchoiceUpdated, Observation, PayloadStatus, Status, WipeError,
};
use alys_primitives::payload::to_requests;
use alys_primitives::{Block, ExecutionFacts};
use tokio::sync::mpsc;

use super::link::LinkError;
use super::{Inner, facts, probe};
use crate::execute::PayloadBlock;
use crate::messages::{EngineError, EngineHead, EngineMessage, Forkchoice, Lack, PayloadVerdict};

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
    ///
    /// A refusal stays one wherever the client stands. At the head that was asked for, it is still not what is safe
    /// and final that it took, so chain must not believe the whole choice followed; but nothing is out of step,
    /// and the health stays as it was. So it does where the client has not moved. Anywhere else the client is
    /// where nobody sent it.
    async fn follow(&self, choice: Forkchoice) -> Result<EngineHead, EngineError> {
        let Forkchoice { head, safe, finalized } = choice;
        let wire = WireForkchoice { head, safe, finalized };
        let before = *self.stands.lock();
        let updated = match self.link.ask(self.link.api.forkchoice_updated(wire, None)).await {
            Err(error) if !error.is_refusal() => return Err(error.into()),
            other => other,
        };
        let now = self.head().await?;
        let refused = |why: String| {
            if now.hash != head && before.is_some_and(|before| before != now.hash) {
                tracing::warn!(%head, stands = now.number, "the execution client refuses a head, and has moved to another");
                self.link.seen(Observation::Behind, String::new);
            }
            EngineError::Failed(format!("{why}; it stands at block {} ({})", now.number, now.hash))
        };
        let updated = updated.map_err(|error| refused(error.to_string()))?;
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
                return Err(refused(format!("it finds the head {head} invalid: {}", status.reason())));
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
        *self.stands.lock() = Some(head.hash);
        Ok(head)
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

/// Why nothing comes of a client that answers so.
pub(super) fn behind(status: &PayloadStatus) -> String {
    let name = if status.status == Status::Accepted { "ACCEPTED" } else { "SYNCING" };
    format!("the execution client has not the parent ({name})")
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
