//! What is asked of storage and of the execution client, each with its deadline.

use std::sync::Arc;

use alys_bus::{
    AskError, Context,
    protocol::{
        engine::{EngineError, EngineHead, EngineMessage, Forkchoice, PayloadVerdict},
        query::QueryError,
        storage::{BlockQuery, StoredBlock},
    },
};
use alys_primitives::B256;

use super::Trouble;
use crate::{
    actor::ChainArgs,
    core::{Failure, Outcome},
    error::outcome,
    load::blocks,
};

pub(super) const fn transient(what: String) -> Failure {
    Failure { what, transient: true }
}

pub(super) async fn stored(args: &ChainArgs, query: BlockQuery) -> Outcome<Vec<Arc<StoredBlock>>> {
    blocks(args, query).await.map_err(|error| transient(error.to_string()))
}

pub(super) async fn engine_head(args: &ChainArgs) -> Outcome<EngineHead> {
    let ctx = Context::root(args.config.engine());
    outcome(args.engine.ask(ctx, |reply| EngineMessage::Head { reply }).await)
}

/// Stuck where the client answers with a refusal.
pub(super) async fn follow(args: &ChainArgs, choice: Forkchoice) -> Result<EngineHead, Trouble> {
    let ctx = Context::root(args.config.engine());
    match args.engine.ask(ctx, |reply| EngineMessage::ForkchoiceUpdate { choice, reply }).await {
        Err(AskError::Actor(EngineError::Failed(why))) => Err(Trouble::Stuck(why)),
        other => Ok(outcome(other)?),
    }
}

pub(super) async fn validate(args: &ChainArgs, block: &StoredBlock) -> Outcome<PayloadVerdict> {
    let ctx = Context::root(args.config.engine());
    let block = Arc::new(block.block.block.clone());
    outcome(args.engine.ask(ctx, |reply| EngineMessage::ValidatePayload { block, reply }).await)
}

pub(super) async fn reset(args: &ChainArgs) -> Outcome<()> {
    // A process ends, its files go, it starts again.
    let ctx = Context::root(args.config.reset());
    outcome(args.engine.ask(ctx, |reply| EngineMessage::Reset { reply }).await)
}

/// The hash of the client's own block at a height; `None` where it has none, or cannot say.
pub(super) async fn engine_block(args: &ChainArgs, height: u64) -> Outcome<Option<B256>> {
    let ctx = Context::root(args.config.engine());
    let make = |reply| EngineMessage::BlockBy { at: height.into(), full: false, reply };
    match args.engine.ask(ctx, make).await {
        Ok(block) => Ok(block.map(|block| block.header.hash)),
        Err(AskError::Unsupported(_) | AskError::Actor(QueryError::BlockNotFound(_))) => Ok(None),
        Err(error) => Err(transient(error.to_string())),
    }
}
