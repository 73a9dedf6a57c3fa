//! Bringing the execution client to where storage is.
//!
//! Storage is the truth, the client a follower that can be replayed. Its VALID proves nothing about
//! where it stands (`valid-but-old-head`), so its own latest block is read back after every update.
//!
//! ```text
//!   follow storage's head ── stands there ──────────────────────────────────────► done
//!        │ stands elsewhere
//!   back to its own head, find the last block both have,
//!   replay from there: payload, forkchoice, read back ── stands at the head ────► done
//!        │ takes no payload, or does not move: twice more, then
//!   throw its data away, replay from block 1 ── only a client in this node's hands; else an alarm
//! ```

mod asks;
mod common;

use std::{sync::Arc, time::Duration};

use alys_bus::protocol::{
    engine::{EngineHead, Forkchoice, Lack, PayloadVerdict},
    storage::{BlockQuery, BlockRef, StoredBlock},
};
use alys_primitives::B256;

use crate::{
    actor::ChainArgs,
    core::{Failure, Outcome},
};
use asks::{engine_head, follow, reset, stored, transient, validate};

/// Blocks read from storage at a time.
const CHUNK: u32 = 32;

/// Before the next tries, where the client is stuck: it may have been on its way up, or down.
const PAUSES: [Duration; 2] = [Duration::ZERO, Duration::from_secs(2)];

/// How often a long replay says how far it is.
const PROGRESS: Duration = Duration::from_secs(5);

/// Why the client is not where storage is.
enum Trouble {
    /// Somebody did not answer: the same may go well later.
    Failed(Failure),
    /// The client answers, and does not go where it is told. A client that is merely slow, or gone, is never stuck.
    Stuck(String),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Makes the client follow `choice`, whose head is storage's `head`, replaying payloads where it does
/// not have them.
///
/// Ends when the client says itself that it stands there. A transient failure: the core comes back. One
/// that is not needs an operator, and says what is to be done; the core comes back all the same.
pub(crate) async fn reconcile(args: &ChainArgs, head: BlockRef, choice: Forkchoice) -> Outcome<EngineHead> {
    let mut outcome = bring(args, head, choice).await;
    for pause in PAUSES {
        let Err(Trouble::Stuck(why)) = &outcome else { break };
        tracing::warn!(why, "the execution client does not come to where storage is; once more");
        args.clock.sleep(pause).await;
        outcome = bring(args, head, choice).await;
    }
    if let Err(Trouble::Stuck(why)) = &outcome {
        // Without an answer it is not stuck but gone.
        engine_head(args).await?;
        let refused = |failure: Failure| Failure { what: format!("{why}; {failure}"), ..failure };
        reset(args).await.map_err(refused)?;
        tracing::warn!(why, "the execution client's data were thrown away, and are made again");
        outcome = bring(args, head, choice).await;
    }
    outcome.map_err(|trouble| match trouble {
        Trouble::Failed(failure) => failure,
        Trouble::Stuck(why) => Failure {
            what: format!("the execution client began at genesis again, and all the same: {why}"),
            transient: false,
        },
    })
}

/// One attempt, without throwing anything away.
async fn bring(args: &ChainArgs, head: BlockRef, choice: Forkchoice) -> Result<EngineHead, Trouble> {
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
        "the execution client is not where storage is: payloads are replayed"
    );
    // A client that was sent after a head which it has not may be waiting for that head from its peers,
    // who do not exist. This ends the wait.
    let own = Forkchoice { head: stands.hash, ..Forkchoice::default() };
    match follow(args, own).await {
        Err(Trouble::Stuck(why)) => tracing::debug!(why, "the client does not go to its own head"),
        other => {
            other?;
        }
    }
    let mut from = common::first_missing(args, stands, head).await?;
    let mut back = 1;
    loop {
        match replay(args, from, head).await? {
            Replayed::All => break,
            // It lacks the parent: begin further down, at last at block 1, whose parent is genesis.
            Replayed::NotFrom(why) if from <= 1 => {
                return Err(Trouble::Stuck(format!("it takes no payload from block 1 on: {why}")));
            }
            Replayed::NotFrom(_) => {
                from = from.saturating_sub(back).max(1);
                back *= 2;
            }
        }
    }
    let now = follow(args, choice).await?;
    if now.hash != choice.head {
        return Err(Trouble::Stuck(format!("it stays at block {} ({})", now.number, now.hash)));
    }
    tracing::info!(height = head.height, "the execution client follows storage");
    Ok(now)
}

enum Replayed {
    All,
    /// The first payload was not taken, for this reason.
    NotFrom(String),
}

/// Hands the client one payload after the other, and reads back that it follows each.
async fn replay(args: &ChainArgs, from: u64, head: BlockRef) -> Result<Replayed, Trouble> {
    let mut next = from;
    let mut told = args.clock.now();
    while next <= head.height {
        let blocks = stored(args, BlockQuery::Range { from: next, count: CHUNK }).await?;
        if blocks.is_empty() {
            return Err(transient(format!("storage has no block at height {next} to replay")).into());
        }
        for block in blocks.into_iter().take_while(|block| height_of(block) <= head.height) {
            tracing::debug!(height = height_of(&block), "a payload is replayed");
            let (height, payload) = (height_of(&block), payload_of(&block));
            match validate(args, &block).await? {
                PayloadVerdict::Valid(_) => {}
                PayloadVerdict::Unavailable { lack: Lack::Parent, what }
                | PayloadVerdict::Invalid { reason: what }
                    if height == from =>
                {
                    return Ok(Replayed::NotFrom(what));
                }
                PayloadVerdict::Unavailable { lack: Lack::Judgement, what } => {
                    return Err(Trouble::Stuck(format!("it does not judge block {height}: {what}")));
                }
                PayloadVerdict::Unavailable { what, .. } => {
                    return Err(transient(format!("block {height} cannot be replayed now: {what}")).into());
                }
                PayloadVerdict::Invalid { reason } => {
                    return Err(Trouble::Stuck(format!("it finds block {height} invalid: {reason}")));
                }
            }
            // What is safe and what is final are said with the last step: on the way they lie ahead of
            // the client, which refuses such an update.
            let step = Forkchoice { head: payload, ..Forkchoice::default() };
            let now = follow(args, step).await?;
            if now.hash != payload {
                let what = format!("it took block {height}, and stays at block {}", now.number);
                return Err(Trouble::Stuck(what));
            }
            next = height.saturating_add(1);
            if args.clock.now().saturating_duration_since(told) >= PROGRESS {
                told = args.clock.now();
                tracing::info!(height, of = head.height, "payloads are replayed");
            }
        }
    }
    Ok(Replayed::All)
}

fn height_of(block: &Arc<StoredBlock>) -> u64 {
    block.block.block.header.height
}

fn payload_of(block: &Arc<StoredBlock>) -> B256 {
    block.block.block.header.payload_hash
}
