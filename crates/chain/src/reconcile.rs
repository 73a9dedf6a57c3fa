//! Bringing the execution client to where storage is.
//!
//! Storage is the truth, the client a follower that can be replayed. Its VALID proves nothing about
//! where it stands (`valid-but-old-head`), so its own latest block is read back after every update.

use std::sync::Arc;

use alys_bus::{
    Context,
    protocol::{
        engine::{EngineHead, EngineMessage, Forkchoice, PayloadVerdict},
        storage::{BlockQuery, BlockRef, StoredBlock},
    },
};
use alys_primitives::B256;

use crate::{
    actor::ChainArgs,
    core::{Failure, Outcome},
    error::outcome,
    load::blocks,
};

/// Blocks read from storage at a time.
const CHUNK: u32 = 32;

/// Makes the client follow `choice`, whose head is storage's `head`, replaying payloads where it does
/// not have them.
///
/// Ends when the client says itself that it stands there. A failure is transient: the core comes back.
pub(crate) async fn reconcile(args: &ChainArgs, head: BlockRef, choice: Forkchoice) -> Outcome<EngineHead> {
    let stands = engine_head(args).await?;
    // Perhaps it has all of it, and only follows something else.
    if let Ok(now) = follow(args, choice).await
        && now.hash == choice.head
    {
        return Ok(now);
    }
    tracing::warn!(
        storage = head.height,
        engine = stands.number,
        durable = stands.durable,
        "the execution client is not where storage is: payloads are replayed"
    );
    let mut from = first_unknown(args, stands, head).await?;
    let mut back = 1;
    loop {
        match replay(args, from, head, choice).await? {
            Replayed::All => break,
            // It lacks the parent: begin further down, at last at block 1, whose parent is genesis.
            Replayed::NotFrom(why) if from <= 1 => {
                return Err(transient(format!(
                    "the execution client takes no payload from block 1 on: {why}"
                )));
            }
            Replayed::NotFrom(_) => {
                from = from.saturating_sub(back).max(1);
                back *= 2;
            }
        }
    }
    let now = follow(args, choice).await?;
    if now.hash != choice.head {
        let what = format!("the execution client stays at block {} ({})", now.number, now.hash);
        return Err(transient(what));
    }
    tracing::info!(height = head.height, "the execution client follows storage");
    Ok(now)
}

/// The lowest height whose payload the client may not have.
async fn first_unknown(args: &ChainArgs, stands: EngineHead, head: BlockRef) -> Outcome<u64> {
    if stands.number <= head.height {
        let ours = stored(args, BlockQuery::Height(stands.number)).await?;
        if ours.first().is_some_and(|block| payload_of(block) == stands.hash) {
            return Ok(stands.number.saturating_add(1));
        }
    }
    Ok(stands.durable.min(head.height).saturating_add(1))
}

enum Replayed {
    All,
    /// The first payload was not taken, for this reason.
    NotFrom(String),
}

/// Hands the client one payload after the other, and reads back that it follows each.
async fn replay(args: &ChainArgs, from: u64, head: BlockRef, choice: Forkchoice) -> Outcome<Replayed> {
    let mut next = from;
    while next <= head.height {
        let blocks = stored(args, BlockQuery::Range { from: next, count: CHUNK }).await?;
        if blocks.is_empty() {
            return Err(transient(format!("storage has no block at height {next} to replay")));
        }
        for block in blocks.into_iter().take_while(|block| height_of(block) <= head.height) {
            let (height, payload) = (height_of(&block), payload_of(&block));
            match validate(args, &block).await? {
                PayloadVerdict::Valid(_) => {}
                PayloadVerdict::Unavailable { what } | PayloadVerdict::Invalid { reason: what }
                    if height == from =>
                {
                    return Ok(Replayed::NotFrom(what));
                }
                PayloadVerdict::Unavailable { what } | PayloadVerdict::Invalid { reason: what } => {
                    return Err(transient(format!("block {height} cannot be replayed: {what}")));
                }
            }
            // What is safe and final is behind the head; the anchor is behind all of it.
            let step = Forkchoice { head: payload, safe: choice.finalized, finalized: choice.finalized };
            let now = follow(args, step).await?;
            if now.hash != payload {
                let what = format!("replayed block {height}, and the client stays at block {}", now.number);
                return Err(transient(what));
            }
            next = height.saturating_add(1);
        }
    }
    Ok(Replayed::All)
}

fn height_of(block: &StoredBlock) -> u64 {
    block.block.block.header.height
}

fn payload_of(block: &StoredBlock) -> B256 {
    block.block.block.header.payload_hash
}

const fn transient(what: String) -> Failure {
    Failure { what, transient: true }
}

async fn stored(args: &ChainArgs, query: BlockQuery) -> Outcome<Vec<Arc<StoredBlock>>> {
    blocks(args, query).await.map_err(|error| transient(error.to_string()))
}

async fn engine_head(args: &ChainArgs) -> Outcome<EngineHead> {
    let ctx = Context::root(args.config.engine());
    outcome(args.engine.ask(ctx, |reply| EngineMessage::Head { reply }).await)
}

async fn follow(args: &ChainArgs, choice: Forkchoice) -> Outcome<EngineHead> {
    let ctx = Context::root(args.config.engine());
    outcome(args.engine.ask(ctx, |reply| EngineMessage::ForkchoiceUpdate { choice, reply }).await)
}

async fn validate(args: &ChainArgs, block: &StoredBlock) -> Outcome<PayloadVerdict> {
    let ctx = Context::root(args.config.engine());
    let block = Arc::new(block.block.block.clone());
    outcome(args.engine.ask(ctx, |reply| EngineMessage::ValidatePayload { block, reply }).await)
}
